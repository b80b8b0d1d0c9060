"""The simulated usage has the rates, weekdays and overdispersion that its plan and its truth say."""

from collections import Counter
from math import sqrt
from statistics import fmean, median

import pytest

from schemas.events import InputTopic
from streams.simulator import Change, FleetPlan, simulate, truths
from streams.simulator.account import Account
from streams.simulator.calendar import Calendar
from streams.simulator.plan import DAY_MS
from streams.simulator.traits import WEEKDAYS

STEADY = {"weekly_sigma": 0.0, "growth_sigma": 0.0, "vacations_per_year": 0.0, "newcomers": 0.0, "shares": {}}


def daily_counts(plan: FleetPlan) -> dict[str, list[int]]:
    counts = {truth.account_id: [0] * plan.days for truth in truths(plan)}
    for event in simulate(plan):
        if event.topic is InputTopic.USAGE:
            counts[event.value["account_id"]][(event.at - plan.start) // DAY_MS] += 1
    return counts


@pytest.fixture(scope="module")
def steady() -> tuple[FleetPlan, dict[str, list[int]]]:
    plan = FleetPlan(accounts=60, days=364, seed=11, rate_median=4.0, rate_sigma=0.8, **STEADY)  # type: ignore[arg-type]
    return plan, daily_counts(plan)


def test_each_account_has_the_rate_of_its_truth(steady: tuple[FleetPlan, dict[str, list[int]]]) -> None:
    plan, counts = steady
    for truth in truths(plan):
        # The variance of a sum of NB counts: the weekday profile makes the squares larger than those of a flat week.
        variance = plan.days * (truth.rate + 1.5 * truth.rate**2 * truth.dispersion)
        assert abs(sum(counts[truth.account_id]) - plan.days * truth.rate) < 4.5 * sqrt(variance)


def test_the_rates_of_a_fleet_are_lognormal_around_the_median() -> None:
    rates = [truth.rate for truth in truths(FleetPlan(accounts=3000, rate_median=3.0, rate_sigma=1.5))]
    assert median(rates) == pytest.approx(3.0, rel=0.12)
    assert sum(rate > 3.0 * 2.718**1.5 for rate in rates) / 3000 == pytest.approx(0.159, abs=0.03)
    assert min(rates) >= 0.03
    assert max(rates) <= 150.0


def test_each_weekday_has_its_share(steady: tuple[FleetPlan, dict[str, list[int]]]) -> None:
    plan, counts = steady
    assert (plan.start // DAY_MS + 3) % 7 == 0  # the span begins on a Monday
    seen: dict[str, Counter[int]] = {}
    for index in range(plan.accounts):
        traits = Account(plan, Calendar(plan), index).traits
        for day, count in enumerate(counts[traits.account_id]):
            seen.setdefault(traits.profile, Counter())[day % 7] += count
    assert len(seen) >= 3
    for profile, by_weekday in seen.items():
        total = sum(by_weekday.values())
        for weekday, weight in enumerate(WEEKDAYS[profile]):
            assert by_weekday[weekday] / total == pytest.approx(weight / 7, rel=0.15)


def test_counts_are_overdispersed_as_much_as_the_truth_says(steady: tuple[FleetPlan, dict[str, list[int]]]) -> None:
    plan, counts = steady
    estimates, expected = [], []
    for index in range(plan.accounts):
        account = Account(plan, Calendar(plan), index)
        means = [account.traits.rate * account.traits.weekdays[day % 7] for day in range(plan.days)]
        own = counts[account.traits.account_id]
        surplus = sum((count - mean) ** 2 - mean for count, mean in zip(own, means, strict=True))
        estimates.append(surplus / sum(mean**2 for mean in means))
        expected.append(account.truth().dispersion)
    assert fmean(estimates) == pytest.approx(fmean(expected), rel=0.12)


def test_a_stop_really_stops_and_only_then() -> None:
    plan = FleetPlan(accounts=80, days=120, seed=3, rate_median=8.0, shares={Change.STOP: 1.0}, vacations_per_year=0)
    last: dict[str, int] = {}
    for event in simulate(plan):
        if event.topic is InputTopic.USAGE:
            last[event.value["account_id"]] = event.at
    stopped = [truth for truth in truths(plan) if truth.change is Change.STOP]
    assert len(stopped) > 60
    quiet_before = []
    for truth in stopped:
        assert truth.changed_at is not None
        if truth.account_id in last:
            assert last[truth.account_id] < truth.changed_at
            quiet_before.append((truth.changed_at - last[truth.account_id]) / DAY_MS * truth.rate)
    assert median(quiet_before) < 5  # expected events: they were active up to the stop, not quiet for weeks


@pytest.mark.parametrize(("change", "low", "high"), [(Change.PARTIAL_DROP, 0.1, 0.36), (Change.DECAY, 0.0, 0.45)])
def test_a_decline_leaves_the_share_of_activity_that_it_should(change: Change, low: float, high: float) -> None:
    plan = FleetPlan(
        accounts=60, days=110, seed=5, rate_median=10.0, rate_sigma=0.3, shares={change: 1.0}, last_change_day=60
    )
    counts = daily_counts(plan)
    shares = []
    for truth in truths(plan):
        if truth.changed_at is None or (truth.lost_at is not None and truth.lost_at < plan.end):
            continue
        day = (truth.changed_at - plan.start) // DAY_MS
        before, after = counts[truth.account_id][:day], counts[truth.account_id][day : day + 42]
        if truth.started_at < plan.start:
            shares.append(fmean(after) / fmean(before))
    assert len(shares) > 5
    assert low < fmean(shares) < high


def test_holidays_quieten_the_whole_fleet_when_asked_for() -> None:
    start = 1_764_547_200_000  # 1 December 2025, a Monday
    plan = FleetPlan(accounts=50, days=31, seed=2, start=start, holidays=True, **STEADY)  # type: ignore[arg-type]
    counts = daily_counts(plan)
    weeks = [sum(sum(own[day : day + 7]) for own in counts.values()) for day in (7, 14, 24)]
    assert weeks[2] < 0.4 * weeks[0]
    assert weeks[1] > 0.7 * weeks[0]


def test_newcomers_have_no_events_before_they_start() -> None:
    plan = FleetPlan(accounts=100, days=60, seed=9, newcomers=0.5)
    first: dict[str, int] = {}
    for event in simulate(plan):
        first.setdefault(event.value["account_id"], event.at)
    newcomers = [truth for truth in truths(plan) if truth.started_at >= plan.start]
    assert 30 < len(newcomers) < 70
    assert all(first[truth.account_id] == truth.started_at for truth in newcomers)
