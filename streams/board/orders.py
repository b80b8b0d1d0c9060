"""What somebody does on a page, as a command; and whether the workers have answered."""

import time
from collections import OrderedDict
from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final, NamedTuple

from pydantic import ValidationError

from alerting.words import minor_digits
from schemas.base import MONEY_LIMIT
from schemas.commands import COMMAND, Command, RecordAction, RecordOutcome, Snooze
from schemas.instants import format_instant
from schemas.picture import AccountPicture

DAY_MS: Final = 86_400_000
SNOOZES: Final = (1, 7, 30)
"""Days."""
_PATIENCE_MS: Final = 60_000
"""So long an answer may take."""
_SHOWN_MS: Final = 600_000
_ACCOUNTS: Final = 1_000
_EACH: Final = 10
_LABELS: Final = {"action": "the action"}


class OrderError(ValueError):
    """A form holds something that no command can be made of; the text says what, and what is allowed."""


def command_of(form: Mapping[str, str], account_id: str, currency: str | None, by: str, now: int) -> Command:
    """The command of a form; `now` in milliseconds. `alert` names an alert, else all of the account's are meant.
    Raises OrderError."""
    given: dict[str, Any] = {
        "command": form.get("command"),
        "command_id": form.get("command_id"),
        "account_id": account_id,
        "by": by,
        "at": format_instant(now),
    }
    given |= {"alert_id": form["alert"]} if form.get("alert") else {"kind": "*"}
    if note := form.get("note", "").strip():
        given["note"] = note
    match given["command"]:
        case "snooze":
            given["until"] = format_instant(now + _days(form.get("days", "")) * DAY_MS)
        case "record_action":
            given |= {"action": form.get("action", "").strip(), "result": form.get("result")}
            if cost := form.get("cost", "").strip():
                given["cost_minor"] = _minor(cost, currency)
        case "record_outcome":
            given["outcome"] = form.get("outcome")
    try:
        return COMMAND.validate_python(given)
    except ValidationError as error:
        problem = error.errors(include_url=False, include_input=False)[0]
        field = str(problem["loc"][-1]) if problem["loc"] else "command"
        raise OrderError(f"{_LABELS.get(field, field)}: {problem['msg']}") from None


def _days(text: str) -> int:
    if text not in map(str, SNOOZES):
        raise OrderError(f"days: should be one of {', '.join(map(str, SNOOZES))}")
    return int(text)


def _minor(text: str, currency: str | None) -> int:
    if currency is None:
        raise OrderError("the cost: the account has no currency to state it in")
    digits = minor_digits(currency)
    try:
        minor = Decimal(text).scaleb(digits)
    except ArithmeticError:  # no number, or one without bounds
        minor = Decimal("NaN")
    if not minor.is_finite() or not 0 <= minor <= MONEY_LIMIT or minor != minor.to_integral_value():
        raise OrderError(f"the cost: should be an amount in {currency}, like 200, with at most {digits} decimals")
    return int(minor)


class Given(NamedTuple):
    """A command that was sent: which, and what it says."""

    command_id: str
    by: str
    at: int
    words: str
    late: bool = False
    """No answer has come in the time that one takes."""


class Unanswered:
    """Commands that were sent from here and are not seen in their account's timeline yet. The last ones of the last
    1,000 accounts, for ten minutes."""

    def __init__(self) -> None:
        self._given: OrderedDict[str, list[Given]] = OrderedDict()

    def add(self, command: Command) -> None:
        """It has been sent. The same again is one."""
        before = self._given.pop(command.account_id, [])
        if all(each.command_id != command.command_id for each in before):
            before = [*before, Given(command.command_id, command.by, command.at, _words(command))]
        self._given[command.account_id] = before[-_EACH:]
        if len(self._given) > _ACCOUNTS:
            self._given.popitem(last=False)

    def of(self, picture: AccountPicture, now: int) -> list[Given]:
        """Those of an account that its picture does not show."""
        seen = {(entry.by, entry.at) for entry in picture.timeline}
        left = [
            each
            for each in self._given.get(picture.account_id, ())
            if (each.by, each.at) not in seen and now - each.at < _SHOWN_MS
        ]
        if not left:
            self._given.pop(picture.account_id, None)
        return [each._replace(late=now - each.at > _PATIENCE_MS) for each in left]


def _words(command: Command) -> str:
    match command:
        case Snooze():
            return f"snooze until {format_instant(command.until)[:10]}"
        case RecordAction():
            return f"record action {command.action}, {command.result}"
        case RecordOutcome():
            return f"record outcome {command.outcome.replace('_', ' ')}"
    return command.command


def now_ms() -> int:
    """The wall clock in milliseconds."""
    return int(time.time() * 1000)
