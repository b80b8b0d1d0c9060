"""The world around the accounts: each mechanism does what it says, and the counts agree with the events."""

from collections import Counter, defaultdict
from collections.abc import Callable
from datetime import UTC, datetime
from math import sqrt
from typing import Any

import orjson
import pytest

from schemas.codec import decode
from schemas.errors import Rejected
from schemas.events import InputTopic
from streams.simulator import Change, FleetPlan, Outage, Rename, World, daily_counts, simulate, truths
from streams.simulator.plan import DAY_MS
from streams.simulator.world import PRODUCT, SECOND

STEADY: dict[str, Any] = {
    "weekly_sigma": 0.0, "growth_sigma": 0.0, "vacations_per_year": 0.0, "newcomers": 0.0, "shares": {},
}  # fmt: skip
FULL = World(
    user_turnover=2.0,
    bursts=0.3,
    month_end=0.2,
    quarter_end=0.2,
    school=0.2,
    yearly_trend=0.7,
    second_product=0.5,
    second_product_stops=0.5,
    outages=(Outage(50), Outage(20, 10, 0.0, SECOND)),
    renames=(Rename("item_created", "item_made", 40),),
)


def totals(plan: FleetPlan, source: str = PRODUCT, event: str | None = None) -> list[float]:
    """Events of the fleet on each day."""
    fleet = [0.0] * plan.days
    for account in daily_counts(plan, event):
        for day, number in enumerate(account.counts.get(source, ())):
            fleet[day] += number
    return fleet


