"""`telemetry_stalled`: all accounts together do so little on a day that it is no decline of theirs. The producers are
broken, or it is a holiday; the fleet's factor stops the clocks of every account meanwhile."""

from typing import Final

from alerting import lifecycle
from alerting.lifecycle import Alert, Finding, Standing
from schemas.alerts import AlertReason, Kind, Resolution, Severity
from streams.detection.calendar import Calendar

FLEET_ID: Final = "fleet"
"""Stands for an account's id: the alert is on none of them."""
_BELOW: Final = 0.3
_CRITICAL_BELOW: Final = 0.1
_BACK: Final = 0.6


def looked_at(alert: Alert | None, day: int, factor: float, calendar: Calendar) -> Alert | None:
    """The alert after a day with this factor, if that changes it."""
    is_open = alert is not None and alert.is_open
    at, percent = calendar.close_of(day), round(100 * factor)
    standing = Standing(min(percent, 100), None, None, 0.0)
    if alert is not None and is_open:
        if factor < _BACK:
            return None
        return lifecycle.resolve(
            alert, at, Resolution.RECOVERED, f"Activity of all accounts is back at {percent}% of normal.", standing
        )
    if factor >= _BELOW:
        return None
    since = calendar.start_of(day)
    finding = Finding(
        Severity.CRITICAL if factor < _CRITICAL_BELOW else Severity.WARNING,
        since,
        f"Activity of all accounts together was at {percent}% of normal on {calendar.day_text(since)}: "
        "producers may be broken. Engagement alerts wait.",
        (
            AlertReason(
                code="fleet_quiet",
                text="No account is judged by days on which nobody's events come.",
                values={"percent_of_normal": percent},
            ),
        ),
        {"percent_of_normal": percent},
    )
    return lifecycle.open_alert(FLEET_ID, Kind.TELEMETRY_STALLED, at, finding, standing)
