"""Segment messages: https://segment.com/docs/connections/spec/"""

import re
from typing import Any, Final

from schemas.events import InputTopic
from schemas.formats.draft import Draft
from schemas.formats.fields import Fields, invalid, missing
from schemas.formats.options import Lookup
from schemas.formats.outcome import Ignored, Outcome
from schemas.instants import parse_instant

TYPES: Final = frozenset({"track", "page", "screen", "identify", "group", "alias"})
USAGE: Final = ("track", "page", "screen")
TIMES: Final = ("timestamp", "originalTimestamp")
"""`timestamp` is corrected for the clock of the device, by Segment; a message that has not passed through Segment may
have only what that clock said. `sentAt` and `receivedAt` say when it travelled, which for a device that was offline is
days later: they are not used."""
TRAITS: Final = {"name": "name", "plan": "plan", "segment": "industry"}
"""Native field of an account update to the group's trait."""
_DAY: Final = re.compile(r"\d{4}-\d\d-\d\d")
_SOURCE_LENGTH: Final = 64


def is_segment(value: dict[str, Any]) -> bool:
    """Whether an object looks like a Segment message. No native event has one of these types."""
    kind = value.get("type")
    return isinstance(kind, str) and kind in TYPES and any(name in value for name in ("messageId", "context", *TIMES))


def read_segment(topic: InputTopic, value: dict[str, Any], lookup: Lookup) -> Outcome:
    """A message as an event of the topic. Raises FaultError."""
    message = Fields(value)
    kind = message.text("type")
    if kind not in TYPES:
        raise missing("type") if kind is None else invalid("type", f"must be one of {', '.join(sorted(TYPES))}")
    if topic is InputTopic.USAGE and kind in USAGE:
        return _usage(message, kind, lookup)
    if topic is InputTopic.ACCOUNTS and kind == "group":
        return _group(message)
    return Ignored.OTHER_TYPE


def _usage(message: Fields, kind: str, lookup: Lookup) -> Outcome:
    context = message.object("context")
    if context.values.get("active") is False:
        return Ignored.INACTIVE
    user = message.id("userId")
    account, place = _account(message, lookup)
    if account is None:
        if user is None:
            return Ignored.ANONYMOUS
        raise missing(place)
    draft = Draft(InputTopic.USAGE)
    draft.put("account_id", account, place)
    name = message.text("event" if kind == "track" else "name")
    draft.put("event", name if kind == "track" else f"{kind}:{name or ''}".rstrip(":"), _name_place(kind))
    draft.put("occurred_at", *_time(message))
    draft.put("event_id", message.id("messageId"), "messageId")
    draft.put("user_id", user, "userId")
    library = context.object("library").values.get("name")
    if isinstance(library, str) and 0 < len(library) <= _SOURCE_LENGTH:
        draft.put("source", library, "context.library.name")
    return (draft.event(),)


def _name_place(kind: str) -> str:
    return "event" if kind == "track" else "name"


def _account(message: Fields, lookup: Lookup) -> tuple[str | None, str]:
    """The account by the first of the paths that leads to an id; the first path where none does."""
    for path in lookup.segment:
        *parents, name = path.split(".")
        at: Any = message.values
        for parent in parents:
            at = at.get(parent) if isinstance(at, dict) else None
        if isinstance(at, dict):
            found = Fields(at, ".".join(parents)).id(name)
            if found is not None:
                return found, path
    return None, lookup.segment[0]


def _group(message: Fields) -> Outcome:
    draft = Draft(InputTopic.ACCOUNTS)
    draft.put("account_id", message.id("groupId"), "groupId")
    draft.put("updated_at", *_time(message))
    traits = message.object("traits")
    for field, trait in TRAITS.items():
        draft.put(field, traits.text(trait), traits.place(trait))
    for trait in ("createdAt", "created_at"):
        if trait in traits:
            draft.put("started_at", _moment(traits, trait), traits.place(trait))
    address = traits.object("address")
    draft.put("country", address.text("country"), address.place("country"))
    return (draft.event(),)


def _time(message: Fields) -> tuple[str | None, str]:
    for name in TIMES:
        if name in message:
            return message.text(name), name
    return None, TIMES[0]


def _moment(traits: Fields, trait: str) -> str | None:
    """A time, or a date, which is its beginning in UTC."""
    text = traits.text(trait)
    if text is not None and _DAY.fullmatch(text):
        return f"{text}T00:00:00Z"
    if text is not None:
        try:
            parse_instant(text)
        except ValueError as error:
            raise invalid(traits.place(trait), f"{error}, or a date like 2025-03-01") from None
    return text