def by_events(plan: FleetPlan) -> dict[tuple[str, str], list[int]]:
    """The same as `daily_counts`, from the events themselves."""
    counts: dict[tuple[str, str], list[int]] = defaultdict(lambda: [0] * plan.days)
    for event in simulate(plan):
        if event.topic is InputTopic.USAGE:
            key = event.value["account_id"], event.value.get("source", PRODUCT)
            counts[key][(event.at - plan.start) // DAY_MS] += 1
    return counts


def month(plan: FleetPlan, day: int) -> datetime:
    return datetime.fromtimestamp(plan.start / 1000 + day * 86_400, UTC)


def test_counts_have_the_distribution_of_the_events() -> None:
    plan = FleetPlan(accounts=150, days=120, seed=3, rate_median=2.0, rate_sigma=0.8, newcomers=0.3, world=FULL)
    drawn = {
        (account.truth.account_id, source): (list(counts), list(account.expected[source]), account.truth)
        for account in daily_counts(plan)
        for source, counts in account.counts.items()
    }
    made = by_events(plan)
    assert set(made) <= set(drawn)
    zeros, squares, sums = [0, 0], [0.0, 0.0], [0, 0]
    ordinary_days = 0
    for key, (counts, expected, truth) in drawn.items():
        for side, numbers in enumerate((counts, made.get(key, [0] * plan.days))):
            sums[side] += sum(numbers)
            zeros[side] += sum(number == 0 for number in numbers)
            # A flood of a program is hundreds of events: its few squares would outweigh all others.
            squares[side] += sum(min(number, 30) ** 2 for number in numbers)
            born = (truth.started_at - plan.start) // DAY_MS
            assert not any(numbers[: max(0, born)])
            if truth.lost_at is not None:
                assert not any(numbers[(truth.lost_at - plan.start) // DAY_MS + 1 :])
        ordinary_days += sum(mean > 0 for mean in expected)
    assert ordinary_days > 10_000
    assert sums[0] == pytest.approx(sums[1], rel=0.08)
    assert zeros[0] == pytest.approx(zeros[1], rel=0.02)
    assert squares[0] == pytest.approx(squares[1], rel=0.08)


def test_counts_have_the_mean_that_is_expected_of_them() -> None:
    plan = FleetPlan(accounts=300, days=60, seed=5, rate_sigma=0.5, shares={})
    surplus = variance = 0.0
    for account in daily_counts(plan):
        for number, mean in zip(account.counts[PRODUCT], account.expected[PRODUCT], strict=True):
            surplus += number - mean
            variance += mean + mean**2 * account.truth.dispersion
    assert abs(surplus) < 4 * sqrt(variance)


def test_a_story_is_in_the_counts_and_not_in_what_is_expected() -> None:
    plan = FleetPlan(accounts=100, days=150, seed=2, rate_median=5.0, shares={Change.STOP: 1.0}, last_change_day=90)
    seen = 0
    for account in daily_counts(plan):
        if account.truth.changed_at is not None:
            day = (account.truth.changed_at - plan.start) // DAY_MS
            assert not any(account.counts[PRODUCT][day:])
            assert min(account.expected[PRODUCT][day:]) > 0
            seen += 1
    assert seen > 80


def test_an_outage_loses_events_of_its_source_and_no_others() -> None:
    world = World(second_product=1.0, outages=(Outage(30, 5, 0.05, SECOND),))
    plan = FleetPlan(accounts=200, days=63, seed=4, world=world, **STEADY)
    for source, low, high in ((SECOND, 0.02, 0.09), (PRODUCT, 0.85, 1.15)):
        fleet = totals(plan, source)
        assert low < sum(fleet[30:35]) / sum(fleet[37:42]) < high, source


def test_a_renamed_event_is_gone_under_its_old_name_and_there_under_the_new() -> None:
    plan = FleetPlan(accounts=40, days=40, seed=4, world=World(renames=(Rename("item_edited", "item_saved", 20),)))
    names: list[Counter[str]] = [Counter(), Counter()]
    for event in simulate(plan):
        if event.topic is InputTopic.USAGE:
            names[(event.at - plan.start) // DAY_MS >= 20][event.value["event"]] += 1
    assert names[0]["item_edited"] > 100
    assert names[0]["item_saved"] == names[1]["item_edited"] == 0
    assert names[1]["item_saved"] > 100
    fleet = totals(plan, event="item_edited")
    share = sum(fleet[:20]) / sum(names[0].values())
    assert share == pytest.approx(names[0]["item_edited"] / sum(names[0].values()), rel=0.2)
    assert sum(fleet[20:]) == 0


def test_month_ends_and_quarter_ends_and_school_holidays_fall_where_they_do() -> None:
    busy: dict[str, tuple[World, Callable[[datetime], bool]]] = {
        "month_end": (World(month_end=1.0), lambda at: at.day >= 29 or at.day == 1),
        "quarter_end": (World(quarter_end=1.0), lambda at: at.month in (3, 6, 9, 12) and at.day >= 18),
        "school": (World(school=1.0), lambda at: at.month != 7),
    }
    for name, (world, inside) in busy.items():
        plan = FleetPlan(accounts=80, days=364, seed=6, rate_sigma=0.5, world=world, **STEADY)
        fleet = totals(plan)
        within = [number for day, number in enumerate(fleet) if inside(month(plan, day))]
        outside = [number for day, number in enumerate(fleet) if not inside(month(plan, day))]
        assert sum(within) / len(within) > 1.6 * sum(outside) / len(outside), name
        assert all(truth.habits == (name,) for truth in truths(plan))


def test_programs_flood_on_a_few_days_of_a_year() -> None:
    plan = FleetPlan(accounts=50, days=364, seed=7, rate_median=3.0, rate_sigma=0.2, world=World(bursts=1.0), **STEADY)
    floods = sum(number > 25 for account in daily_counts(plan) for number in account.counts[PRODUCT])
    assert 3 * 50 < floods < 9 * 50
    quiet = FleetPlan(accounts=50, days=364, seed=7, rate_median=3.0, rate_sigma=0.2, **STEADY)
    assert sum(number > 25 for account in daily_counts(quiet) for number in account.counts[PRODUCT]) < 20


def test_users_leave_one_by_one_and_others_come() -> None:
    plan = FleetPlan(accounts=10, days=364, seed=8, rate_median=30.0, world=World(user_turnover=2.0), **STEADY)
    early: dict[str, set[str]] = defaultdict(set)
    late: dict[str, set[str]] = defaultdict(set)
    weeks: dict[str, set[int]] = defaultdict(set)
    for event in simulate(plan):
        if event.topic is InputTopic.USAGE:
            day = (event.at - plan.start) // DAY_MS
            weeks[event.value["account_id"]].add(day // 7)
            if day < 60:
                early[event.value["account_id"]].add(event.value["user_id"])
            if day >= 304:
                late[event.value["account_id"]].add(event.value["user_id"])
    stayed = [len(early[name] & late[name]) / len(early[name]) for name in early]
    assert 0.02 < sum(stayed) / len(stayed) < 0.6
    assert all(len(weeks[name]) > 45 for name in early)  # nobody is left alone
    assert all(0.4 < len(late[name]) / len(early[name]) < 2.5 for name in early)


def test_the_whole_fleet_fades_by_its_yearly_trend() -> None:
    plan = FleetPlan(accounts=100, days=728, seed=9, rate_sigma=0.5, world=World(yearly_trend=0.5), **STEADY)
    fleet = totals(plan)
    assert sum(fleet[364:]) / sum(fleet[:364]) == pytest.approx(0.5, rel=0.05)


def test_a_second_product_is_given_up_while_the_first_goes_on() -> None:
    world = World(second_product=1.0, second_product_stops=0.5)
    plan = FleetPlan(accounts=100, days=200, seed=10, rate_median=5.0, last_change_day=120, world=world, **STEADY)
    stopped = 0
    for account in daily_counts(plan):
        truth = account.truth
        assert truth.second_product
        if truth.second_stopped_at is not None:
            day = (truth.second_stopped_at - plan.start) // DAY_MS
            assert not any(account.counts[SECOND][day:])
            assert any(account.counts[PRODUCT][day:])
            assert any(cause.explains("usage_silence", truth.second_stopped_at) for cause in truth.causes)
            stopped += 1
    assert 35 < stopped < 65


def test_events_of_a_full_world_are_valid_and_have_ids_of_their_own() -> None:
    plan = FleetPlan(accounts=30, days=60, seed=5, world=FULL)
    ids: Counter[str] = Counter()
    for event in simulate(plan):
        assert not isinstance(decode(event.topic, orjson.dumps(event.value)), Rejected)
        if event.topic is InputTopic.USAGE:
            ids[event.value["event_id"]] += 1
    assert max(ids.values()) == 1


def test_a_world_leaves_the_lives_of_the_accounts_as_they_are() -> None:
    plain, full = FleetPlan(accounts=50, seed=5), FleetPlan(accounts=50, seed=5, world=FULL)
    for before, after in zip(truths(plain), truths(full), strict=True):
        assert (before.change, before.changed_at, before.rate) == (after.change, after.changed_at, after.rate)


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: World(month_end=0.6, school=0.6), "together at most 1"),
        (lambda: World(yearly_trend=0.0), "above 0"),
        (lambda: Outage(3, kept=2.0), "from 0 to 1"),
        (lambda: Outage(3, source="fax"), "the sources are"),
        (lambda: Rename("nothing", "something", 3), "takes a new name"),
    ],
)
def test_an_impossible_world_is_refused_with_its_reason(make: Any, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        make()
