"""Bytes of an input topic to an event, or to the reason why not; and models back to bytes."""

from collections.abc import Callable
from typing import Any, Final

from pydantic import BaseModel, ValidationError

from schemas.accounts import AccountUpdate
from schemas.base import Model
from schemas.billing import BILLING_CLASSES, BILLING_EVENT
from schemas.commands import COMMAND, COMMAND_CLASSES
from schemas.errors import Reason, Rejected
from schemas.events import InputEvent, InputTopic
from schemas.faults import explain, null_is_absent, wholes
from schemas.feedback import FEEDBACK_CLASSES, FEEDBACK_EVENT
from schemas.instants import SHAPE, time_fields
from schemas.strict_json import parse_object
from schemas.usage import UsageEvent

__all__ = ["MAX_BYTES", "MAX_DEPTH", "InputEvent", "InputTopic", "decode", "encode", "parse", "validate"]

MAX_BYTES: Final = 1 << 20
MAX_DEPTH: Final = 32

_VALIDATE: Final[dict[InputTopic, Callable[[object], InputEvent]]] = {
    InputTopic.USAGE: UsageEvent.__pydantic_validator__.validate_python,
    InputTopic.BILLING: BILLING_EVENT.validator.validate_python,
    InputTopic.ACCOUNTS: AccountUpdate.__pydantic_validator__.validate_python,
    InputTopic.FEEDBACK: FEEDBACK_EVENT.validator.validate_python,
    InputTopic.COMMANDS: COMMAND.validator.validate_python,
}
_DISCRIMINATORS: Final = {InputTopic.BILLING: "type", InputTopic.FEEDBACK: "type", InputTopic.COMMANDS: "command"}
_CLASSES: Final[tuple[type[Model], ...]] = (
    UsageEvent,
    *BILLING_CLASSES,
    AccountUpdate,
    *FEEDBACK_CLASSES,
    *COMMAND_CLASSES,
)
_TIMES: Final[dict[type, tuple[str, ...]]] = {model: time_fields(model) for model in _CLASSES}


def decode(
    topic: InputTopic, raw: bytes | None, *, max_bytes: int = MAX_BYTES, max_depth: int = MAX_DEPTH
) -> InputEvent | Rejected:
    """The event that a record's value holds, or why it holds none. Never raises, whatever the bytes.

    `max_bytes` bounds the value, `max_depth` the nesting of objects and arrays, the outermost counted as 1.

    >>> decode(InputTopic.USAGE, b'{"account_id": "a-1", "event": "login"}')
    Rejected(reason=<Reason.MISSING_FIELD: 'missing_field'>, field='occurred_at', detail='is missing or null')
    """
    value = parse(raw, max_bytes=max_bytes, max_depth=max_depth)
    return value if isinstance(value, Rejected) else validate(topic, value)


def parse(raw: bytes | None, *, max_bytes: int = MAX_BYTES, max_depth: int = MAX_DEPTH) -> dict[str, Any] | Rejected:
    """The JSON object in a record's value, whatever it says, or why there is none. Bounds as in `decode`."""
    if not raw or len(raw) > max_bytes or raw[0] == 0:
        return _unread(raw, max_bytes)
    return parse_object(raw, max_depth)


def validate(topic: InputTopic, value: dict[str, Any]) -> InputEvent | Rejected:
    """The native event that a JSON object is, or why it is none."""
    try:
        event = _VALIDATE[topic](value)
    except ValidationError as error:
        second = _second_look(topic, value, error)
        if isinstance(second, Rejected):
            return second
        event = second
    for name in _TIMES[type(event)]:
        if type(value.get(name)) is int:  # The models take these: inside they are times. In a record they are a guess.
            return Rejected(Reason.INVALID_FIELD, name, f"must be {SHAPE}")
    return event


def _unread(raw: bytes | None, max_bytes: int) -> Rejected:
    if not raw:
        return Rejected(Reason.EMPTY, None, "the record has no value")
    if len(raw) > max_bytes:
        return Rejected(Reason.TOO_LARGE, None, f"{len(raw)} bytes; at most {max_bytes} are read")
    header = "the value starts with a zero byte, as schema-registry serialisers write it: send plain JSON"
    return Rejected(Reason.SCHEMA_REGISTRY, None, header)


def _second_look(topic: InputTopic, value: dict[str, Any], error: ValidationError) -> InputEvent | Rejected:
    """The rarer spellings that are all right are looked for only when the usual ones have failed."""
    discriminator = _DISCRIMINATORS.get(topic)
    faults = error.errors(include_url=False)
    cleared = null_is_absent(value, ("schema_version",) if topic is InputTopic.ACCOUNTS else tuple(value))
    mended = wholes(faults, discriminator)
    if mended or len(cleared) != len(value):
        try:
            return _VALIDATE[topic](cleared | mended)
        except ValidationError as still:
            faults = still.errors(include_url=False)
    return explain(faults[0], value, discriminator)


def encode(model: BaseModel) -> bytes:
    """Compact JSON in UTF-8, in the order of the model's fields. Optional fields that are None are left out; of an
    account update those that were not given, since null says something there."""
    if isinstance(model, AccountUpdate):
        return model.__pydantic_serializer__.to_json(model, exclude_unset=True)
    return model.__pydantic_serializer__.to_json(model, exclude_none=True)
