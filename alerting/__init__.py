"""From an alert's transition to a message a person reads: what to say, to whom, and when to try again.

Everything here is pure (time and chance come in as arguments) but the channels in `alerting.delivery`.
"""
