"""What people do about alerts."""

from __future__ import annotations

from typing import Any

import pytest

from schemas.alerts import Kind
from streams.detection.habits import ACTED, SILENCE_OVER
from tests.unit.detection.building import Run, at, bills, command, update


@pytest.fixture
def alerted(run: Run) -> Run:
    """An account with a failed payment (critical) and a scheduled cancellation (warning)."""
    run.apply(
        bills("subscription.started", at(0)),
        bills("payment.failed", at(1)),
        bills("subscription.cancel_scheduled", at(1), effective_at=at(40)),
    )
    run.transitions.clear()
    return run


def test_a_command_for_the_whole_account_reaches_every_open_alert(alerted: Run) -> None:
    found = alerted.apply(command("acknowledge", at(2)))
    assert [(each.kind.value, each.state.value, each.by) for each in found] == [
        ("payment_failed", "acknowledged", "ana"),
        ("cancel_scheduled", "acknowledged", "ana"),
    ]


def test_a_command_for_one_kind_or_one_alert_reaches_only_that(alerted: Run) -> None:
    alerted.apply(command("acknowledge", at(2), kind="cancel_scheduled"))
    (payment,) = [alert for alert in alerted.account.alerts.values() if alert.kind == "payment_failed"]
    alerted.apply(command("acknowledge", at(2), id_="c-2", alert_id=payment.alert_id))
    assert alerted.changes() == ["cancel_scheduled acknowledged warning", "payment_failed acknowledged critical"]


def test_the_same_command_twice_is_carried_out_once(alerted: Run) -> None:
    alerted.apply(command("acknowledge", at(2), kind="payment_failed"))
    assert alerted.apply(command("acknowledge", at(2), kind="payment_failed", arrives=at(3))) == []
    assert alerted.refusals == []
    assert alerted.engine.tally.duplicates == 1


def test_a_snooze_ends_at_its_time_and_by_command(alerted: Run) -> None:
    alerted.apply(command("snooze", at(2), kind="payment_failed", until=at(5)))
    alerted.apply(command("snooze", at(2), id_="c-2", kind="cancel_scheduled", until=at(9)))
    assert alerted.account.due == at(5)
    alerted.apply(command("unsnooze", at(4), id_="c-3", kind="cancel_scheduled"))
    alerted.close(at(20))
    assert [(each.kind.value, each.change.value, each.at) for each in alerted.transitions[2:]] == [
        ("cancel_scheduled", "woken", at(4)),
        ("payment_failed", "woken", at(5)),
    ]


@pytest.mark.parametrize(
    ("name", "fields", "field", "detail"),
    [
        ("acknowledge", {"kind": "usage_drop"}, "kind", "no open alert of kind usage_drop"),
        ("acknowledge", {"alert_id": "0123456789abcdef"}, "alert_id", "no such alert"),
        ("unsnooze", {"kind": "payment_failed"}, "command", "firing cannot be woken"),
        ("snooze", {"until": at(2.5), "arrives": at(3)}, "until", "is past"),
        ("record_action", {"kind": "usage_drop", "action": "call", "result": "offered"}, "kind", "no such alert"),
        ("record_outcome", {"alert_id": "0123456789abcdef", "outcome": "saved"}, "alert_id", "no such alert"),
        (
            "record_action",
            {"alert_id": "0123456789abcdef", "kind": "*", "action": "call", "result": "offered"},
            "alert_id",
            "no such alert",
        ),
    ],
)
def test_an_impossible_command_is_refused_with_the_reason_and_changes_nothing(
    alerted: Run, name: str, fields: dict[str, Any], field: str, detail: str
) -> None:
    before = list(alerted.account.alerts.values())
    assert alerted.apply(command(name, at(2), **fields)) == []
    (refusal,) = alerted.refusals
    assert (refusal.reason, refusal.field) == ("impossible_command", field)
    assert detail in refusal.detail
    assert list(alerted.account.alerts.values()) == before
    assert alerted.engine.tally.refused == 1


