"""Buttons say what makes sense, and a press of one is a command, the same whoever hears of it."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alerting.buttons import (
    PREFIX,
    SNOOZE_MS,
    Button,
    Presser,
    button_row,
    buttons_of,
    command_of,
    press_of,
    presser_of,
)
from alerting.message import Message
from schemas.alerts import Change, Kind, OpenAlert, Resolution, Severity
from schemas.commands import COMMAND, Acknowledge, RecordOutcome, Snooze
from tests.examples import examples
from tests.unit.alerting.samples import group, notification
from tests.unit.alerting.slack_limits import assert_slack_accepts
from tests.unit.alerting.test_render_properties import account_ids

ACTION_TS = "1548426417.840180"
PRESSED_AT = 1_548_426_417_840


def payload(button: dict[str, Any], **fields: Any) -> dict[str, Any]:
    """As Slack sends it (https://docs.slack.dev/reference/interaction-payloads/block_actions-payload)."""
    action = {"type": "button", "block_id": "x", "action_ts": ACTION_TS, **button}
    made = {
        "type": "block_actions",
        "user": {"id": "U012AB3CD", "username": "ann", "name": "ann", "team_id": "T1"},
        "trigger_id": "1.2.3",
        "response_url": "https://hooks.slack.com/actions/T1/2/3",
        "actions": [action],
    }
    return made | fields


def pressed(label: Button, **fields: Any) -> dict[str, Any]:
    """The payload of a press on one of the buttons of an alert."""
    (row,) = button_row([notification(**fields)])
    (button,) = [each for each in row["elements"] if each["action_id"] == PREFIX + label.value]
    return payload(button)


@given(account_ids, st.sampled_from(Button))
def test_a_button_names_its_account_and_alert_whatever_they_are_called_and_fits(account: str, button: Button) -> None:
    press = press_of(pressed(button, account_id=account))
    assert press is not None
    assert (press.account_id, press.about, press.button) == (account, "00112233445566aa", button)
    assert_slack_accepts(Message("x", button_row([notification(account_id=account)])))


@pytest.mark.parametrize(
    ("button", "kind", "fields"),
    [
        (Button.ACKNOWLEDGE, Acknowledge, {}),
        (Button.SNOOZE, Snooze, {"until": PRESSED_AT + SNOOZE_MS}),
        (Button.FALSE_ALARM, RecordOutcome, {"outcome": "false_alarm"}),
        (Button.SAVED, RecordOutcome, {"outcome": "saved"}),
        (Button.LOST, RecordOutcome, {"outcome": "lost"}),
    ],
)
def test_a_press_is_a_command_by_whoever_pressed_at_slacks_own_time(
    button: Button, kind: type, fields: dict[str, Any]
) -> None:
    press = press_of(pressed(button))
    assert press is not None
    command = command_of(press, "ann@vendor.example")
    assert isinstance(command, kind)
    assert (command.account_id, command.alert_id, command.by) == ("acme", "00112233445566aa", "ann@vendor.example")
    assert command.at == PRESSED_AT
    assert {name: getattr(command, name) for name in fields} == fields
    assert COMMAND.validate_json(command.model_dump_json(exclude_none=True)) == command


def test_the_same_press_gives_the_same_command_and_another_one_another() -> None:
    def command_id(**changed: Any) -> str:
        press = press_of(pressed(Button.SAVED) | changed)
        assert press is not None
        return command_of(press, "ann").command_id

    again = pressed(Button.SAVED)["actions"][0]
    assert command_id() == command_id(trigger_id="another", response_url="https://hooks.slack.com/other")
    assert command_id() != command_id(user={"id": "U999"})
    assert command_id() != command_id(actions=[again | {"action_ts": "1548426417.840181"}])
    other = press_of(pressed(Button.LOST))
    assert other is not None
    assert command_of(other, "ann").command_id != command_id()


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({}, "acknowledge snooze false_alarm saved lost"),
        ({"change": Change.ACKNOWLEDGED}, "snooze false_alarm saved lost"),
        ({"change": Change.SNOOZED}, "acknowledge false_alarm saved lost"),
        ({"change": Change.RESOLVED, "resolution": Resolution.RECOVERED}, "false_alarm saved lost"),
        ({"change": Change.RESOLVED, "resolution": Resolution.LOST}, ""),
        ({"kind": Kind.TELEMETRY_STALLED}, "acknowledge snooze"),
        ({"kind": Kind.TELEMETRY_STALLED, "change": Change.RESOLVED}, ""),
    ],
)
def test_an_alert_has_the_buttons_of_its_state(fields: dict[str, Any], expected: str) -> None:
    assert " ".join(buttons_of([notification(**fields)])) == expected
    assert len(button_row([notification(**fields)])) == bool(expected)


