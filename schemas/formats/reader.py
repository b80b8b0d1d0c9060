"""A record of any format to native events, or why it holds none."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any, Final

from schemas.codec import MAX_BYTES, MAX_DEPTH, parse, validate
from schemas.errors import Rejected
from schemas.events import InputTopic
from schemas.formats import cloudevents
from schemas.formats.cloudevents import Enveloped, Headers
from schemas.formats.fields import FaultError
from schemas.formats.options import Format, Lookup
from schemas.formats.outcome import Outcome
from schemas.formats.segment import is_segment, read_segment
from schemas.formats.stripe.event import is_stripe, read_stripe

FORMATS: Final[dict[InputTopic, tuple[Format, ...]]] = {
    InputTopic.USAGE: (Format.NATIVE, Format.SEGMENT, Format.CLOUDEVENTS, Format.AUTO),
    InputTopic.BILLING: (Format.NATIVE, Format.STRIPE, Format.CLOUDEVENTS, Format.AUTO),
    InputTopic.ACCOUNTS: tuple(Format),
    InputTopic.FEEDBACK: (Format.NATIVE, Format.CLOUDEVENTS, Format.AUTO),
    InputTopic.COMMANDS: (Format.NATIVE,),
}
"""Those that say anything on a topic."""


def read(
    topic: InputTopic,
    form: Format,
    raw: bytes | None,
    headers: Headers = (),
    *,
    lookup: Lookup = Lookup(),  # noqa: B008 - frozen
    max_bytes: int = MAX_BYTES,
    max_depth: int = MAX_DEPTH,
) -> Outcome:
    """The native events that a record's value holds, all at one time and of one account; or why it holds none. Never
    raises, whatever the bytes. Bounds as in `schemas.codec.decode`.

    >>> read(InputTopic.USAGE, Format.SEGMENT, b'{"type": "track", "event": "Login", "userId": "u-1"}')
    Rejected(reason=<Reason.MISSING_FIELD: 'missing_field'>, field='context.groupId', detail='is missing or null')
    """
    value = parse(raw, max_bytes=max_bytes, max_depth=max_depth)
    if isinstance(value, Rejected):
        return value
    try:
        if form is Format.AUTO:
            form = _shape(value, headers)
        if form is Format.CLOUDEVENTS:
            binary = cloudevents.is_binary(headers)
            opened = (
                cloudevents.open_binary(value, headers)
                if binary
                else cloudevents.open_structured(value, max_depth=max_depth)
            )
            return _inside(topic, opened, lookup)
        return _READERS[form](topic, value, lookup)
    except FaultError as fault:
        return fault.rejected


def _native(topic: InputTopic, value: dict[str, Any], lookup: Lookup) -> Outcome:  # noqa: ARG001 - as the others
    event = validate(topic, value)
    return event if isinstance(event, Rejected) else (event,)


_READERS: Final[dict[Format, Callable[[InputTopic, dict[str, Any], Lookup], Outcome]]] = {
    Format.NATIVE: _native,
    Format.SEGMENT: read_segment,
    Format.STRIPE: read_stripe,
}


def _shape(value: dict[str, Any], headers: Headers) -> Format:
    if cloudevents.is_binary(headers) or cloudevents.is_structured(value):
        return Format.CLOUDEVENTS
    return _shape_inside(value)


def _shape_inside(value: dict[str, Any]) -> Format:
    if is_stripe(value):
        return Format.STRIPE
    return Format.SEGMENT if is_segment(value) else Format.NATIVE


def _inside(topic: InputTopic, opened: Enveloped, lookup: Lookup) -> Outcome:
    """What a CloudEvent carries. Fields at fault are named from the outside."""
    form = _shape_inside(opened.data)
    try:
        value = cloudevents.filled(topic, opened) if form is Format.NATIVE else opened.data
        found = _READERS[form](topic, value, lookup)
    except FaultError as fault:
        found = fault.rejected
    if isinstance(found, Rejected) and opened.place:
        field = opened.place if found.field is None else f"{opened.place}.{found.field}"
        return replace(found, field=field)
    return found
