"""Billing, account updates, loss and return, as the engine sees them."""

from __future__ import annotations

import pytest

from schemas.alerts import Kind, Severity
from schemas.picture import Phase
from schemas.shuffle import Fact
from streams.detection.config import DAY_MS, DetectionConfig
from streams.detection.engine import Engine
from tests.unit.detection.building import Run, at, bills, update, usage


def phase(run: Run) -> Phase:
    """Where the account is in its life by now."""
    return run.account.phase


def test_a_deadline_that_is_past_when_the_fact_arrives_is_honoured_at_once(run: Run) -> None:
    run.apply(bills("subscription.started", at(0)))
    found = run.apply(bills("subscription.cancel_scheduled", at(1), arrives=at(20), effective_at=at(12)))
    assert [(each.change.value, each.severity.value, each.at) for each in found] == [
        ("opened", "warning", at(1)),
        ("escalated", "critical", at(5)),
    ]
    assert run.account.due == at(91), "when the first one has been followed for long enough"


def test_what_comes_late_takes_nothing_back_that_was_said_after_its_time(run: Run) -> None:
    run.apply(
        bills("subscription.started", at(0)),
        bills("payment_method.updated", at(1), exp_month=2, exp_year=2025, default=True),
    )
    run.close(at(60))
    assert [each.kind for each in run.transitions] == [Kind.CARD_EXPIRING, Kind.CARD_EXPIRING]
    opened = run.transitions[0].at
    late = update(opened - 10 * DAY_MS, name="Acme")._replace(effective_at=at(60))
    assert run.apply(late) == []
    assert run.account.alert(Kind.CARD_EXPIRING) is not None


def test_a_repeated_billing_event_is_taken_once(run: Run) -> None:
    failed = bills("payment.failed", at(0), id_="e-1")
    run.apply(failed, bills("payment.succeeded", at(1)), failed._replace(effective_at=at(1)))
    assert run.changes() == ["payment_failed opened critical", "payment_failed resolved critical"]
    assert (run.engine.tally.billing, run.engine.tally.duplicates) == (3, 1)


def test_an_event_that_is_out_of_date_is_counted_and_ignored(run: Run) -> None:
    run.apply(bills("subscription.started", at(5)), bills("subscription.paused", at(4), arrives=at(5)))
    assert run.engine.tally.outdated == 1
    assert not run.account.subscriptions.paused


def test_an_account_is_lost_with_its_last_paid_subscription(run: Run) -> None:
    run.apply(
        bills("subscription.started", at(0), subscription_id="a"),
        bills("subscription.started", at(0), subscription_id="b"),
        bills("subscription.started", at(0), subscription_id="t", trial=True),
        bills("payment.failed", at(1)),
        bills("subscription.ended", at(2), subscription_id="a"),
    )
    assert phase(run) is Phase.ALERTING
    run.apply(bills("subscription.ended", at(2.5), subscription_id="b", reason="price"))
    assert phase(run) is Phase.LOST
    assert run.account.loss is not None
    assert (run.account.loss.at, run.account.loss.voluntary, run.account.loss.reason) == (at(2.5), False, "price")
    assert run.changes()[-1] == "payment_failed resolved critical"
    assert run.transitions[-1].resolution == "lost"
    assert run.transitions[-1].health == 0
    assert run.account.due == at(91)


def test_a_trial_that_ends_is_the_end_only_when_nothing_is_left(run: Run) -> None:
    run.apply(
        bills("subscription.started", at(0), subscription_id="t", trial=True),
        bills("subscription.started", at(0), subscription_id="u", trial=True),
        bills("subscription.ended", at(1), subscription_id="t"),
    )
    assert phase(run) is Phase.ONBOARDING
    run.apply(bills("subscription.ended", at(2), subscription_id="u"))
    assert phase(run) is Phase.LOST


def test_a_lost_account_is_counted_on_but_not_judged(run: Run) -> None:
    run.apply(bills("subscription.started", at(0)))
    run.uses(range(60))
    run.apply(bills("subscription.ended", at(60)))
    run.apply(usage(at(61, 9)))
    assert run.close(at(400)) == []
    assert run.account.due is None
    assert run.account.events_total == 44 * 4 + 1


def test_who_comes_back_keeps_the_totals_and_is_learnt_anew(run: Run) -> None:
    run.apply(bills("subscription.started", at(0)))
    run.uses(range(60))
    run.apply(bills("subscription.ended", at(60)), bills("subscription.started", at(90), plan="small"))
    assert run.account.loss is None
    assert run.account.events_total == 44 * 4
    assert phase(run) is Phase.ONBOARDING
    assert run.engine.tally.lost.total() == run.engine.tally.revived == 1
    run.uses(range(91, 150))
    assert phase(run) is Phase.ACTIVE


def test_paused_days_are_neither_learnt_nor_held_against_the_account(run: Run) -> None:
    run.apply(bills("subscription.started", at(0)))
    run.uses(range(60))
    run.close(at(60))
    before = run.account.habit
    run.apply(bills("subscription.paused", at(60)))
    assert phase(run) is Phase.PAUSED
    run.apply(usage(at(70, 9)))
    assert run.close(at(100)) == []
    after = run.account.habit
    assert (after.score, after.quiet) == (before.score, before.quiet)
    run.apply(bills("subscription.resumed", at(100)))
    run.close(at(102))
    assert run.account.habit.quiet > before.quiet


