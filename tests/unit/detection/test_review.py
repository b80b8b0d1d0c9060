"""What a review found: late facts, accounts that come back, terms of long ago."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from streams.detection.config import DetectionConfig
from streams.detection.engine import Engine
from streams.detection.facets import BREADTH, USER
from streams.runtime.settings import Settings
from tests.unit.detection.building import Run, at, bills, says, update, usage

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
        Settings(**bad)  # type: ignore[arg-type]


def test_more_people_than_are_remembered_are_not_counted_again() -> None:
    run = begun(users_kept=8)
    for day in range(60):
        run.apply(*(usage(at(day, 9) + user, user=f"user-{user}") for user in range(20)))
    breadth = run.account.habits.facet(BREADTH, run.account.row)
    assert breadth is not None
    assert 7 <= breadth.rate(run.engine.rules.fleet(run.account.closed)) * 7 / USER <= 9
