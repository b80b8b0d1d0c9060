"""Ground truth for detection: method against method at equal false alarms (`make bench-detection`).

Everything works on matrices of counts a day. `fleet` says what is judged, `method` what judges, `alarms` when a score
is an alarm, `exam` which alarms are right, `halves` which threshold gives the false alarms that are asked for.
"""