def test_a_command_about_a_resolved_alert_says_so(alerted: Run) -> None:
    (payment,) = [alert for alert in alerted.account.alerts.values() if alert.kind == "payment_failed"]
    alerted.apply(bills("payment.succeeded", at(2)), command("acknowledge", at(3), alert_id=payment.alert_id))
    assert alerted.refusals[0].detail == "the alert is already resolved"


def test_for_the_whole_account_it_is_enough_that_one_alert_could_be_changed(alerted: Run) -> None:
    alerted.apply(command("acknowledge", at(2), kind="payment_failed"), command("acknowledge", at(3), id_="c-2"))
    assert alerted.refusals == []
    assert alerted.changes()[-1] == "cancel_scheduled acknowledged warning"
    alerted.apply(command("acknowledge", at(4), id_="c-3"))
    assert alerted.refusals[0].detail == "an alert that is acknowledged cannot be acknowledged"


def test_actions_and_outcomes_go_to_the_timeline(alerted: Run) -> None:
    alerted.apply(
        command("record_action", at(2), kind="payment_failed", action="discount", result="accepted", cost_minor=500),
        command(
            "record_outcome", at(3), id_="c-2", kind="payment_failed", outcome="false_alarm", note="Paid by cheque."
        ),
    )
    action, outcome = alerted.account.timeline.entries[-2:]
    assert (action.code, action.by, action.kind) == ("action", "ana", "payment_failed")
    assert action.text == "discount: accepted, at a cost of 5.00 EUR."
    assert outcome.text == "Outcome: false alarm. Paid by cheque."
    assert alerted.transitions == []


def test_an_outcome_of_an_alert_that_is_over_may_still_be_recorded(alerted: Run) -> None:
    alerted.apply(bills("payment.succeeded", at(2)))
    alerted.apply(command("record_outcome", at(3), kind="payment_failed", outcome="saved"))
    assert alerted.refusals == []
    assert alerted.account.timeline.entries[-1].code == "outcome"


@pytest.mark.parametrize(
    ("name", "fields", "noted"),
    [
        ("acknowledge", {}, True),
        ("record_action", {"action": "call", "result": "accepted"}, True),
        ("snooze", {"until": at(130)}, False),
        ("record_outcome", {"outcome": "false_alarm"}, False),
    ],
)
def test_whoever_acts_on_a_silence_is_noted_beside_its_habits(
    run: Run, name: str, fields: dict[str, Any], noted: bool
) -> None:
    run.uses(range(90))
    run.apply(command(name, at(89, 23), **fields))
    assert run.account.habits.get(run.account.row, ACTED) == 0, "there is no alert yet"
    run.close(at(120))
    assert run.account.alert(Kind.USAGE_SILENCE) is not None
    run.apply(command(name, at(120, 1), id_="c-2", **fields))
    assert run.account.habits.get(run.account.row, ACTED) == noted
    run.uses(range(121, 130))
    run.close(at(131))
    assert bool(run.account.habits.get(run.account.row, ACTED)) == (noted and run.account.habit.score > 0)


def test_a_fall_that_is_acknowledged_says_nothing_of_a_silence_in_it(run: Run) -> None:
    run.uses(range(90), a_day=8)
    day = 90
    while run.account.alert(Kind.USAGE_DROP) is None:
        run.uses(range(day, day + 1), a_day=1)
        run.close(at(day + 1, 1))
        day += 1
    run.apply(command("acknowledge", at(day, 2), kind="usage_drop"))
    assert run.account.habits.get(run.account.row, ACTED) == 1
    run.uses(range(day, day + 7), a_day=1)
    run.close(at(day + 7, 1))
    assert run.account.habits.get(run.account.row, ACTED) == SILENCE_OVER
    run.apply(update(at(day + 7, 2), name="Acme"))
    assert run.account.habits.get(run.account.row, ACTED) == SILENCE_OVER, "noted anew"