def test_under_a_message_about_several_alerts_a_button_is_for_all_of_the_account() -> None:
    also = (OpenAlert(kind=Kind.PAUSED, severity=Severity.WARNING),)
    resolved = notification(change=Change.RESOLVED, also_open=also)
    for alerts in (group().alerts, (resolved,)):
        assert buttons_of(alerts)[:2] == (Button.ACKNOWLEDGE, Button.SNOOZE), "one of them is open"
        (row,) = button_row(alerts)
        press = press_of(payload(row["elements"][0]))
        assert press is not None
        command = command_of(press, "ann")
        assert (command.account_id, command.alert_id, command.kind) == ("acme", None, "*")
        assert COMMAND.validate_json(command.model_dump_json(exclude_none=True)) == command


FINE = pressed(Button.SAVED)
ACTION = FINE["actions"][0]


@pytest.mark.parametrize(
    "other",
    [
        None,
        "x",
        [],
        {},
        FINE | {"type": "view_submission"},
        FINE | {"user": None},
        FINE | {"user": {"id": "ann"}},
        FINE | {"actions": []},
        FINE | {"actions": [ACTION, ACTION]},
        FINE | {"actions": [ACTION | {"action_id": "saved"}]},
        FINE | {"actions": [ACTION | {"action_id": "other.saved"}]},
        FINE | {"actions": [ACTION | {"action_id": PREFIX + "delete"}]},
        FINE | {"actions": [ACTION | {"action_ts": "now"}]},
        FINE | {"actions": [ACTION | {"action_ts": "0.000000"}]},
        FINE | {"actions": [ACTION | {"action_ts": "631151999.999000"}]},
        FINE | {"actions": [ACTION | {"action_ts": "4102444799.999999"}]},
        FINE | {"actions": [ACTION | {"action_ts": "99999999999.000"}]},
        FINE | {"actions": [ACTION | {"value": "x"}]},
        FINE | {"actions": [ACTION | {"value": '["acme"]'}]},
        FINE | {"actions": [ACTION | {"value": '{"a":1,"b":2}'}]},
        FINE | {"actions": [ACTION | {"value": '["acme","x"]'}]},
        FINE | {"actions": [ACTION | {"value": '["a\\u0000","00112233445566aa"]'}]},
    ],
)
def test_what_is_none_of_our_buttons_is_no_press(other: object) -> None:
    assert press_of(other) is None


@settings(max_examples=examples(30))
@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(), lambda x: st.lists(x) | st.dictionaries(st.text(), x)
    )
)
def test_no_payload_whatever_is_an_exception(other: object) -> None:
    assert press_of(other) is None


@given(st.integers(0, 99_999_999_999), st.sampled_from(Button))
def test_whatever_time_slack_tells_there_is_a_command_or_no_press(seconds: int, button: Button) -> None:
    given_at = pressed(button)
    action = given_at["actions"][0] | {"action_ts": f"{seconds}.000100"}
    press = press_of(given_at | {"actions": [action]})
    assert press is None or command_of(press, "ann").at == seconds * 1_000


def test_a_command_tells_who_pressed_and_where() -> None:
    given_at = pressed(Button.SAVED)
    for container, expected in (
        ({"channel_id": "C0123456789"}, Presser(given_at["user"]["id"], "C0123456789")),
        ({"channel_id": "#sales-1"}, None),
        ({}, None),
    ):
        press = press_of(given_at | {"container": container})
        assert press is not None
        assert presser_of(command_of(press, "ann").command_id) == expected
    assert presser_of("x-slack-U1AB-C0123456789-1740000000.000100-saved") is None


def test_a_press_does_not_show_where_its_user_is_answered() -> None:
    assert "hooks.slack.com" not in repr(press_of(FINE))
