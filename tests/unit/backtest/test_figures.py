"""Alarms, what they were worth, and the silence rule beside them: small cases that can be checked by hand."""

import re
from dataclasses import replace

import pytest

from schemas.alerts import Change, Kind, Resolution, Severity
from streams.backtest.accounts import decisions
from streams.backtest.incidents import incidents
from streams.backtest.load import load_of
from streams.backtest.outcomes import Basis, Outcomes, silent_for_good
from streams.backtest.report.plots import weeks_plot
from streams.backtest.silence_rule import History, alarms_of_rule, best_rule, rule_of, telling
from streams.backtest.verdicts import Judged, Verdict, judge
from streams.detection.calendar import Calendar
from tests.unit.backtest.making import FIRST, activity, alarm, at, span, told

CALENDAR = Calendar("UTC", 3_600_000)


def spans_of(*transitions: object) -> list[tuple[float, float | None]]:
    found = incidents(transitions).get("a", [])  # type: ignore[arg-type]
    return [(_day(each.opened_at), None if each.closed_at is None else _day(each.closed_at)) for each in found]


def _day(moment: int) -> float:
    return moment / 86_400_000 - FIRST


def test_an_alarm_lasts_from_the_warning_to_the_end_of_the_alert() -> None:
    watched = told(3, Change.OPENED, Severity.WATCH)
    assert spans_of(watched) == []
    assert spans_of(watched, told(5, Change.ESCALATED)) == [(5, None)]
    assert spans_of(watched, told(5, Change.ESCALATED), told(9, Change.RESOLVED)) == [(5, 9)]
    assert spans_of(told(1, Change.OPENED, kind=Kind.PAYMENT_FAILED)) == []


def test_alerts_that_overlap_or_follow_within_four_weeks_are_one_alarm() -> None:
    first = [told(0, Change.OPENED), told(10, Change.RESOLVED)]
    drop = told(5, Change.OPENED, alert="2", kind=Kind.USAGE_DROP)
    assert spans_of(*first, told(37, Change.OPENED), told(40, Change.RESOLVED)) == [(0, 40)]
    assert spans_of(*first, told(38, Change.OPENED), told(40, Change.RESOLVED)) == [(0, 10), (38, 40)]
    assert spans_of(first[0], drop, first[1]) == [(0, None)]
    [merged] = incidents([first[0], drop, first[1]])["a"]
    assert (merged.kinds, merged.alert_ids) == ((Kind.USAGE_SILENCE, Kind.USAGE_DROP), ("1", "2"))


def silence(last: float, *alarms: tuple[float, float | None], days: int = 60, end: float = 400) -> Judged:
    outcomes = silent_for_good([("a", at(last))], at(end), days)
    return judge({"a": [alarm(*each) for each in alarms]}, outcomes, {"a": span(last)}, at(end))


@pytest.mark.parametrize(
    ("last", "alarms", "verdict"),
    [
        (100, (110, None), Verdict.RIGHT),
        (100, (160, None), Verdict.RIGHT),
        (100, (161, None), Verdict.LATE),
        (100, (45, 50), Verdict.RIGHT),
        (100, (40, 45), Verdict.RIGHT),
        (100, (39, 99), Verdict.FALSE),
        (100, (39, 100), Verdict.FALSE),
        (100, (39, 101), Verdict.RIGHT),
        (100, (30, 39), Verdict.FALSE),
        (390, (395, None), Verdict.UNDECIDED),
        (390, (380, None), Verdict.FALSE),
        (340.0, (350, None), Verdict.RIGHT),
        (340.1, (350, None), Verdict.UNDECIDED),
    ],
)
def test_with_silence_as_the_outcome_an_alarm_is_held_against_the_last_event(
    last: float, alarms: tuple[float, float | None], verdict: Verdict
) -> None:
    assert [each for _, each in silence(last, alarms).alarms] == [verdict]


def test_delays_are_days_from_the_last_event_and_shares_are_of_all_losses_that_could_be_judged() -> None:
    last = {"a": 100.0, "b": 100.0, "c": 100.0, "d": 50.0, "e": 399.0}
    spans = {account: span(day) for account, day in last.items()} | {"d": span(50, monitored=None)}
    outcomes = silent_for_good([(account, at(day)) for account, day in last.items()], at(400), 60)
    alarms = {"a": [alarm(107)], "b": [alarm(130), alarm(20, 30)], "e": [alarm(200, 201)]}
    judged = judge(alarms, outcomes, spans, at(400))
    assert judged.days == [7, 30]
    assert (len(judged.losses), len(judged.judged_losses)) == (4, 3)
    assert [judged.within(days) for days in (6, 7, 30)] == [0, pytest.approx(1 / 3), pytest.approx(2 / 3)]
    assert judged.count(Verdict.FALSE) == 2
    assert judged.precision == 0.5
    assert judged.account_years == pytest.approx((100 + 100 + 100 + 399) / 365.25)
    assert judged.false_alarms_per_account_year == pytest.approx(2 / (699 / 365.25))


