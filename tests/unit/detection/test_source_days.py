"""A product that is given up beside a busy one."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from schemas.alerts import Change, Kind, Resolution, Severity, Transition
from schemas.shuffle import Usage
from streams.detection.config import DetectionConfig
from streams.detection.day_sums import DaySums
from streams.detection.engine import Engine
from streams.detection.facets import MARK, SOURCES
from streams.detection.fleet_log import FleetLog, offer
from streams.detection.habits import FIRST_DAY, LAST_DAY, MONITORED_DAY, SOURCE
from streams.detection.outcomes import Outcome
from streams.detection.sources import UNTRACKED, bucket_of
from streams.detection.state import Account
from tests.plain import Plain, settled
from tests.unit.detection.building import at

pytestmark = pytest.mark.slow

CONFIG = DetectionConfig(alert_false_alarms=0.5)
STOPS = 119
ACCOUNTS = 6
"""So many make a source one that is tracked. The first one gives it up."""
Counts = dict[str, int]


def both(_: int) -> Counts:
    return {"product": 8, "mobile": 3}


def until(day: int, back: int = 1_000) -> Callable[[int], Counts]:
    return lambda today: both(today) if today < day or today >= back else {"product": 8}


def lived(
    days: int, first: Callable[[int], Counts], others: Callable[[int], Counts] = both, accounts: int = ACCOUNTS
) -> Plain:
    """Weekdays of some accounts, with their events a day by source."""
    plain = Plain(Engine(CONFIG))
    for day in range(days):
        for number in range(accounts) if day % 7 < 5 else ():
            for source, count in (others if number else first)(day).items():
                when, name = at(day, 9), f"a-{number}"
                plain.apply(Usage(0, when, name, when, "used", None, count, source, None))
    plain.close(at(days, 2))
    return plain


def told(plain: Plain, name: str = "a-0") -> list[Transition]:
    return [each for each in plain.told.get(name, []) if each.severity is not Severity.WATCH]


def slots(plain: Plain, name: str = "a-0") -> dict[int, int]:
    """Numbers of the sources that are judged apart, with the day of which each was last seen."""
    rows = [facet.of(plain.account(name).row) for facet in plain.engine.habits.facets[SOURCES:]]
    return {int(each[SOURCE]): int(each[LAST_DAY]) for each in rows if each is not None and each[FIRST_DAY] >= 0}


@pytest.fixture(scope="module")
def given_up() -> Plain:
    return lived(STOPS + 40, until(STOPS))


def test_what_is_given_up_beside_a_busy_product_is_told_with_its_name_and_numbers(given_up: Plain) -> None:
    opened = told(given_up)[0]
    assert (opened.kind, opened.severity) == (Kind.USAGE_DROP, Severity.WARNING)
    assert opened.at < at(STOPS + 21)
    (reason,) = opened.reasons  # of the whole there is nothing to say
    days = reason.values["days"]
    assert reason.code == "source_given_up"
    assert reason.values["source"] == "mobile"
    assert opened.headline == reason.text
    assert opened.since == at(STOPS - 3), "the Friday before"
    assert isinstance(days, int)
    assert (
        f"Nothing has come from mobile for {days} days, since 2 May 2025, although the account is used" in reason.text
    )
    assert opened.evidence["window_days"] == days
    assert opened.evidence["observed"] == 0
    assert isinstance(opened.evidence["drop_score"], float), "the fall says more of it than the silence"
    assert opened.evidence["expected"] == reason.values["events_missing"]
    weekdays = sum((STOPS - 3 + day) % 7 < 5 for day in range(1, days + 1))
    assert opened.evidence["expected"] == pytest.approx(3 * weekdays * 8 / 11, rel=0.2), "by what is left of all"
    assert 0 < float(str(opened.evidence["false_alarms_per_account_year"])) <= CONFIG.alert_false_alarms
    watched = given_up.told["a-0"][0]
    assert (watched.severity, "drop_score" in watched.evidence) == (Severity.WATCH, False), "by its silence alone"
    assert 0 < float(str(watched.evidence["false_alarms_per_account_year"])) <= 0.25 * CONFIG.watch_false_alarms


def test_who_goes_on_with_both_is_told_nothing_and_who_has_one_source_keeps_nothing(given_up: Plain) -> None:
    assert [told(given_up, f"a-{number}") for number in range(1, ACCOUNTS)] == [[]] * (ACCOUNTS - 1)
    alone = lived(90, lambda _: {"mobile": 5})
    assert slots(alone) == {}
    assert MARK not in alone.engine.habits.pack(alone.account("a-0").row)
    assert set(slots(alone, "a-1")) == {0, 1}


def test_it_is_over_when_the_source_has_been_back_for_a_week() -> None:
    over = told(lived(STOPS + 60, until(STOPS, back=STOPS + 28)))[-1]
    assert (over.change, over.resolution) == (Change.RESOLVED, Resolution.RECOVERED)
    assert at(STOPS + 35) <= over.at <= at(STOPS + 37)


def test_without_it_is_the_new_normal_after_two_months_and_is_said_once() -> None:
    plain = lived(STOPS + 120, until(STOPS))
    assert [each.resolution for each in told(plain)] == [None, None, Resolution.REBASELINED], "a warning, then critical"
    assert told(plain)[-1].at == at(STOPS + 59, 1), "61 days after the last Friday"
    assert slots(plain) == {}, "it is forgotten, and the other one is the whole"
    account = plain.account("a-0")
    outcomes = [Outcome(each[1]) for each in account.outcomes.counts]
    assert outcomes == [Outcome.RECOVERED_UNAIDED], "the whole had most of its activity, which makes it no false alarm"


def test_an_absence_is_no_evidence_on_any_source() -> None:
    plain = lived(STOPS + 30, lambda day: both(day) if day < STOPS or day >= STOPS + 25 else {})
    assert {each.kind for each in told(plain)} == {Kind.USAGE_SILENCE}
    assert set(slots(plain)) == {0, 1}


def test_what_becomes_normal_for_the_whole_is_not_said_of_its_source_again() -> None:
    plain = lived(STOPS + 110, lambda day: {"product": 4, "mobile": 4} if day < STOPS else {"product": 4})
    resolutions = [each.resolution for each in told(plain) if each.resolution is not None]
    assert resolutions == [Resolution.REBASELINED]


def test_a_source_that_is_quiet_for_all_is_no_accounts_decline() -> None:
    plain = lived(102, until(70), until(70), accounts=60)
    assert not [said for name in plain.accounts for said in told(plain, name)]
    assert slots(plain)[1] == at(67) // 86_400_000, "it is judged, and excused"


def test_no_more_than_three_are_judged_and_one_that_is_none_any_more_makes_room() -> None:
    def many(day: int) -> Counts:
        return {"product": 5, "web": 5, "api": 5, "fax": 5} if day < 100 else {"product": 5, "fax": 5}

    plain = lived(99, many, many)
    assert len(slots(plain)) == 3
    later = lived(190, many, many)
    names = later.engine.learnt.sources(later.engine.habits.closed)
    assert names is not None
    assert {names.names[number] for number in slots(later)} >= {"product", "fax"}


def test_what_the_fleet_tracks_no_more_is_forgotten() -> None:
    plain = lived(60, both)
    assert set(slots(plain)) == {0, 1}
    engine, learnt, sums = plain.engine, plain.engine.learnt, DaySums()
    day = engine.habits.closed + 1
    assert list(engine.sum_up(sums))
    learnt.take(learnt.position, offer(0, day, sums))
    learnt._layouts.append((day + 1, (bucket_of("web"), *UNTRACKED[1:])))
    assert list(engine.close_day(plain.account))
    assert set(slots(plain)) == {0}


def test_rows_are_read_back_to_the_last_bit_and_brought_to_the_closed_day(given_up: Plain) -> None:
    early, late = lived(STOPS + 10, until(STOPS)), given_up
    for plain in (early, late):
        account = plain.account("a-0")
        read = Account.decode("a-0", account.encode())
        assert read.encode() == account.encode()
        assert bits(read) == bits(account) != []
    stored = {f"a-{number}": early.account(f"a-{number}").encode() for number in range(ACCOUNTS)}
    on = Plain(Engine(CONFIG, FleetLog(CONFIG, stored=early.engine.learnt.encode())))
    on.engine.habits.closed = early.engine.habits.closed
    on.accounts = {name: on.engine.account(name, value) for name, value in stored.items()}
    early.close(at(STOPS + 16))
    on.close(at(STOPS + 16))
    assert on.told == {name: said[-len(on.told[name]) :] for name, said in early.told.items() if name in on.told}
    caught_up = settled(stored, CONFIG, at(STOPS + 16), early.engine.learnt.encode())
    for name, account in caught_up.items():
        assert bits(account) == bits(early.account(name)) == bits(on.account(name))


def bits(account: Account) -> list[bytes]:
    rows = [facet.rows.get(account.row) for facet in account.habits.facets]
    return [
        facet.values[:, row].tobytes()
        for facet, row in zip(account.habits.facets, rows, strict=True)
        if row is not None and facet.values[FIRST_DAY, row] >= 0
    ]


def test_a_source_is_judged_once_it_is_known_as_an_account_is(given_up: Plain) -> None:
    facet = given_up.engine.habits.facets[SOURCES]
    days = facet.values[:, : len(facet)]
    assert (days[MONITORED_DAY] - days[FIRST_DAY] >= CONFIG.monitored_age_days).all()
    assert np.isin(days[SOURCE], [0, 1]).all()


def part_of_mobile(**others: int) -> Callable[[int], Counts]:
    return lambda day: both(day) if day < STOPS else {"product": 8, "mobile": 1} | others


def test_a_fall_of_a_source_to_a_part_is_told_with_its_name_and_numbers_and_becomes_normal_once() -> None:
    plain = lived(STOPS + 120, part_of_mobile())
    warning, critical, over = told(plain)
    assert (warning.kind, warning.severity, critical.severity) == (Kind.USAGE_DROP, Severity.WARNING, Severity.CRITICAL)
    assert at(STOPS + 14) < warning.at < at(STOPS + 36), "weeks, as a third of three a day still comes"
    (reason,) = warning.reasons  # of the whole there is nothing to say
    assert (reason.code, reason.values["source"]) == ("source_fallen", "mobile")
    assert warning.headline == reason.text
    assert warning.since == at(STOPS), "a Monday"
    observed, expected = reason.values["observed"], reason.values["expected"]
    weekdays = sum((STOPS + day) % 7 < 5 for day in range(int(str(warning.evidence["window_days"]))))
    assert observed == warning.evidence["observed"] == weekdays
    assert expected == pytest.approx(3 * weekdays * 9 / 11, rel=0.2), "by what is left of all"
    assert f"Use of mobile is {reason.values['below_percent']}% below normal since 5 May 2025: {observed} events" in (
        reason.text
    )
    assert 0 < float(str(warning.evidence["false_alarms_per_account_year"])) <= CONFIG.alert_false_alarms
    assert over.resolution is Resolution.REBASELINED
    assert set(slots(plain)) == {0, 1}, "it is still one of two"
    outcomes = [Outcome(each[1]) for each in plain.account("a-0").outcomes.counts]
    assert outcomes == [Outcome.RECOVERED_UNAIDED], "of the whole most is left, which makes it no false alarm"


@pytest.mark.parametrize("moves", [part_of_mobile(product=10), part_of_mobile(fax=2)], ids=["main", "untracked"])
def test_use_that_moves_to_another_source_is_told_nothing(moves: Callable[[int], Counts]) -> None:
    plain = lived(STOPS + 90, moves)
    assert plain.told.get("a-0", []) == [], "not even as a watch"


def test_a_fall_of_all_sources_is_the_wholes_alone() -> None:
    plain = lived(STOPS + 55, lambda day: {"product": 16, "mobile": 8} if day < STOPS else {"product": 6, "mobile": 3})
    codes = {reason.code for each in told(plain) for reason in each.reasons}
    assert codes == {"below_baseline"}
