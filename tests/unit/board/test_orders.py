"""From a form to a command, and whether it was answered."""

from __future__ import annotations

import json
from typing import Any

import pytest

from schemas.commands import Acknowledge, RecordAction, RecordOutcome, Snooze, Unsnooze
from schemas.picture import AccountPicture
from streams.board.orders import DAY_MS, OrderError, Unanswered, command_of
from tests.unit.board.kit import picture

NOW = 1_780_000_000_000
ALERT = "00000000000000aa"
COMMON: dict[str, Any] = {"command_id": "c-1", "account_id": "acme", "by": "mara", "at": NOW}


def ordered(command: str, currency: str | None = "EUR", **form: str) -> Any:
    return command_of({"command": command, "command_id": "c-1", **form}, "acme", currency, "mara", NOW)


def test_forms_become_commands_of_whoever_is_logged_in() -> None:
    one, all_ = COMMON | {"alert_id": ALERT}, COMMON | {"kind": "*"}
    assert ordered("acknowledge", alert=ALERT, by="tom") == Acknowledge(**one)
    assert ordered("acknowledge", alert="", note=" ") == Acknowledge(**all_)
    assert ordered("snooze", alert=ALERT, days="7") == Snooze(**one, until=NOW + 7 * DAY_MS)
    assert ordered("unsnooze", alert=ALERT) == Unsnooze(**one)
    assert ordered("record_outcome", outcome="false_alarm", note="a test") == RecordOutcome(
        **all_, outcome="false_alarm", note="a test"
    )
    assert ordered("record_action", action=" call ", result="accepted", cost="") == RecordAction(
        **all_, action="call", result="accepted"
    )


@pytest.mark.parametrize(
    ("cost", "currency", "minor"),
    [("200", "EUR", 20_000), ("0.5", "EUR", 50), ("200", "JPY", 200), ("1.234", "KWD", 1_234)],
)
def test_a_cost_is_stated_as_people_do(cost: str, currency: str, minor: int) -> None:
    assert ordered("record_action", currency, action="call", result="offered", cost=cost).cost_minor == minor


@pytest.mark.parametrize(
    ("form", "says"),
    [
        ({"command": "delete"}, "command"),
        ({"command": "snooze", "days": "8"}, "days: should be one of 1, 7, 30"),
        ({"command": "snooze"}, "days: "),
        ({"command": "record_action", "action": "", "result": "offered"}, "the action: "),
        ({"command": "record_action", "action": "x" * 257, "result": "offered"}, "the action: "),
        ({"command": "record_action", "action": "call", "result": "maybe"}, "result: "),
        ({"command": "record_outcome", "outcome": "missed"}, "outcome: "),
        ({"command": "acknowledge", "alert": "../etc"}, "alert_id: "),
        ({"command": "acknowledge", "command_id": ""}, "command_id: "),
        *(
            ({"command": "record_action", "action": "call", "result": "offered", "cost": cost}, "the cost: ")
            for cost in ("-1", "0.001", "many", "NaN", "1e99", "Infinity", "1" * 16, "1e999999")
        ),
    ],
)
def test_what_is_no_command_is_said(form: dict[str, str], says: str) -> None:
    with pytest.raises(OrderError) as caught:
        command_of({"command_id": "c-1", **form}, "acme", "EUR", "mara", NOW)
    assert says in str(caught.value)


def test_a_cost_needs_a_currency() -> None:
    with pytest.raises(OrderError, match="the account has no currency"):
        ordered("record_action", None, action="call", result="offered", cost="1")


def seen(*entries: tuple[str, int]) -> AccountPicture:
    lines = [{"at": "2026-05-30T00:00:00Z", "code": "x", "text": "x", "by": by} for by, _ in entries]
    made = AccountPicture.model_validate_json(json.dumps(picture("acme", timeline=lines)))
    timeline = tuple(entry.model_copy(update={"at": at}) for entry, (_, at) in zip(made.timeline, entries, strict=True))
    return made.model_copy(update={"timeline": timeline})


def test_a_command_is_answered_when_the_timeline_has_it() -> None:
    unanswered = Unanswered()
    unanswered.add(ordered("acknowledge"))
    unanswered.add(ordered("acknowledge"))
    (waiting,) = unanswered.of(seen(("tom", NOW), ("mara", NOW - 1)), NOW + 1_000)
    assert (waiting.words, waiting.late) == ("acknowledge", False)
    (late,) = unanswered.of(seen(), NOW + 61_000)
    assert late.late
    assert unanswered.of(seen(("mara", NOW)), NOW + 61_000) == []


def test_a_command_without_an_answer_is_forgotten_after_a_while() -> None:
    unanswered = Unanswered()
    unanswered.add(ordered("snooze", alert=ALERT, days="1"))
    assert unanswered.of(seen(), NOW + 599_000)[0].words.startswith("snooze until 2026-05-")
    assert unanswered.of(seen(), NOW + 601_000) == []
