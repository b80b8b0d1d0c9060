"""What a review found: late facts, accounts that come back, terms of long ago."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from pydantic import ValidationError

from schemas.alerts import Kind, Resolution
from streams.detection.config import DetectionConfig
from streams.detection.engine import Engine
from streams.detection.facets import BREADTH, USER
from streams.detection.state import Account, head_of
from streams.runtime.settings import Settings
from tests.unit.detection.building import Run, at, bills, command, says, update, usage

START = bills("subscription.started", at(1), seats=40)


def begun(**settings: object) -> Run:
    run = Run(Engine(DetectionConfig(**settings)))  # type: ignore[arg-type]
    run.close(at(0))
    return run


def test_fewer_seats_that_are_told_late_are_over_in_time() -> None:
    run = begun()
    run.apply(START, bills("payment.succeeded", at(80)))
    run.apply(bills("subscription.updated", at(5), arrives=at(81), seats=12))
    assert run.changes() == ["seats_reduced opened critical", "seats_reduced resolved critical"]


def test_a_renewal_that_is_there_no_more_is_at_risk_no_more() -> None:
    run = begun()
    run.apply(update(at(1), renewal_at=at(200)))
    for day in range(1, 120):
        run.apply(*(usage(at(day, 9 + n)) for n in range(4)))
    run.close(at(150))
    assert "renewal_at_risk opened warning" in run.changes()
    run.apply(update(at(151), renewal_at=None))
    assert run.changes()[-1] == "renewal_at_risk resolved warning"


def test_terms_that_were_lowered_long_ago_are_what_later_ones_are_compared_with() -> None:
    run = begun()
    run.apply(START, bills("subscription.updated", at(5), seats=12, mrr_minor=5_000))
    run.apply(bills("subscription.updated", at(700), seats=11, mrr_minor=4_900))
    assert run.transitions[-1].headline == "Seats went from 12 to 11."
    assert run.changes()[-1] == "seats_reduced opened warning"


def test_an_old_complaint_is_not_told_behind_what_was_said_since() -> None:
    run = begun()
    run.apply(START, bills("payment.failed", at(60)))
    assert run.apply(says("nps", at(5), arrives=at(61), score=0)) == []


def test_nobody_speaks_for_another_who_is_not_named_but_who_is_happy() -> None:
    run = begun()
    run.apply(says("nps", at(5), score=0))
    assert run.apply(says("nps", at(6), score=7)) == []
    run.apply(says("nps", at(7), score=1), says("nps", at(8), score=2), says("nps", at(8), score=2))
    assert run.changes()[-1] == "negative_feedback escalated critical"
    assert run.account.feedback is not None
    assert len(run.account.feedback.scores) == 4
    assert run.apply(says("nps", at(9), score=9))[-1].change == "resolved"


def test_what_was_due_while_an_account_was_lost_is_not_told_when_it_is_back() -> None:
    run = begun(key_actions=("save",))
    run.apply(update(at(1), started_at=at(1)), bills("subscription.started", at(1), trial=True))
    run.apply(bills("subscription.ended", at(10)))
    run.close(at(199))
    assert run.apply(bills("subscription.started", at(200))) == []


def test_a_champion_of_the_old_contract_is_not_missed_in_the_new_one() -> None:
    run = begun()
    run.apply(START, update(at(1), champions=["user-0"]))
    run.uses(range(1, 40))
    run.apply(update(at(40), contacts_left=["user-0"]), bills("subscription.ended", at(43)))
    assert run.apply(bills("subscription.started", at(400))) == []
    assert run.account.champions is not None
    assert run.account.champions.named


@pytest.mark.parametrize(
    "bad", [{"reason_keywords": "?=price"}, {"reason_keywords": "budget=price, --=quality"}, {"let_go": "price:"}]
)
def test_a_rule_that_would_cover_everybody_is_refused(bad: dict[str, str]) -> None:
    with pytest.raises(ValidationError, match="should be"):
        Settings.model_validate(bad)


def test_more_people_than_are_remembered_are_not_counted_again() -> None:
    run = begun(users_kept=8)
    for day in range(60):
        run.apply(*(usage(at(day, 9) + user, user=f"user-{user}") for user in range(20)))
    breadth = run.account.habits.facet(BREADTH, run.account.row)
    assert breadth is not None
    assert 7 <= breadth.rate(run.engine.rules.fleet(run.account.closed)) * 7 / USER <= 9


def active(run: Run, days: range) -> None:
    for day in days:
        run.apply(*(usage(at(day, 9 + n)) for n in range(4)))


def test_a_renewal_that_is_past_hides_no_other_one() -> None:
    run = begun()
    yearly: dict[str, Any] = {"interval": "year", "current_period_end": at(100)}
    run.apply(bills("subscription.started", at(0), renewal_at=at(100), **yearly))
    run.apply(bills("subscription.renewed", at(100), interval="year", current_period_end=at(465)))
    active(run, range(280, 400))
    run.close(at(430))
    assert "renewal_at_risk opened warning" in run.changes()
    assert run.engine.picture(run.account, at(430)).billing.renewal_at == at(465)
    two = begun()
    two.apply(bills("subscription.started", at(0), renewal_at=at(50), **yearly))
    two.apply(bills("subscription.started", at(0), subscription_id="b", renewal_at=at(200), **yearly))
    active(two, range(120))
    two.close(at(150))
    assert "renewal_at_risk opened warning" in two.changes()


def test_an_alert_that_waits_to_be_judged_is_not_forgotten_over_a_later_one() -> None:
    run = begun()
    run.apply(bills("subscription.started", at(0), interval="year", renewal_at=at(300)))
    run.apply(says("nps", at(2), user_id="a", score=2), command("acknowledge", at(3)))
    run.apply(says("nps", at(4), user_id="a", score=10))
    run.apply(says("nps", at(60), user_id="b", score=2), says("nps", at(61), user_id="b", score=10))
    run.close(at(340))
    counted = {(each.kind, each.outcome.value): each.times for each in run.account.outcomes.counted()}
    assert counted == {("negative_feedback", "saved"): 1, ("negative_feedback", "recovered_unaided"): 1}


def test_a_record_that_goes_on_naming_whom_has_come_back_reports_nobody() -> None:
    run = begun()
    run.apply(update(at(0), champions=["user-0"]))
    for day in range(1, 10):
        run.apply(*(usage(at(day, 9 + n), user=f"user-{n}") for n in range(3)))
        run.apply(update(at(day, 20), champions=["user-0"], contacts_left=["user-0"]))
    assert run.changes() == ["champion_gone opened critical", "champion_gone resolved critical"]
    run.apply(update(at(10), champions=["user-0"], contacts_left=[]))
    run.apply(update(at(11), champions=["user-0"], contacts_left=["user-0"]))
    assert run.changes()[-1] == "champion_gone opened critical"


def test_the_companys_own_accounts_are_no_losses() -> None:
    run = begun()
    run.apply(update(at(0), internal=True), START, bills("subscription.ended", at(9)))
    assert not run.engine.tally.lost
    assert run.account.outcomes.counted() == []
    late = begun()
    late.apply(START, bills("payment.failed", at(2)), bills("payment.succeeded", at(3)), update(at(4), internal=True))
    late.close(at(60))
    assert late.account.outcomes.counted() == []


def test_a_subscription_that_was_there_all_along_says_that_nothing_was_lost() -> None:
    run = begun()
    run.apply(START)
    active(run, range(1, 40))
    rate = run.account.habit.rate(run.engine.rules.fleet(run.account.closed))
    run.apply(bills("subscription.ended", at(40), voluntary=True))
    run.apply(bills("subscription.started", at(5), arrives=at(41), subscription_id="b"))
    assert run.account.loss is None
    assert run.account.outcomes.counted() == []
    assert run.account.habit.rate(run.engine.rules.fleet(run.account.closed)) == pytest.approx(rate, rel=0.1)


def test_a_trial_that_is_paid_for_after_the_end_of_another_brings_the_account_back() -> None:
    run = begun()
    run.apply(START, bills("subscription.started", at(2), subscription_id="b", trial=True))
    run.apply(bills("subscription.ended", at(10)))
    assert run.account.loss is not None
    run.apply(bills("subscription.updated", at(11), subscription_id="b", trial=False))
    assert run.account.loss is None


def test_a_word_on_the_whole_account_leaves_alone_what_was_judged_long_ago() -> None:
    run = begun()
    run.apply(START, bills("payment.failed", at(2)), bills("payment.succeeded", at(3)))
    run.close(at(100))
    run.apply(bills("subscription.cancel_scheduled", at(200), effective_at=at(230)))
    run.apply(bills("subscription.cancel_reverted", at(201)), command("record_outcome", at(202), outcome="saved"))
    counted = {(each.kind, each.outcome.value): each.times for each in run.account.outcomes.counted()}
    assert counted == {("payment_failed", "recovered_unaided"): 1, ("cancel_scheduled", "saved"): 1}


def test_an_action_on_a_watch_counts_when_it_becomes_more() -> None:
    run = begun()
    run.apply(START)
    active(run, range(1, 90))
    run.close(next(at(day) for day in range(90, 100) if run.close(at(day)) or run.transitions))
    assert run.transitions[-1].severity == "watch"
    run.apply(command("record_action", run.transitions[-1].at + 1, action="call", result="accepted"))
    run.close(at(110))
    active(run, range(110, 160))
    run.close(at(160))
    assert [each.outcome.value for each in run.account.outcomes.counted()] == ["saved"]


def test_what_an_older_version_stored_is_looked_at_once_and_its_alerts_had_been_told() -> None:
    run = begun()
    run.apply(bills("subscription.started", at(0)), bills("payment.failed", at(1)))
    _, *values = orjson.loads(run.account.encode())
    values[0], values[11] = None, [alert[:12] for alert in values[11]]
    stored = orjson.dumps([4, *values[:14]])
    assert head_of(stored).due == 0
    read = Account.decode("acme", stored)
    assert read.alerts[Kind.PAYMENT_FAILED].warned_at == at(1)


@pytest.mark.parametrize(
    ("fields", "resolution"),
    [
        ({"mrr_minor": 10_000, "currency": "USD"}, Resolution.EXPIRED),
        ({"mrr_minor": 10_000}, Resolution.REVERTED),
    ],
)
def test_a_lower_price_still_stands_when_it_is_paid_in_another_currency(
    fields: dict[str, Any], resolution: Resolution
) -> None:
    run = begun()
    run.apply(bills("subscription.started", at(0)), bills("subscription.updated", at(1), mrr_minor=4_000))
    run.apply(bills("subscription.updated", at(5), **fields))
    assert run.changes() == ["downgrade opened critical", "downgrade resolved critical"]
    assert run.transitions[-1].resolution is resolution
