"""What is kept of what people say."""

from __future__ import annotations

from random import Random

import orjson
import pytest

from streams.detection.config import DetectionConfig
from streams.detection.engine import Engine
from streams.detection.feedback import Feedback, Survey
from streams.detection.habits import Habits
from streams.detection.state import Account
from tests.unit.detection.building import Run, at, bills, says


def run(*events: object, **config: object) -> Run:
    it = Run(Engine(DetectionConfig(**config)))  # type: ignore[arg-type]
    it.apply(bills("subscription.started", at(0), current_period_end=at(400)), *events)  # type: ignore[arg-type]
    return it


def lines(it: Run) -> list[str]:
    return [entry.text for entry in it.account.timeline.entries if entry.code.startswith("feedback.")]


def test_an_exit_survey_is_kept_with_the_account_however_late_it_comes() -> None:
    it = run(bills("subscription.ended", at(10)), says("exit_survey", at(40), reason="price", comment="Too dear."))
    account = Account.decode("acme", it.account.encode())
    assert account.feedback is not None
    assert account.feedback.survey == Survey(at(40), "price", "Too dear.")
    assert lines(it) == ["Exit survey: price. “Too dear.”"]
    assert account.loss is not None
    assert (account.loss.reason, account.loss.comment) == ("price", "Too dear.")
    it.apply(says("exit_survey", at(39), arrives=at(41), reason="other"))
    assert it.account.feedback is not None
    assert it.account.feedback.survey == account.feedback.survey
    assert it.engine.tally.outdated == 1


def test_a_survey_says_why_an_account_is_lost_only_where_nothing_else_does() -> None:
    survey = says("exit_survey", at(5), reason="price", comment="Too dear.")
    for ended, reason in (
        (bills("subscription.ended", at(9)), "price"),
        (bills("subscription.ended", at(9), reason="merged"), "merged"),
    ):
        loss = run(survey, ended).account.loss
        assert loss is not None
        assert loss.reason == reason


def test_comments_are_dropped_where_the_settings_say_so() -> None:
    cancel = bills("subscription.cancel_scheduled", at(1), effective_at=at(20), comment="Too dear.")
    survey = says("exit_survey", at(2), reason="price", comment="Too dear.")
    assert b"Too dear." in run(cancel, survey).account.encode()
    silent = run(cancel, survey, keep_comments=False)
    assert b"Too dear." not in silent.account.encode()
    assert lines(silent) == ["Exit survey: price."]


def test_a_customer_who_comes_back_begins_without_old_complaints() -> None:
    it = run(says("nps", at(1), score=1), says("exit_survey", at(5), reason="price"))
    it.apply(bills("subscription.ended", at(6)), bills("subscription.started", at(9)))
    assert it.account.feedback is None
    it.close(at(60))
    assert [each for each in it.changes() if "opened" in each] == ["negative_feedback opened warning"]


def test_what_is_kept_is_bounded_and_the_unhappy_are_kept_longest() -> None:
    random, feedback = Random(5), Feedback()
    for number in range(500):
        score = says("nps", at(number / 50), score=0 if number < 10 else random.randrange(7, 9)).body
        ticket = says("ticket", at(number / 50), ticket_id=f"t-{number}", status="open" if number < 10 else "solved")
        assert feedback.apply(score, number)  # type: ignore[arg-type]
        assert feedback.apply(ticket.body, None)  # type: ignore[arg-type]
    assert (len(feedback.scores), len(feedback.tickets)) == (16, 20)
    assert sum(each.negative for each in feedback.scores) == 10
    assert sum(each.open for each in feedback.tickets.values()) == 10
    assert feedback.apply(says("nps", at(90), score=8).body, 1)  # type: ignore[arg-type]
    assert feedback.apply(says("ticket", at(90), status="new").body, None)  # type: ignore[arg-type]
    assert (len(feedback.scores), len(feedback.tickets)) == (1, 1)


def test_it_is_the_same_after_the_store() -> None:
    it = run(
        says("nps", at(1), score=1, user_id="kim"),
        says("csat", at(2), score=5),
        says("ticket", at(3), status="escalated", priority="P1"),
        says("exit_survey", at(4), reason="price"),
    )
    feedback = it.account.feedback
    assert feedback is not None
    values = orjson.loads(orjson.dumps(feedback.encode()))
    assert Feedback.decode(values).encode() == feedback.encode()
    assert Account.decode("acme", it.account.encode()).encode() == it.account.encode()
    assert b"kim" not in it.account.encode()


def test_an_account_of_which_nobody_says_anything_is_stored_as_before() -> None:
    stored = run().account.encode()
    assert len(orjson.loads(stored)) == len(orjson.loads(Account("new", Habits()).encode()))
    assert Account.decode("acme", stored).feedback is None


@pytest.mark.parametrize(("key", "same"), [(b"", True), (b"secret", False)])
def test_people_are_known_by_the_key_of_the_settings(key: bytes, same: bool) -> None:
    plain, keyed = (run(says("nps", at(1), score=1, user_id="kim"), user_key=each).account for each in (b"", key))
    assert (plain.encode() == keyed.encode()) is same


def test_a_positive_answer_of_nobody_in_particular_settles_what_anybody_said() -> None:
    it = run(says("nps", at(1), score=1, user_id="kim"), says("csat", at(2), score=4))
    assert it.changes()[-1] == "negative_feedback resolved warning"
    it.apply(says("csat", at(3), score=1), says("nps", at(4), score=9, user_id="kim"))
    assert it.changes()[-1] == "negative_feedback resolved watch"
    it.apply(says("csat", at(5), score=1, user_id="lee"), says("nps", at(6), score=9, user_id="kim"))
    assert it.changes()[-1] == "negative_feedback opened watch"


def test_a_ticket_that_is_opened_anew_is_counted_from_then() -> None:
    it = run(says("ticket", at(0), status="new"), says("ticket", at(2), status="solved"))
    it.apply(says("ticket", at(20), status="open"))
    it.close(at(26.9))
    assert it.changes() == []
    it.close(at(27.1))
    assert it.changes() == ["negative_feedback opened warning"]
    it.close(at(100))
    assert it.changes()[1:] == ["negative_feedback resolved warning"]  # nobody has closed it, and it is told enough
    it.apply(says("ticket", at(101), status="escalated"))
    assert it.changes()[2:] == ["negative_feedback opened critical"]