def test_an_account_update_gives_transitions_a_name_and_an_owner(run: Run) -> None:
    who = {"name": "Acme GmbH", "owner": "ana@example.com", "team": "east", "tier": "gold", "tags": ["pilot", "eu"]}
    run.apply(update(at(0), **who, mrr_minor=5_000, currency="EUR"))
    found = run.apply(bills("payment.failed", at(1)))
    assert (found[0].account_name, found[0].owner, found[0].team) == ("Acme GmbH", "ana@example.com", "east")
    assert (found[0].tier, found[0].tags) == ("gold", ("pilot", "eu"))
    assert (found[0].mrr_minor, found[0].currency) == (5_000, "EUR")
    assert found[0].priority > 0


@pytest.mark.parametrize("again", [False, True])
def test_an_internal_account_has_no_alerts_until_it_is_no_longer_one(run: Run, again: bool) -> None:
    run.apply(update(at(0), internal=True), bills("payment.failed", at(1), next_attempt_at=at(9)))
    assert run.transitions == []
    if again:
        run.apply(update(at(2), internal=False))
        assert run.changes() == ["payment_failed opened warning"]


def test_the_end_of_one_of_two_subscriptions_is_the_end_of_its_cancellation_and_no_loss(run: Run) -> None:
    run.apply(
        bills("subscription.started", at(0), subscription_id="a"),
        bills("subscription.started", at(0), subscription_id="b"),
        bills("subscription.cancel_scheduled", at(1), subscription_id="b", effective_at=at(3)),
        bills("subscription.ended", at(3), subscription_id="b"),
    )
    assert run.account.loss is None
    assert run.transitions[-1].resolution == "expired"
    assert run.transitions[-1].headline == "The cancelled subscription has ended, and the account has others."
    assert run.close(at(60)) == [], "which was told when it was cancelled"


def test_who_comes_back_gets_a_new_alert_whatever_the_cool_down(run: Run) -> None:
    run.apply(
        bills("subscription.started", at(0)),
        bills("payment.failed", at(1)),
        bills("subscription.ended", at(2)),
        bills("subscription.started", at(3)),
        bills("payment.failed", at(4), invoice_id="in-2"),
    )
    assert [each.change.value for each in run.transitions] == ["opened", "resolved", "opened"]
    assert run.transitions[2].alert_id != run.transitions[0].alert_id
    assert run.transitions[2].revision == 1


def test_a_deadline_of_a_paused_account_sees_the_days_before_it_and_no_later_ones(run: Run) -> None:
    again = Run(Engine(DetectionConfig()))
    for each in (run, again):
        each.uses(range(60))
        each.apply(
            bills("subscription.started", at(60)),
            bills("subscription.cancel_scheduled", at(60), effective_at=at(75)),
            bills("subscription.paused", at(61)),
        )
    (escalated,) = run.close(at(300))
    assert again.close(at(68)) == [escalated]
    again.close(at(300))
    assert again.account.encode() == run.account.encode()


def test_a_transition_names_the_other_open_alerts_the_most_severe_first(run: Run) -> None:
    run.apply(
        bills("subscription.started", at(0)),
        bills("payment_method.updated", at(0), exp_month=1, exp_year=2025, default=True),
        bills("payment.failed", at(1), attempt=1, hard=True),
        bills("subscription.started", at(2), subscription_id="b"),
        bills("subscription.cancel_scheduled", at(3), effective_at=at(60), subscription_id="b"),
    )
    told = [(each.kind.value, [(other.kind, other.severity) for other in each.also_open]) for each in run.transitions]
    card, payment = (Kind.CARD_EXPIRING, Severity.WARNING), (Kind.PAYMENT_FAILED, Severity.CRITICAL)
    assert told == [("card_expiring", []), ("payment_failed", [card]), ("cancel_scheduled", [payment, card])]
    paid = run.apply(bills("payment.succeeded", at(4)))
    assert [other.kind for other in paid[0].also_open] == [Kind.CARD_EXPIRING, Kind.CANCEL_SCHEDULED]


@pytest.mark.parametrize("end", [update(at(2), internal=True), bills("subscription.ended", at(2))])
def test_alerts_that_end_together_do_not_call_each_other_open(run: Run, end: Fact) -> None:
    run.apply(
        bills("subscription.started", at(0)),
        bills("payment.failed", at(1)),
        bills("subscription.cancel_scheduled", at(1), effective_at=at(60)),
    )
    assert [each.also_open for each in run.apply(end)] == [(), ()]


def test_a_transition_says_when_the_account_renews(run: Run) -> None:
    run.apply(update(at(0), renewal_at=at(300)), bills("payment.failed", at(1)))
    assert run.transitions[-1].renewal_at == at(300)
    run.apply(
        bills("subscription.started", at(2), subscription_id="a", renewal_at=at(200)),
        bills("subscription.started", at(2), subscription_id="b", renewal_at=at(100)),
        bills("subscription.started", at(2), subscription_id="t", renewal_at=at(20), trial=True),
        bills("payment.failed", at(3), attempt=2),
    )
    assert run.transitions[-1].renewal_at == at(100)
    run.apply(bills("subscription.cancel_scheduled", at(4), subscription_id="b", effective_at=at(100)))
    assert run.transitions[-1].renewal_at == at(200)
    run.apply(bills("subscription.cancel_scheduled", at(5), subscription_id="a", effective_at=at(200)))
    assert run.transitions[-1].renewal_at is None
