"""New accounts, and their first core action."""

from __future__ import annotations

import pytest

from streams.detection.config import DetectionConfig
from streams.detection.engine import Engine
from streams.detection.state import Account
from tests.unit.detection.building import Run, at, bills, update, usage

CORE = DetectionConfig(key_actions=("report.*",))


def run_with_a_fleet(config: DetectionConfig = CORE, *, days: int = 40) -> Run:
    """Fifty others have been there for so many days."""
    run = Run(Engine(config))
    for day in range(days):
        for number in range(50):
            run.plain.apply(usage(at(day))._replace(account=f"other-{number}", event="report.shared"))
    run.close(at(days))
    return run


def test_use_without_a_core_action_is_no_start() -> None:
    run = run_with_a_fleet()
    for day in range(40, 60):
        run.apply(usage(at(day, 9)))
    run.close(at(70))
    assert run.changes() == ["onboarding_stalled opened warning", "onboarding_stalled escalated critical"]
    (opened, _) = run.transitions
    assert (opened.at, opened.since) == (at(54, 9), at(40, 9))
    assert opened.headline == "No core action in the first 14 days of a new account."
    assert Account.decode("acme", run.account.encode()).started_at == run.account.started_at == at(40, 9)
    run.apply(usage(at(71), event="report.shared"))
    assert run.changes()[2:] == ["onboarding_stalled resolved critical"]
    assert run.account.started_at is None
    run.close(at(200))
    assert not [each for each in run.changes()[3:] if each.startswith("onboarding")]


@pytest.mark.parametrize(("days", "told"), [(29, False), (32, True)])
def test_an_account_is_new_when_it_is_heard_of_a_month_after_the_first_one(days: int, told: bool) -> None:
    run = run_with_a_fleet(days=days)
    run.apply(usage(at(days, 9)))
    run.close(at(days + 20))
    assert bool(run.changes()) is told


def test_a_core_action_just_in_time_leaves_nothing_to_say() -> None:
    run = run_with_a_fleet()
    run.apply(usage(at(40)), usage(at(53.9), event="report.shared"))
    run.close(at(99))
    assert run.changes() == []
    assert run.account.started_at is None


def test_a_core_action_of_before_the_start_is_none() -> None:
    run = run_with_a_fleet()
    run.apply(update(at(40), started_at=at(40)), usage(at(39), event="report.shared", arrives=at(41)))
    run.close(at(55))
    assert run.changes() == ["onboarding_stalled opened warning"]


def test_saying_the_same_again_begins_nothing_anew_and_another_start_does() -> None:
    run = run_with_a_fleet()
    run.apply(update(at(40), started_at=at(40)), usage(at(41), event="report.shared"))
    run.apply(update(at(42), started_at=at(40), name="Acme"))
    run.close(at(60))
    assert run.changes() == []
    run.apply(update(at(60), started_at=at(60)))
    run.close(at(75))
    assert run.changes() == ["onboarding_stalled opened warning"]


def test_a_second_subscription_is_no_start() -> None:
    run = run_with_a_fleet(DetectionConfig())
    run.apply(bills("subscription.started", at(40)), usage(at(41)))
    run.apply(bills("subscription.started", at(50), subscription_id="second"))
    run.close(at(70))
    assert run.changes() == []
