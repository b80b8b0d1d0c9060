"""Parts of an account's activity that are judged apart: what is counted, kept and left to the whole."""

from __future__ import annotations

from base64 import b64decode, b64encode
from dataclasses import replace
from zlib import compress, decompress

import numpy as np
import orjson
import pytest

from schemas.alerts import Change, Kind, Resolution
from schemas.shuffle import Usage
from streams.detection.config import DetectionConfig
from streams.detection.day_sums import DaySums
from streams.detection.engine import Engine
from streams.detection.facet_learning import FacetLearning
from streams.detection.facet_sums import FacetSums
from streams.detection.facets import BREADTH, CALIBRATED, KEY_ACTIONS, MARK, SOURCES, USER
from streams.detection.fleet_learning import FEWEST
from streams.detection.fleet_log import KEPT_DAYS
from streams.detection.habits import LAST_DAY
from streams.detection.state import Account
from tests.plain import Plain, settled
from tests.unit.detection.building import FIRST_DAY, Run, at, bills, command, usage

CONFIG = DetectionConfig(key_actions=("export.*",))
ONE = 1 << 20


def using(days: range, *, exports: bool, a_day: int = 6, users: int = 1) -> list[Usage]:
    """Weekday activity of which two events are core actions, or none."""
    return [
        usage(
            at(day, 9 + n / 2),
            user=f"user-{n % users}",
            id_=f"{day}/{n}",
            event="export.pdf" if exports and n < 2 else "click",
        )
        for day in days
        if day % 7 < 5
        for n in range(a_day)
    ]


def stopped(days: int = 21, config: DetectionConfig = CONFIG) -> Run:
    run = Run(Engine(config))
    run.apply(*using(range(91), exports=True), *using(range(91, 91 + days), exports=False))
    run.close(at(91 + days, 1))
    return run


def kinds(run: Run) -> set[Kind]:
    return {each.kind for each in run.transitions}


def test_one_day_less_and_it_does_not_fire_yet() -> None:
    opened = next(each for each in stopped().transitions if each.kind is Kind.KEY_ACTION_STOPPED)
    day = (opened.at - at(0, 1)) // 86_400_000
    assert Kind.KEY_ACTION_STOPPED not in kinds(stopped(day - 91 - 1))
    assert Kind.KEY_ACTION_STOPPED in kinds(stopped(day - 91))


def test_nothing_opens_on_fewer_missing_core_actions_than_asked_for() -> None:
    assert Kind.KEY_ACTION_STOPPED not in kinds(stopped(config=replace(CONFIG, expected_events=1_000.0)))


def test_without_the_setting_nothing_is_kept_and_nothing_said() -> None:
    run = stopped(config=DetectionConfig())
    assert len(run.engine.habits.facets[KEY_ACTIONS]) == 0
    assert Kind.KEY_ACTION_STOPPED not in kinds(run)


def test_once_the_setting_is_gone_its_alert_is_over() -> None:
    run = stopped()
    again = Plain(Engine(DetectionConfig(), run.engine.learnt))
    again.engine.habits.closed = run.engine.habits.closed
    again.accounts["acme"] = again.engine.account("acme", run.account.encode())
    again.close(at(114))
    (told,) = again.told["acme"]
    assert (told.kind, told.resolution) == (Kind.KEY_ACTION_STOPPED, Resolution.EXPIRED)


def test_a_core_action_resolves_it_at_once_and_what_it_piled_up_is_forgotten() -> None:
    run = stopped()
    told = run.apply(usage(at(112, 9), event="export.csv"))
    assert [(each.kind, each.change, each.at) for each in told] == [
        (Kind.KEY_ACTION_STOPPED, Change.RESOLVED, at(112, 9))
    ]
    habit = run.engine.habits.facet(KEY_ACTIONS, run.account.row)
    assert habit is not None
    assert habit.score > 0
    assert habit.evidence == 0


def test_a_core_action_that_comes_late_or_twice_resolves_nothing() -> None:
    run = stopped()
    late = usage(at(100, 9), arrives=at(112, 9), event="export.csv")
    assert run.apply(late) == []
    run = stopped(19)
    assert run.apply(usage(at(110, 10), id_="109/5", event="export.csv")) == [], "an event of Friday had that id"
    assert run.apply(usage(at(110, 10), id_="new", event="export.csv")) != []


def test_what_the_whole_says_at_the_same_severity_is_not_said_again() -> None:
    run = Run(Engine(CONFIG))
    run.apply(*using(range(91), exports=True, a_day=8), *using(range(91, 120), exports=False, a_day=1))
    assert run.account.alert(Kind.USAGE_DROP) is not None
    assert Kind.KEY_ACTION_STOPPED not in kinds(run)


def test_a_scheduled_cancellation_says_it_all() -> None:
    run = Run(Engine(CONFIG))
    run.apply(bills("subscription.started", at(0)), *using(range(91), exports=True))
    run.apply(bills("subscription.cancel_scheduled", at(91), effective_at=at(150)))
    run.apply(*using(range(92, 120), exports=False))
    assert Kind.KEY_ACTION_STOPPED not in kinds(run)


def test_acknowledging_it_is_noted_in_its_row() -> None:
    run = stopped()
    run.apply(command("acknowledge", at(112, 2)))
    alert = run.account.alert(Kind.KEY_ACTION_STOPPED)
    assert alert is not None
    assert alert.by == "ana"


