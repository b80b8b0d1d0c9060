"""Which step an alert gets, and what it says."""

from __future__ import annotations

import re

import pytest

from alerting.blocks import linked
from alerting.playbook import Play, Playbook
from schemas.alerts import AlertState, Kind
from streams.detection.config import DetectionConfig
from streams.detection.engine import Engine
from tests.unit.detection.building import Run, at, bills, update


@pytest.mark.parametrize("kind", Kind)
def test_every_kind_has_a_step(kind: Kind) -> None:
    play = Playbook().play(kind, (), None)
    assert play is not None
    assert play.kind is kind
    assert play.says({}).endswith(").")


def test_the_first_that_fits_is_taken_and_the_users_come_first() -> None:
    own = (
        Play("Gold", Kind.USAGE_DROP, tier="gold"),
        Play("Dear", reason="price"),
        Play("Dear drop", Kind.USAGE_DROP, "price", "gold"),
    )
    book = Playbook(own)
    for kind, reasons, tier, says in [
        (Kind.USAGE_DROP, ["price"], "gold", "Gold."),
        (Kind.USAGE_DROP, ["price"], None, "Dear."),
        (Kind.CANCEL_SCHEDULED, ["cancelled", "price"], "gold", "Dear."),
    ]:
        play = book.play(kind, reasons, tier)
        assert play is not None
        assert play.says({}) == says
    hard, soft = (Playbook().play(Kind.PAYMENT_FAILED, reasons, None) for reasons in (["hard_decline"], []))
    assert hard != soft


def test_an_alert_says_the_step_with_the_facts_of_its_account() -> None:
    step = "Call {contact} of {account} ({tier}, {mrr}): {plan} is paid until {renewal}; {{ask}} {owner}"
    run = Run(Engine(DetectionConfig(plays=(Play(step, Kind.PAYMENT_FAILED, owner="billing", due_days=1),))))
    run.apply(
        update(at(0), name="Acme {x}", contact="Jo", tier="gold"),
        bills("subscription.started", at(0), renewal_at=at(30)),
        bills("payment.failed", at(1), next_attempt_at=at(3)),
        bills("payment.succeeded", at(2)),
    )
    opened, resolved = run.transitions
    assert opened.playbook == (
        "Call Jo of Acme {x} (gold, 100.00 EUR): team is paid until 5 February 2025; {ask} the owner "
        "(billing, within 1 day)."
    )
    assert (resolved.state, resolved.playbook) == (AlertState.RESOLVED, None)


def test_what_others_wrote_makes_no_link_and_no_markup_in_a_step() -> None:
    play = Play("*Ask* {contact} about {account}, see https://wiki.example/{tier}_plan")
    evil = "Jo https://evil.example/pay *now* _quick_ `x` ~y~ :fire:"
    said = play.says({"contact": evil, "account": "Acme <!channel>", "tier": "gold"})
    assert re.findall("<.*?>", linked(said)) == ["<https://wiki.example/gold_plan>"]
    assert said.startswith("*Ask* Jo https")
    assert not set("*_`~:") & set(said.removeprefix("*Ask* ").split(" about ")[0])
    assert play.says({"contact": "jo_ann@acme.example"}).startswith("*Ask* jo_ann@acme.example about")


def test_a_reason_for_leaving_chooses_the_step(run: Run) -> None:
    run.apply(
        bills("subscription.started", at(0)),
        bills("subscription.cancel_scheduled", at(1), effective_at=at(30), reason="Too expensive"),
    )
    (opened,) = run.transitions
    assert opened.playbook is not None
    assert "smaller plan" in opened.playbook
    assert run.engine.picture(run.account, at(2)).alerts[0].playbook == opened.playbook