def test_what_alarms_at_random_times_would_find_is_told_beside_it() -> None:
    judged = silence(365.25, (30, 39), end=500)
    assert judged.by_chance == pytest.approx(1 - 2.718281828 ** (-120 / 365.25))


def lost(day: float, *alarms: tuple[float, float | None], decided: float | None = None, end: float = 400) -> Judged:
    outcomes = Outcomes(Basis.BILLING, {"a": at(day)})
    return judge({"a": [alarm(*each) for each in alarms]}, outcomes, {"a": span(day, 0, decided)}, at(end))


def test_with_known_losses_the_lead_is_measured_to_the_decision_to_leave() -> None:
    judged = lost(100, (70, None))
    assert (judged.days, judged.within(30), judged.within(31)) == ([30], 1, 0)
    assert lost(100, (70, None), decided=80).days == [10]
    assert [each for _, each in lost(100, (85, None), decided=80).alarms] == [Verdict.LATE]
    assert [each for _, each in lost(100, (20, 39)).alarms] == [Verdict.FALSE]
    assert [each for _, each in lost(100, (20, 41)).alarms] == [Verdict.RIGHT]


def test_a_cancellation_counts_until_it_is_taken_back_or_the_account_comes_back_from_it() -> None:
    opened = told(50, Change.OPENED, kind=Kind.CANCEL_SCHEDULED)
    over = told(80, Change.RESOLVED, kind=Kind.CANCEL_SCHEDULED)
    carried_out, taken_back = (over._replace(resolution=each) for each in (Resolution.LOST, Resolution.RECOVERED))
    again = told(120, Change.OPENED, kind=Kind.CANCEL_SCHEDULED)
    assert decisions([opened], {"a": None}) == {"a": at(50)}
    assert decisions([opened, carried_out], {"a": at(80)}) == {"a": at(50)}
    assert decisions([opened, taken_back], {"a": at(80)}) == {}
    assert decisions([opened, carried_out], {"a": None}) == {}, "it is back"
    assert decisions([opened, carried_out], {"a": at(200)}) == {}, "and leaves without a word"
    assert decisions([opened, carried_out, again], {"a": None}) == {"a": at(120)}


def test_what_is_lost_after_the_end_of_the_data_is_neither_missed_nor_time_in_which_it_was_judged() -> None:
    outcomes = Outcomes(Basis.FILE, {"a": at(300)})
    ahead = judge({"a": [alarm(190)]}, outcomes, {"a": span(199)}, at(200))
    assert ahead.account_years == pytest.approx(200 / 365.25)
    assert (len(ahead.losses), ahead.judged_losses, ahead.recall) == (1, [], None)
    assert ahead.count(Verdict.RIGHT) == 1
    decided = judge({"a": [alarm(150)]}, outcomes, {"a": span(199, decided=180)}, at(200))
    assert decided.days == [30]


def test_an_alarm_on_an_account_that_stays_is_false_unless_it_is_open_and_young() -> None:
    outcomes, spans = Outcomes(Basis.BILLING, {}), {"a": span(399)}
    for each, verdict in (((350, None), Verdict.UNDECIDED), ((350, 360), Verdict.FALSE), ((330, None), Verdict.FALSE)):
        assert [found for _, found in judge({"a": [alarm(*each)]}, outcomes, spans, at(400)).alarms] == [verdict]


def test_the_silence_rule_raises_an_alarm_when_so_many_days_are_over() -> None:
    days = activity({"a": [0, 40, 44, 50]})
    spans = {"a": span(50)}
    found = alarms_of_rule(4, days, spans, CALENDAR, at(60))
    opened = [(CALENDAR.day_of(each.opened_at) - FIRST, each.closed_at) for each in found["a"]]
    assert opened == [(5, None)]  # the pauses that follow begin within four weeks of the one before
    late = {"a": span(50, monitored=30)}
    assert alarms_of_rule(4, days, late, CALENDAR, at(60))["a"][0].opened_at == CALENDAR.close_of(FIRST + 48)
    assert alarms_of_rule(39, days, spans, CALENDAR, at(60))["a"][0].closed_at == CALENDAR.close_of(FIRST + 39)
    assert alarms_of_rule(40, days, spans, CALENDAR, at(60)) == {}


