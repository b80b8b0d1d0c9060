"""How long thresholds were those of a table, and how many false alarms there were once they were learnt. Pure."""

from collections.abc import Iterable

from alerting.words import count
from streams.backtest.report.html import figure
from streams.backtest.verdicts import YEAR_MS, Judged, Span, Verdict
from streams.detection.calendar import Calendar
from streams.detection.config import DAY_MS

_SOON_MS = 7 * DAY_MS
_TELLING_MS = 90 * DAY_MS
"""In a shorter time hardly an alarm is decided."""


def told_of_cold_start(
    learnt_at: int | None, judged_from: int, end: int, judged: Judged, spans: Iterable[Span], calendar: Calendar
) -> list[str]:
    """For whoever reads the rate of false alarms. `learnt_at`: when the first thresholds were the fleet's own, in ms;
    None: never. `end`: up to where the data go. Nothing when accounts were judged by the table for less than a week."""
    table = (
        "thresholds were those of a cold start, and what little was known of this fleet: there may be many more false "
        "alarms than asked."
    )
    if learnt_at is None:
        return [f"Up to the end {table} It is too small, or the history too short."] if judged.account_years else []
    if learnt_at - judged_from < _SOON_MS:
        return []
    said = f"Until {calendar.day_text(learnt_at)} {table}"
    years = sum(
        max(0, span.last_event_at - max(span.monitored_at, learnt_at))
        for span in spans
        if span.monitored_at is not None
    )
    false = [alarm.opened_at for alarm, verdict in judged.alarms if verdict is Verdict.FALSE]
    later = sum(at >= learnt_at for at in false)
    said += f" Of {count(len(false), 'false alarm')} {len(false) - later:,} came before that"
    if end - learnt_at < _TELLING_MS or not years:
        return [f"{said}."]
    return [f"{said}; from then on there were {figure(later * YEAR_MS / years)} per account-year."]
