"""The buttons under a message about an account, and the command that pressing one of them gives.

What a button is for stands in the button itself: the account and the alert, or all of its alerts. A press is known by
its user and by Slack's own time of it, so that the same press, however often and to whomever it is told, gives the same
command.
"""

import re
from collections.abc import Sequence
from enum import StrEnum
from typing import Annotated, Any, Final, Literal, NamedTuple

import orjson
from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError
from slack_sdk.models.blocks import ActionsBlock, ButtonElement, PlainTextObject

from alerting.message import Block
from alerting.notification import Notification
from alerting.threads import others_open
from schemas.alerts import AlertId, AlertState, Kind, Resolution
from schemas.base import AccountId
from schemas.commands import COMMAND, Command
from schemas.instants import EARLIEST, LATEST

PREFIX: Final = "slackwater."
"""Of the buttons' action ids."""
ALL: Final = "*"
"""In place of an alert: all of the account's."""
SNOOZE_MS: Final = 7 * 86_400_000
_CHANNEL: Final = re.compile(r"[CDG][A-Z0-9]{1,30}")
_PRESS_ID: Final = re.compile(r"slack-(?P<user>[UW][A-Z0-9]+)-(?P<channel>[CDG][A-Z0-9]+)-\d+\.\d+-[a-z_]+")


class Button(StrEnum):
    """What can be pressed; also the label of a metric."""

    ACKNOWLEDGE = "acknowledge"
    SNOOZE = "snooze"
    FALSE_ALARM = "false_alarm"
    SAVED = "saved"
    LOST = "lost"


_LABELS: Final = {
    Button.ACKNOWLEDGE: "Acknowledge",
    Button.SNOOZE: "Snooze 7 days",
    Button.FALSE_ALARM: "Not a risk",
    Button.SAVED: "Saved",
    Button.LOST: "Lost",
}
_OUTCOMES: Final = (Button.FALSE_ALARM, Button.SAVED, Button.LOST)


def buttons_of(alerts: Sequence[Notification]) -> tuple[Button, ...]:
    """Those that make sense under a message about these alerts of one account, and what it names as open besides. How
    it ended can be said afterwards, too, but of an account that is lost; an alert on the fleet has no such end."""
    others = others_open(alerts)
    transitions = [each.transition for each in alerts]
    states = {each.state for each in transitions} | ({AlertState.FIRING} if others else set())
    buttons = [Button.ACKNOWLEDGE] if states & {AlertState.FIRING, AlertState.SNOOZED} else []
    if states & {AlertState.FIRING, AlertState.ACKNOWLEDGED}:
        buttons.append(Button.SNOOZE)
    lost = not buttons and any(each.resolution is Resolution.LOST for each in transitions)
    fleet = any(each.kind is Kind.TELEMETRY_STALLED for each in transitions)
    return tuple(buttons) if lost or fleet else (*buttons, *_OUTCOMES)


def button_row(alerts: Sequence[Notification]) -> tuple[Block, ...]:
    """The block that has them; none where there is no button. They are for the one alert, or for all of the account's
    where the message is about several or names others as open."""
    first = alerts[0].transition
    about = first.alert_id if len(alerts) == 1 and not others_open(alerts) else ALL
    value = orjson.dumps([first.account_id, about]).decode()
    elements = [
        ButtonElement(
            text=PlainTextObject(text=_LABELS[button], emoji=False),
            action_id=PREFIX + button.value,
            value=value,
            style="primary" if button is Button.ACKNOWLEDGE else None,
        )
        for button in buttons_of(alerts)
    ]
    return (ActionsBlock(elements=elements).to_dict(),) if elements else ()


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)


class _User(_Part):
    id: Annotated[str, Field(pattern=r"^[UW][A-Z0-9]{1,30}$")]
    username: str = ""


class _Action(_Part):
    action_id: str
    action_ts: Annotated[str, Field(pattern=r"^\d{1,11}\.\d{3,9}$")]
    value: str = ""


class _Container(_Part):
    channel_id: str = ""


class _Payload(_Part):
    type: str
    user: _User
    container: _Container = _Container()
    actions: Annotated[tuple[_Action, ...], Field(min_length=1, max_length=1)]
    response_url: SecretStr | None = None


class _Value(_Part):
    account_id: AccountId
    about: AlertId | Literal["*"]


class Press(_Part):
    """Somebody pressed a button. `about`: the alert, or `ALL`. `at`: Slack's time of it, ms. `response_url`: where that
    person can be answered."""

    user_id: str
    user_name: str
    button: Button
    account_id: str
    about: str
    at: int
    press_id: str
    response_url: SecretStr | None


def press_of(payload: object) -> Press | None:
    """The press that a `block_actions` payload tells of (https://docs.slack.dev/reference/interaction-payloads); None
    for any other payload, and for buttons that are none of slackwater's."""
    try:
        read = _Payload.model_validate(payload)
        action = read.actions[0]
        account_id, about = orjson.loads(action.value)
        value = _Value(account_id=account_id, about=about)
        seconds, _, fraction = action.action_ts.partition(".")
        at = int(seconds) * 1_000 + int(fraction[:3])
        where = [each for each in (read.container.channel_id,) if _CHANNEL.fullmatch(each)]
        press = Press(
            user_id=read.user.id,
            user_name=read.user.username,
            button=Button(action.action_id.removeprefix(PREFIX)),
            account_id=value.account_id,
            about=value.about,
            at=at,
            press_id="-".join(["slack", read.user.id, *where, action.action_ts]),
            response_url=read.response_url,
        )
    except (ValidationError, ValueError, TypeError):
        return None
    ours = read.type == "block_actions" and action.action_id.startswith(PREFIX)
    return press if ours and EARLIEST <= at <= LATEST - SNOOZE_MS else None


class Presser(NamedTuple):
    """Who pressed, and in which channel: Slack's ids."""

    user_id: str
    channel: str


def presser_of(command_id: str) -> Presser | None:
    """Who gave a command by a button, and where; None: it was given otherwise, or it is not known where.

    >>> presser_of("slack-U012AB3CD-C0123456789-1740000000.000100-acknowledge")
    Presser(user_id='U012AB3CD', channel='C0123456789')
    """
    found = _PRESS_ID.fullmatch(command_id)
    return Presser(found["user"], found["channel"]) if found else None


def command_of(press: Press, by: str) -> Command:
    """The command of a press, given by `by`. The same press gives the same command."""
    fields: dict[str, Any]
    match press.button:
        case Button.ACKNOWLEDGE:
            fields = {"command": "acknowledge"}
        case Button.SNOOZE:
            fields = {"command": "snooze", "until": press.at + SNOOZE_MS}
        case _:
            fields = {"command": "record_outcome", "outcome": press.button.value}
    named = {"command_id": f"{press.press_id}-{press.button}", "account_id": press.account_id}
    target = {"kind" if press.about == ALL else "alert_id": press.about}
    return COMMAND.validate_python(named | target | {"by": by, "at": press.at} | fields)
