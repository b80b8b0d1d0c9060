"""A record that was turned away, whole, with the reason and the place it came from."""

from base64 import b64decode, b64encode
from binascii import Error
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, PlainSerializer, WithJsonSchema
from pydantic_core import PydanticCustomError

from schemas.base import Model
from schemas.errors import Reason
from schemas.instants import Instant


def _bytes(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    try:
        return b64decode(value, validate=True)
    except (Error, ValueError) as error:
        raise PydanticCustomError("base64", "must be base64") from error


Base64 = Annotated[
    bytes,
    BeforeValidator(_bytes, json_schema_input_type=str),
    PlainSerializer(lambda raw: b64encode(raw).decode(), return_type=str, when_used="json"),
    WithJsonSchema({"type": "string", "contentEncoding": "base64"}),
]
"""Bytes, in JSON as standard base64 (RFC 4648, section 4)."""


class RecordPlace(Model):
    """Where a record stands in Kafka."""

    topic: str
    partition: Annotated[int, Field(ge=0)]
    offset: Annotated[int, Field(ge=0)]


class RecordHeader(Model):
    """A header of a record."""

    name: str
    value: Base64 | None = None


class DeadLetter(Model):
    """One value of the dead-letter topic."""

    reason: Reason
    field: str | None = None
    detail: str
    origin: RecordPlace
    at: Instant
    """When it was turned away: the record's own timestamp, or the command's time."""
    raw: Base64 | None = None
    """The record's value; absent when that was null."""
    key: Base64 | None = None
    """The record's key; absent when that was null."""
    headers: tuple[RecordHeader, ...] | None = None
    """The record's headers; absent when it had none."""


def dead_letter_headers(letter: DeadLetter) -> list[tuple[str, bytes]]:
    """The headers of the dead letter's record: reason and origin."""
    return [
        ("content-type", b"application/json"),
        ("slackwater-reason", letter.reason.value.encode()),
        ("slackwater-topic", letter.origin.topic.encode()),
        ("slackwater-partition", str(letter.origin.partition).encode()),
        ("slackwater-offset", str(letter.origin.offset).encode()),
    ]