def test_an_account_with_one_user_or_none_keeps_nothing_of_breadth() -> None:
    run = Run(Engine(CONFIG))
    run.apply(*using(range(30), exports=False))
    run.apply(*[usage(at(30, n)) for n in range(9)])
    assert len(run.engine.habits.facets[BREADTH]) == 0
    assert MARK.encode() not in run.account.encode().split(b'"')[3]


def test_breadth_counts_each_user_once_a_week() -> None:
    run = Run(Engine(CONFIG))
    run.apply(*using(range(5), exports=False, users=3))
    facet = run.engine.habits.facets[BREADTH]
    # The first user came before there was a second one.
    assert facet.open == {FIRST_DAY + 6: {0: 2 * USER}}
    run.apply(*using(range(7, 12), exports=False, users=3))
    assert facet.open == {FIRST_DAY + 13: {0: 3 * USER}}


def test_what_is_learnt_is_forgotten_with_the_account_and_learnt_anew() -> None:
    run = Run(Engine(CONFIG))
    run.apply(bills("subscription.started", at(0)), *using(range(91), exports=True, users=3))
    assert run.account.encode().split(b'"')[3].count(MARK.encode()) == 2
    run.apply(bills("subscription.ended", at(91)), bills("subscription.started", at(92)))
    run.close(at(99))
    assert MARK.encode() not in run.account.encode().split(b'"')[3]


def test_a_row_is_read_back_to_the_last_bit() -> None:
    run = Run(Engine(CONFIG))
    run.apply(*using(range(120), exports=True, users=3))
    read = Account.decode("acme", run.account.encode())
    for facet, again in zip(run.engine.habits.facets[:SOURCES], read.habits.facets, strict=False):
        assert len(facet) == len(again) == 1
        assert again.values[:, 0].tobytes() == facet.values[:, 0].tobytes()
        assert again.open == facet.open
    assert read.encode() == run.account.encode()


def test_rows_that_were_stored_earlier_are_brought_to_the_closed_day() -> None:
    run = Run(Engine(CONFIG))
    run.apply(*using(range(100), exports=True, users=3))
    stored = run.account.encode()
    run.close(at(115))
    caught_up = settled({"acme": stored}, CONFIG, at(115), run.engine.learnt.encode())["acme"]
    for facet, again in zip(run.engine.habits.facets[:SOURCES], caught_up.habits.facets, strict=False):
        assert again.values[:, 0].tobytes() == facet.values[:, 0].tobytes()


def test_more_rows_than_there_is_room_for_make_room() -> None:
    facet = Engine(CONFIG).habits.facets[BREADTH]
    for row in range(200):
        assert facet.count(row, 20_000, row + 1)
        assert not facet.count(row, 20_000, 1)
    assert facet.counts(20_000).tolist() == [row + 2 for row in range(200)]
    assert facet.values[LAST_DAY, :200].tolist() == [20_000.0] * 200


def day_of(had: float, expected: float, accounts: int) -> FacetSums:
    sums = FacetSums()
    sums.of(KEY_ACTIONS)
    sums.against[KEY_ACTIONS] = (round(had * ONE), round(expected * ONE), accounts)
    return sums


@pytest.mark.parametrize(
    ("had", "accounts", "factor"),
    [(100, FEWEST, 1.0), (70, FEWEST, 1.0), (30, FEWEST, 1 / 3), (0, FEWEST, 0.0), (0, FEWEST - 1, 1.0)],
)
def test_what_has_gone_for_all_accounts_is_no_accounts_decline(had: float, accounts: int, factor: float) -> None:
    learning = FacetLearning(CONFIG)
    learning.take(20_000, day_of(had, 100, accounts), KEPT_DAYS)
    assert learning.factor(KEY_ACTIONS, 20_000) == pytest.approx(factor, abs=0.01)
    assert learning.factor(BREADTH, 20_000) == learning.factor(KEY_ACTIONS, 20_001) == 1.0


def test_what_was_known_before_there_were_main_sources_is_read() -> None:
    learning = FacetLearning(CONFIG)
    learning.take(20_006, day_of(30, 100, FEWEST), KEPT_DAYS)
    numbers, since, factors = learning.pack()
    raw = np.frombuffer(decompress(b64decode(numbers)), np.int64)
    before = raw.reshape(CALIBRATED, -1)[:SOURCES]
    again = FacetLearning(CONFIG)
    again.unpack([b64encode(compress(before.tobytes())).decode(), since, [[day, of[:2]] for day, of in factors]])
    assert again.pack() == learning.pack()
    assert again.factor(SOURCES, 20_006) == 1.0


def test_sums_come_back_as_they_were_packed_and_add_up() -> None:
    day = DaySums()
    assert len(day.pack()) == 4, "who has no facet says nothing of any"
    day.facets = day_of(3, 4, 5)
    day.facets.of(KEY_ACTIONS).watched[1] = 7
    day.facets.of(KEY_ACTIONS).ongoing[0, 1, 2] = 3
    packed = orjson.loads(orjson.dumps(day.pack()))
    again = DaySums.unpack(packed)
    assert again.pack() == day.pack()
    again += day
    assert again.facets.of(KEY_ACTIONS).watched.tolist() == [0, 14, 0, 0, 0, 0]
    assert np.array_equal(again.facets.against, 2 * day.facets.against)