def test_the_best_rule_is_the_shortest_without_more_false_alarms() -> None:
    days = activity({"a": [0, 10, 20], "b": [0, 30], "c": [*range(0, 300, 5)]})
    spans = {"a": span(20), "b": span(30), "c": span(295)}
    outcomes = Outcomes(Basis.SILENCE, {"a": at(20), "b": at(30)}, 60)
    history = History(days, outcomes, spans, CALENDAR, at(0), at(300))
    chosen = best_rule(0, [], history)
    assert chosen is not None
    assert chosen.days == 5
    assert chosen.judged.days == pytest.approx([6 - 30 + 1 / 24, 6 - 20 + 1 / 24])
    shorter = best_rule(1, [rule_of(each, history) for each in (3, 7)], history)
    assert shorter is not None
    assert shorter.days == 3


def test_a_rule_that_alarms_all_the_time_has_few_alarms_and_is_not_the_best() -> None:
    outcomes = Outcomes(Basis.SILENCE, {}, 60)
    history = History(activity({"a": [*range(0, 301, 60)]}), outcomes, {"a": span(300)}, CALENDAR, at(0), at(301))
    quick, slow = tried = [rule_of(days, history) for days in (2, 30)]
    assert [rule.judged.count(Verdict.FALSE) for rule in tried] == [1, 5]
    assert (quick.messages, slow.messages) == (10, 10)
    assert rule_of(30, replace(history, since=at(100))).messages == 7
    assert telling(tried) == [slow]
    best = best_rule(1, tried, history)
    assert best is not None
    assert (best.days, best.messages) == (60, 0)


def test_messages_and_openings_are_counted_from_when_accounts_are_judged() -> None:
    load = load_of(
        [
            told(1, Change.OPENED),
            told(8, Change.OPENED, Severity.WATCH, alert="2"),
            told(9, Change.ESCALATED, alert="2"),
            told(10, Change.ESCALATED, Severity.CRITICAL, alert="2"),
            told(16, Change.RESOLVED, Severity.CRITICAL, alert="2"),
            told(16, Change.RESOLVED, alert="3"),  # the same message
        ],
        CALENDAR,
        judged_from=at(7),
        end=at(21),
        team=3,
    )
    assert (load.messages, load.weeks, load.watches) == (3, 2, 1)
    assert load.per_person_and_week == 0.5
    assert dict(load.opened) == {"usage_silence": 1}
    assert {day - FIRST: dict(kinds) for day, kinds in load.by_week.items()} == {
        0: {"usage_silence": 1},
        7: {"usage_silence": 1},
    }


def labels_of(*openings: float) -> list[str]:
    """All words of the plot of weeks with an alert opened on each of these days."""
    opened = [told(day, Change.OPENED, alert=str(day)) for day in openings]
    drawn = weeks_plot(load_of(opened, CALENDAR, judged_from=at(0), end=at(20_000), team=3), CALENDAR)
    return re.findall(r"<text[^>]*>([^<]*)</text>", drawn)


def test_alerts_are_counted_in_whole_numbers() -> None:
    assert labels_of(8, 9) == ["alerts opened a week", "0", "1", "2"]


def test_a_plot_of_thirty_years_names_years_and_one_of_two_years_months() -> None:
    decades = labels_of(0, 365.25 * 30)[3:]
    assert all(re.fullmatch(r"20\d\d", each) for each in decades)
    assert 8 < len(decades) < 16
    assert labels_of(0, 30)[3:] == ["Feb 2025"]


def test_a_colour_of_the_weeks_has_one_key() -> None:
    kinds = (Kind.USAGE_SILENCE, Kind.PAUSED, Kind.DOWNGRADE)
    opened = [told(8, Change.OPENED, alert=str(number), kind=kind) for number, kind in enumerate(kinds)]
    drawn = weeks_plot(load_of(opened, CALENDAR, judged_from=at(7), end=at(21), team=3), CALENDAR)
    assert re.findall(r'<i class="(\w+)"></i>([\w, ]+)<', drawn) == [
        ("k1", "usage silence"),
        ("k6", "downgrade, paused"),
    ]
