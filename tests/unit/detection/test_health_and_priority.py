"""Health, priority, and the picture they are part of."""

from __future__ import annotations

from typing import Any

import pytest

from schemas.alerts import Kind, Severity
from schemas.picture import PaymentState, Phase
from streams.detection.config import DetectionConfig
from streams.detection.engine import Engine
from streams.detection.odds import Odds
from streams.detection.priority import money_at_risk
from tests.unit.detection.building import Run, at, bills, says, update, usage


def health(run: Run, day: float) -> int:
    run.close(at(day))
    return run.engine.picture(run.account, at(day)).health


def test_a_healthy_account_is_green_and_says_what_is_missing(run: Run) -> None:
    run.uses(range(90))
    picture = run.engine.picture(run.account, at(90))
    assert picture.health >= 95
    assert {factor.name for factor in picture.factors} == {"usage", "silence", "people"}
    assert picture.missing == ("subscription", "payment", "card", "feedback")


def test_what_is_not_known_takes_nothing_off(run: Run) -> None:
    run.apply(usage(at(0, 9)))
    picture = run.engine.picture(run.account, at(0, 10))
    assert picture.health == 100
    assert picture.missing == ("usage", "silence", "people", "subscription", "payment", "card", "feedback")


def test_health_falls_with_every_day_of_silence_and_returns_with_the_account(run: Run) -> None:
    run.uses(range(89))
    values = [health(run, 89 + day) for day in range(22)]
    assert values == sorted(values, reverse=True)
    assert values[0] >= 95
    assert values[-1] < 50
    run.uses(range(112, 150))
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


def factor(run: Run, name: str, day: float) -> tuple[float, str] | None:
    picture = run.engine.picture(run.account, at(day))
    found = {each.name: (each.points, each.text) for each in picture.factors}
    assert (name in found) is not (name in picture.missing)
    return found.get(name)


def test_a_champion_who_is_gone_takes_points_off_until_somebody_is_back(run: Run) -> None:
    for day in range(60):
        for user in ("ana", "ben") if day < 40 or day >= 58 else ("ben",):
            if user == "ana" or day % 3 == 0 or day >= 40:
                run.apply(usage(at(day, 9), user=user))
        run.close(at(day, 23))
        if day == 39:
            assert factor(run, "people", 39.9) == (0.0, "The people who use it are there.")
        if day == 57:
            points, text = factor(run, "people", 57.9) or (0.0, "")
            assert (points, text) == (-6.4, "A champion has stayed away on 17 days.")
    assert factor(run, "people", 59.9) == (0.0, "The people who use it are there.")
    run.apply(update(at(60), champions=["ana"]), update(at(61), contacts_left=["ana"]))
    assert factor(run, "people", 61) == (-15.0, "A champion is reported to have left.")


def test_fewer_people_than_before_take_points_off(run: Run) -> None:
    for day in range(200):
        for user in range(6 if day < 140 else 2):
            run.apply(usage(at(day, 9 + user), user=f"user-{user}"))
    run.close(at(200))
    points, text = factor(run, "people", 200) or (0.0, "")
    assert text == "Fewer people use it in a week than before."
    assert -15.0 <= points < -2.0


def test_complaints_take_points_off_by_how_bad_they_are_and_as_long_as_they_count(run: Run) -> None:
    assert factor(run, "feedback", 0) is None
    run.apply(says("nps", at(0), score=9, user_id="ana"))
    assert factor(run, "feedback", 1) == (0.0, "Nobody has complained lately.")
    run.apply(says("csat", at(2), score=1, user_id="ben"))
    assert factor(run, "feedback", 3) == (-3.8, "1 complaint in 30 days.")
    run.apply(says("nps", at(4), score=2, user_id="ana"))
    assert factor(run, "feedback", 5) == (-7.5, "2 complaints in 30 days.")
    run.apply(says("ticket", at(6), status="escalated"))
    assert factor(run, "feedback", 7) == (-15.0, "3 complaints in 30 days.")
    assert factor(run, "feedback", 50) == (0.0, "Nobody has complained lately.")


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


def test_money_at_risk_grows_with_alerts_and_never_exceeds_the_revenue() -> None:
    kinds = list(Kind)
    at_risk = [
        money_at_risk(10_000, [(kind, Severity.CRITICAL) for kind in kinds[:n]], Odds()) for n in range(len(kinds))
    ]
    assert at_risk == sorted(at_risk)
    assert at_risk[0] == 100
    assert at_risk[-1] < 10_000
    assert money_at_risk(None, [], Odds()) == 0


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
    with pytest.raises(ValueError, match="two weights"):
        DetectionConfig(health_weights=(("card", 3.0), ("card", 4.0)))
