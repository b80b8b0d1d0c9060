"""How an account was lost: whose decision, why, what it paid, and whether it had been foreseen."""

from __future__ import annotations

import pytest

from schemas.alerts import Kind, Severity
from schemas.picture import Loss as LossPicture
from streams.detection.config import DetectionConfig
from streams.detection.engine import Engine
from streams.detection.loss import Loss
from streams.detection.reasons import ReasonClass
from tests.unit.detection.building import Run, at, bills, update, usage


def lost(run: Run, day: float) -> LossPicture:
    loss = run.engine.picture(run.account, at(day)).loss
    assert loss is not None
    assert loss.post_mortem is not None
    return loss.model_copy(update={"post_mortem": None})


def silent_from(run: Run, day: int) -> None:
    run.apply(bills("subscription.started", at(0), mrr_minor=5_000))
    for each in range(day):
        run.apply(usage(at(each, 9)), usage(at(each, 15)))


def test_a_silence_before_the_decision_foresaw_the_loss(run: Run) -> None:
    silent_from(run, 80)
    run.apply(
        bills("subscription.cancel_scheduled", at(100), effective_at=at(120), reason="too_expensive"),
        bills("subscription.ended", at(120)),
    )
    warned = next(each for each in run.transitions if each.severity is Severity.WARNING)
    found = lost(run, 121)
    assert found == LossPicture(
        at=at(120),
        voluntary=True,
        reason="too_expensive",
        reason_class="price",
        influenceable=True,
        decided_at=at(100),
        foreseen_by=Kind.USAGE_SILENCE,
        foreseen_at=warned.at,
        mrr_minor=5_000,
        currency="EUR",
    )
    assert run.engine.tally.lost == {(True, ReasonClass.PRICE): 1}
    assert run.engine.tally.mrr_lost == {("EUR", (True, ReasonClass.PRICE)): 5_000}
    (line,) = [entry.text for entry in run.account.timeline.entries if entry.code == "account.lost"]
    assert line.endswith("reason: too_expensive. Foreseen 10 days before it was decided, by usage silence.")


def test_the_cancellation_itself_foresees_nothing_and_neither_does_what_opens_after_it(run: Run) -> None:
    silent_from(run, 80)
    run.apply(
        bills("subscription.cancel_scheduled", at(80), effective_at=at(120)),
        bills("payment.failed", at(110)),
        bills("subscription.ended", at(120)),
    )
    found = lost(run, 121)
    assert found.foreseen_by is None
    assert found.foreseen_at is None
    assert (found.decided_at, found.reason_class) == (at(80), None)


@pytest.mark.parametrize(("quiet_until", "ends", "foreseen"), [(75, 100, True), (75, 150, False)])
def test_an_alert_that_was_over_counts_when_it_had_opened_shortly_before(
    run: Run, quiet_until: int, ends: int, foreseen: bool
) -> None:
    silent_from(run, 60)
    for day in range(quiet_until, ends):
        run.apply(usage(at(day, 9)), usage(at(day, 15)))
    run.apply(bills("subscription.ended", at(ends), voluntary=True))
    assert run.account.alerts[Kind.USAGE_SILENCE].severity is not Severity.WATCH
    assert (lost(run, ends + 1).foreseen_by is Kind.USAGE_SILENCE) is foreseen


def test_for_want_of_payment_the_failed_payment_foresaw_it(run: Run) -> None:
    run.apply(
        bills("subscription.started", at(0)), bills("payment.failed", at(10)), bills("subscription.ended", at(20))
    )
    found = lost(run, 21)
    assert (found.voluntary, found.decided_at) == (False, at(20))
    assert (found.foreseen_by, found.foreseen_at) == (Kind.PAYMENT_FAILED, at(10))


def test_a_trial_that_ends_takes_no_money_along(run: Run) -> None:
    run.apply(bills("subscription.started", at(0), trial=True), bills("subscription.ended", at(14)))
    assert lost(run, 15).mrr_minor is None
    assert not run.engine.tally.mrr_lost


def test_a_comment_speaks_by_the_keywords_of_the_settings_and_by_nothing_else() -> None:
    comment = "The budget was cut, sorry"
    for keywords, of_class in [((), None), ((("budget", "price"),), "price"), ((("bud", "price"),), None)]:
        run = Run(Engine(DetectionConfig(reason_keywords=keywords)))
        run.apply(
            bills("subscription.started", at(0)),
            bills("subscription.cancel_scheduled", at(1), effective_at=at(9), comment=comment),
            bills("subscription.ended", at(9)),
        )
        assert lost(run, 10).reason_class == of_class
        assert lost(run, 10).comment == comment


def test_accounts_that_may_go_are_a_watch_and_cost_nobody_attention() -> None:
    for tier, severities in [("free", {Severity.WATCH}), ("gold", {Severity.WARNING, Severity.CRITICAL})]:
        run = Run(Engine(DetectionConfig(let_go=("price:free",))))
        run.apply(
            update(at(0), tier=tier),
            bills("subscription.started", at(0)),
            bills("subscription.cancel_scheduled", at(1), effective_at=at(30), reason="too expensive"),
        )
        run.close(at(29))
        assert {each.severity for each in run.transitions} == severities


def test_what_is_stored_is_read_also_from_the_version_before() -> None:
    loss = Loss(at(9), True, "price", at(3), Kind.USAGE_DROP, at(1), None, 5, "EUR")
    assert Loss.decode(loss.encode()) == loss
    bare = Loss(at(9), False, None, at(9))
    assert Loss.decode(bare.encode()) == bare
    assert Loss.decode([at(9), True, "price"]) == Loss(at(9), True, "price", at(9))


def test_there_is_no_loss_where_the_account_goes_on_or_came_back(run: Run) -> None:
    run.apply(bills("subscription.started", at(0)))
    assert run.engine.picture(run.account, at(1)).loss is None
    run.apply(bills("subscription.ended", at(2)), bills("subscription.started", at(9)))
    assert run.engine.picture(run.account, at(9)).loss is None
