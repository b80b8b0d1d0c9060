"""What a report says of the time before thresholds were learnt."""

from streams.backtest.cold_start import told_of_cold_start
from streams.backtest.outcomes import Basis, Outcomes
from streams.backtest.verdicts import Judged, Span, judge
from streams.detection.calendar import Calendar
from tests.unit.backtest.making import alarm, at, span

CALENDAR = Calendar("UTC", 3_600_000)
SPANS = {"a": span(465.25, monitored=50), "b": span(90, monitored=50), "c": span(400, monitored=None)}


def judged(spans: dict[str, Span] = SPANS) -> Judged:
    alarms = {"a": [alarm(60, 61), alarm(99, 99.5), alarm(200, 201)]}
    return judge(alarms, Outcomes(Basis.SILENCE, {}, 60), spans, at(500))


def notes(learnt: float | None, end: float = 500) -> list[str]:
    return told_of_cold_start(
        None if learnt is None else at(learnt), at(50), at(end), judged(), SPANS.values(), CALENDAR
    )


def test_it_says_until_when_and_what_came_before_and_after() -> None:
    (said,) = notes(100)
    assert said.startswith(f"Until {CALENDAR.day_text(at(100))} thresholds were those of a cold start")
    assert said.endswith("Of 3 false alarms 2 came before that; from then on there were 1 per account-year.")


def test_a_short_time_after_it_has_no_rate() -> None:
    (said,) = notes(100, end=189)
    assert said.endswith("Of 3 false alarms 2 came before that.")


def test_a_fleet_that_never_learns_is_told_so() -> None:
    (said,) = notes(None)
    assert said.startswith("Up to the end thresholds were those of a cold start")


def test_nothing_is_said_where_nobody_was_judged_by_it() -> None:
    assert not notes(56)
    nobody = {"c": SPANS["c"]}
    assert not told_of_cold_start(None, at(500), at(500), judged(nobody), nobody.values(), CALENDAR)
