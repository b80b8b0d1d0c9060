"""How likely a loss is after an alert: learnt of what became of earlier ones, and never by leaps."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.alerts import Kind, Severity
from schemas.shuffle import Fact
from streams.detection.config import DetectionConfig
from streams.detection.engine import Engine
from streams.detection.fleet_log import FleetLog
from streams.detection.odds import ALL, PRIOR, Odds
from streams.detection.sequels import Sequels
from streams.detection.state import Account
from tests.unit.detection.building import FIRST_DAY, Run, at, bills, update

DAY = 20_000
CELL = ("usage_drop", 1, "free")
cells = st.tuples(st.sampled_from(["usage_drop", "paused"]), st.integers(0, 2), st.sampled_from(["", "free", "gold"]))
followed = st.dictionaries(cells, st.integers(0, 9).flatmap(lambda n: st.tuples(st.just(n), st.integers(0, n))))


def known(odds: Odds, tier: str | None = None, kind: Kind = Kind.USAGE_DROP) -> float:
    return odds.probability(kind, Severity.WARNING, tier)


def test_more_severe_kinds_weigh_more_beforehand_and_a_cancellation_most() -> None:
    odds = Odds()
    for kind in Kind:
        chances = [odds.probability(kind, severity, "gold") for severity in Severity]
        assert 0 < chances[0] < chances[1] < chances[2] < 1
    others = [each for kind in Kind if kind is not Kind.CANCEL_SCHEDULED for each in PRIOR.get(kind, ())]
    assert min(PRIOR[Kind.CANCEL_SCHEDULED]) >= max(others)


@given(st.lists(followed, max_size=9), st.booleans(), st.sampled_from(["", "free", "unheard of"]))
def test_one_alert_more_moves_it_by_a_twenty_first_at_most(
    days: list[dict[tuple[str, int, str], tuple[int, int]]], lost: bool, tier: str
) -> None:
    odds = Odds()
    for number, each in enumerate(days):
        odds = odds.learn(DAY + 30 * number, each)
    last = DAY + 30 * len(days) - 30
    after = odds.learn(last, {CELL: (1, int(lost))})
    assert abs(known(after, tier) - known(odds, tier)) <= 1 / 21 + 1 / 21 + 1e-12
    assert abs(known(after) - known(odds)) <= 1 / 21 + 1e-12
    assert 0 < known(after, tier) < 1


def test_with_many_alerts_it_is_what_became_of_them() -> None:
    odds = Odds().learn(DAY, {CELL: (2_000, 1_000), ("usage_drop", 1, "gold"): (2_000, 20)})
    assert known(odds, "free") == pytest.approx(0.5, abs=0.01)
    assert known(odds, "gold") == pytest.approx(0.01, abs=0.01)
    assert known(odds) == known(odds, "new") == pytest.approx(0.255, abs=0.01)
    assert odds.probability(Kind.USAGE_DROP, Severity.CRITICAL, "free") == PRIOR[Kind.USAGE_DROP][2]


def test_half_of_it_is_forgotten_within_two_years() -> None:
    odds = Odds().learn(DAY, {CELL: (40, 40)}).learn(DAY + 730, {("paused", 0, ALL): (1, 0)})
    assert known(odds) == pytest.approx((20 * 0.12 + 20) / 40)


def test_beyond_32_tiers_the_others_have_the_probability_of_all() -> None:
    many = {("usage_drop", 1, f"tier {number:02d}"): (10, 10) for number in range(40)}
    odds = Odds().learn(DAY, many)
    assert known(odds, "tier 31") > known(odds, "tier 32") == known(odds)
    assert len(odds.pack()[1]) == 33


@given(st.lists(followed, min_size=1, max_size=4), st.permutations(range(4)))
def test_what_homes_offer_adds_up_to_the_same_in_any_order_and_when_it_is_stored(
    offers: list[dict[tuple[str, int, str], tuple[int, int]]], order: list[int]
) -> None:
    def total(numbers: list[int]) -> Sequels:
        sums = Sequels()
        for number in numbers:
            own = Sequels()
            own.followed = dict(offers[number])
            own.begun[number % 2, 3] = number
            sums += Sequels.unpack(own.pack())
        return sums

    one, other = total(list(range(len(offers)))), total([each for each in order if each < len(offers)])
    assert one.pack() == other.pack()
    learnt = Odds().learn(DAY, one.followed)
    assert Odds.unpack(learnt.pack()).pack() == learnt.pack() == Odds().learn(DAY, other.followed).pack()


def priority_of_a_drop_in_price(run: Run, day: float) -> float:
    run.apply(bills("subscription.started", at(day)))
    (opened,) = run.apply(bills("subscription.updated", at(day + 1), plan="small", mrr_minor=8_000))
    return opened.priority


def lowered(name: str, day: float) -> list[Fact]:
    both = [bills("subscription.started", at(day)), bills("subscription.updated", at(day + 1), plan="s", mrr_minor=900)]
    return [each._replace(account=name) for each in both]


def test_what_became_of_alerts_is_learnt_ninety_days_later_and_orders_the_next_ones() -> None:
    before = priority_of_a_drop_in_price(Run(Engine(DetectionConfig())), 150)
    run = Run(Engine(DetectionConfig()))
    for number in range(20):
        for each in lowered(f"lost-{number}", 0):
            run.plain.apply(each)
        run.plain.apply(bills("subscription.ended", at(1 + number), voluntary=True)._replace(account=f"lost-{number}"))
    run.close(at(91))
    odds = run.engine.learnt.lessons(FIRST_DAY + 90).odds
    assert odds.probability(Kind.DOWNGRADE, Severity.CRITICAL) == PRIOR[Kind.DOWNGRADE][2], "it takes 90 days"
    run.close(at(93))
    odds = run.engine.learnt.lessons(FIRST_DAY + 92).odds
    assert odds.probability(Kind.DOWNGRADE, Severity.CRITICAL) == pytest.approx((20 * 0.2 + 20) / 40)
    assert priority_of_a_drop_in_price(run, 150) == before, "of that severity nothing was learnt"
    stored = FleetLog(DetectionConfig(), stored=run.engine.learnt.encode())
    assert stored.lessons(stored.decided).odds.pack() == odds.pack()


@pytest.mark.parametrize(("returns", "lost"), [(20, 1), (4, 0)])
def test_who_was_lost_and_came_back_was_lost_and_who_never_was_was_not(run: Run, returns: int, lost: int) -> None:
    run.apply(*lowered("acme", 0), bills("subscription.ended", at(5), voluntary=True))
    assert run.account.following is not None
    assert Account.decode("acme", run.account.encode()).following.since == run.account.following.since  # type: ignore[union-attr]
    run.apply(bills("subscription.started", at(returns), subscription_id="second", arrives=at(21)))
    assert run.account.loss is None
    run.close(at(93))
    ((*_, alerts, came_before),) = run.engine.learnt.lessons(FIRST_DAY + 92).odds.pack()[1]
    assert (alerts, came_before) == (1, lost)


def test_an_accounts_tier_is_told_and_internal_ones_tell_nothing(run: Run) -> None:
    run.apply(update(at(0), tier="gold"), *lowered("acme", 0))
    for each in lowered("ours", 0):
        run.plain.apply(each)
    run.plain.apply(update(at(2), internal=True)._replace(account="ours"))
    run.close(at(93))
    rows = run.engine.learnt.lessons(FIRST_DAY + 92).odds.pack()[1]
    assert rows == [["downgrade", 2, "", 1.0, 0.0], ["downgrade", 2, "gold", 1.0, 0.0]]
