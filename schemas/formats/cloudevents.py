"""CloudEvents 1.0, structured and binary: https://github.com/cloudevents/spec, the Kafka protocol binding.

The data is a native event, or a Segment or Stripe one. What the data leaves out, the envelope says: `time`, the id
(`source` and `id` together, as only they are unique), and of a usage event its name, `type`.
"""

from base64 import b64decode
from binascii import Error
from collections.abc import Iterable
from hashlib import blake2b
from typing import Any, Final, NamedTuple

from schemas.codec import parse
from schemas.errors import Reason, Rejected
from schemas.events import InputTopic
from schemas.formats.fields import FaultError, Fields, invalid, missing

_PREFIX: Final = "ce_"
_NEEDED: Final = ("id", "source", "type")
_LENGTH: Final = 256

Headers = Iterable[tuple[str, bytes]]


class Enveloped(NamedTuple):
    """What a CloudEvent carries."""

    data: dict[str, Any]
    place: str
    """Where the data stands in the record; empty: it is the record's value."""
    event_id: str
    time: str | None
    type: str


def is_binary(headers: Headers) -> bool:
    """Whether a record is a CloudEvent in binary mode."""
    return any(name == "ce_specversion" for name, _ in headers)


def is_structured(value: dict[str, Any]) -> bool:
    """Whether an object is a CloudEvent in structured mode."""
    return "specversion" in value and "source" in value and "type" in value


def open_binary(value: dict[str, Any], headers: Headers) -> Enveloped:
    """The attributes are headers, the value is the data. Raises FaultError, as the other one does."""
    attributes: dict[str, Any] = {}
    for name, raw in headers:
        if name.startswith(_PREFIX) or name == "content-type":
            try:
                attributes[name] = raw.decode()
            except (UnicodeDecodeError, AttributeError):
                raise FaultError(Reason.NOT_UTF8, name, "the header is not UTF-8") from None
    fields = Fields({name.removeprefix(_PREFIX): each for name, each in attributes.items()})
    _check(fields, _PREFIX, "content-type")
    return _enveloped(fields, value, "")


def open_structured(value: dict[str, Any], *, max_depth: int) -> Enveloped:
    """The attributes and the data are fields of the value."""
    fields = Fields(value)
    _check(fields, "", "datacontenttype")
    if "data_base64" in fields:
        try:
            raw = b64decode(fields.text("data_base64") or "", validate=True)
        except (Error, ValueError):
            raise invalid("data_base64", "must be base64") from None
        data = parse(raw, max_depth=max_depth)
        if isinstance(data, Rejected):
            raise FaultError(data.reason, "data_base64", data.detail)
        return _enveloped(fields, data, "data_base64")
    if "data" not in fields:
        raise missing("data")
    return _enveloped(fields, dict(fields.object("data").values), "data")


def _check(fields: Fields, prefix: str, content_type: str) -> None:
    version = fields.text("specversion")
    if version is None:
        raise missing(f"{prefix}specversion")
    if not version.startswith("1."):
        raise FaultError(Reason.UNKNOWN_VERSION, f"{prefix}specversion", "must be 1.0")
    for name in _NEEDED:
        if fields.text(name) is None:
            raise missing(prefix + name)
    media = (fields.text(content_type) or "application/json").partition(";")[0].strip().lower()
    if media != "application/json" and not media.endswith(("+json", "/json")):
        raise invalid(content_type, "must be JSON: application/json, or another type that ends in +json")


def _enveloped(fields: Fields, data: dict[str, Any], place: str) -> Enveloped:
    event_id = f"{fields.text('source')}#{fields.text('id')}"
    if len(event_id) > _LENGTH:
        event_id = blake2b(event_id.encode(errors="replace"), digest_size=16).hexdigest()
    return Enveloped(data, place, event_id, fields.text("time"), fields.text("type") or "")


def filled(topic: InputTopic, envelope: Enveloped) -> dict[str, Any]:
    """A native event with what its data leaves out."""
    time = "updated_at" if topic is InputTopic.ACCOUNTS else "at" if topic is InputTopic.COMMANDS else "occurred_at"
    spare: dict[str, Any] = {time: envelope.time}
    if topic is InputTopic.USAGE:
        spare["event"] = envelope.type
    if topic is not InputTopic.ACCOUNTS:
        spare["event_id"] = envelope.event_id
    data = envelope.data
    return data | {name: each for name, each in spare.items() if each is not None and data.get(name) is None}
