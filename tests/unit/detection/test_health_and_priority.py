"""Health, priority, and the picture they are part of."""

from __future__ import annotations

from typing import Any

import pytest

from schemas.alerts import Kind, Severity
from schemas.picture import PaymentState, Phase
from streams.detection.config import DetectionConfig
from streams.detection.engine import Engine
from streams.detection.priority import money_at_risk, probability_of_loss
from tests.unit.detection.building import Run, at, bills, update, usage


def health(run: Run, day: float) -> int:
    run.close(at(day))
    return run.engine.picture(run.account, at(day)).health


def test_a_healthy_account_is_green_and_says_what_is_missing(run: Run) -> None:
    run.uses(range(90))
    picture = run.engine.picture(run.account, at(90))
    assert picture.health >= 95
    assert {factor.name for factor in picture.factors} == {"usage", "silence"}
    assert picture.missing == ("subscription", "payment", "card")


def test_what_is_not_known_takes_nothing_off(run: Run) -> None:
    run.apply(usage(at(0, 9)))
    picture = run.engine.picture(run.account, at(0, 10))
    assert picture.health == 100
    assert picture.missing == ("usage", "silence", "subscription", "payment", "card")


def test_health_falls_with_every_day_of_silence_and_returns_with_the_account(run: Run) -> None:
    run.uses(range(89))
    values = [health(run, 89 + day) for day in range(15)]
    assert values == sorted(values, reverse=True)
    assert values[0] >= 95
    assert values[-1] < 50
    run.uses(range(105, 150))
    assert health(run, 150) >= 95


@pytest.mark.parametrize(
    ("events", "name"),
    [
        ([("payment.failed", {"next_attempt_at": at(99)})], "payment"),
        ([("payment.failed", {"hard": True})], "payment"),
        ([("subscription.started", {}), ("subscription.cancel_scheduled", {"effective_at": at(99)})], "subscription"),
        ([("subscription.started", {}), ("subscription.paused", {})], "subscription"),
        ([("payment_method.updated", {"exp_month": 1, "exp_year": 2025})], "card"),
    ],
)
def test_trouble_with_billing_takes_points_off_and_says_why(
    run: Run, events: list[tuple[str, dict[str, Any]]], name: str
) -> None:
    for type_, fields in events:
        run.apply(bills(type_, at(1), **fields))
    picture = run.engine.picture(run.account, at(2))
    (factor,) = [factor for factor in picture.factors if factor.points < 0]
    assert factor.name == name
    assert factor.text.endswith(".")
    assert picture.health == round(100 + factor.points)


def test_points_add_up_to_the_health_and_lost_is_nothing(run: Run) -> None:
    run.apply(bills("subscription.started", at(0)))
    run.uses(range(60))
    run.apply(bills("payment.failed", at(70)), bills("subscription.cancel_scheduled", at(70), effective_at=at(90)))
    picture = run.engine.picture(run.account, at(70))
    assert sum(factor.points for factor in picture.factors) < -100
    assert picture.health == 0
    run.apply(bills("subscription.ended", at(71)))
    picture = run.engine.picture(run.account, at(71))
    assert (picture.health, picture.phase, picture.priority) == (0, Phase.LOST, 0.0)


def test_more_severe_and_more_certain_kinds_weigh_more() -> None:
    for kind in Kind:
        chances = [probability_of_loss(kind, severity) for severity in Severity]
        assert 0 < chances[0] < chances[1] < chances[2] < 1
    assert probability_of_loss(Kind.CANCEL_SCHEDULED, Severity.WATCH) > probability_of_loss(
        Kind.USAGE_SILENCE, Severity.CRITICAL
    )


def test_money_at_risk_grows_with_alerts_and_never_exceeds_the_revenue() -> None:
    kinds = list(Kind)
    at_risk = [money_at_risk(10_000, [(kind, Severity.CRITICAL) for kind in kinds[:n]]) for n in range(len(kinds))]
    assert at_risk == sorted(at_risk)
    assert at_risk[0] == 100
    assert at_risk[-1] < 10_000
    assert money_at_risk(None, []) == 0


def test_the_picture_shows_what_the_board_needs(run: Run) -> None:
    run.apply(
        update(at(0), name="Acme", owner="ana", renewal_at=at(300)),
        bills("subscription.started", at(0), seats=12, current_period_end=at(20)),
        bills("payment_method.updated", at(0), exp_month=3, exp_year=2025, default=True),
    )
    run.uses(range(59), a_day=4, users=3)
    run.apply(bills("payment.failed", at(59)))
    run.close(at(59, 5))
    picture = run.engine.picture(run.account, at(59, 5))
    assert (picture.account_name, picture.owner, picture.phase) == ("Acme", "ana", Phase.ALERTING)
    engagement = picture.engagement
    assert engagement.events_total == sum(engagement.daily) == 43 * 4
    assert len(engagement.daily) == 60
    assert engagement.daily[-1] == 0
    assert engagement.daily[-2] == 4
    assert (engagement.events_7d, engagement.events_28d, engagement.active_users_28d) == (16, 76, 3)
    assert engagement.expected_28d == pytest.approx(80, rel=0.1)
    assert engagement.last_event_at == at(58, 12)
    billing = picture.billing
    assert (billing.plan, billing.seats, billing.mrr_minor, billing.currency) == ("team", 12, 10_000, "EUR")
    assert (billing.payment_state, billing.renewal_at) == (PaymentState.FAILED, at(300))
    assert billing.card_end == at(85)  # 1 April
    assert {alert.kind for alert in picture.alerts} == {Kind.PAYMENT_FAILED, Kind.CARD_EXPIRING}
    assert picture.alerts[-1] == run.transitions[-1]
    assert picture.priority > max(alert.priority for alert in picture.alerts)
    assert picture.timeline[0].code == "subscription.started"
    assert picture.timeline[-1].code == "alert.opened"


def test_a_card_good_to_the_end_of_2099_is_no_error(run: Run) -> None:
    run.apply(bills("payment_method.updated", at(0), exp_month=12, exp_year=2099))
    assert run.engine.picture(run.account, at(1)).billing.card_end is not None


def test_the_weights_are_the_users_to_set() -> None:
    run = Run(Engine(DetectionConfig(health_weights=(("payment", 12.0), ("card", 0.0)))))
    run.apply(
        bills("subscription.started", at(0)),
        bills("payment_method.updated", at(0), exp_month=1, exp_year=2025),
        bills("payment.failed", at(1), hard=True),
    )
    picture = run.engine.picture(run.account, at(2))
    assert {factor.name: factor.points for factor in picture.factors} == {
        "subscription": 0.0,
        "payment": -12.0,
        "card": 0.0,
    }
    assert picture.health == 88
    with pytest.raises(ValueError, match="health_weights: cards = 3"):
        DetectionConfig(health_weights=(("cards", 3.0),))
