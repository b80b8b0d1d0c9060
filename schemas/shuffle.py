"""Validated events on their way from an input partition to the home partition of their account.

One record of the shuffle carries what one input partition (the *origin*) had for one home partition since the record
before: many events in a compact array, and how far the origin has come. Internal: both ends are of one version.
"""

from dataclasses import dataclass
from functools import cache, lru_cache, partial
from hashlib import blake2b
from typing import Annotated, Any, Final, NamedTuple

from msgspec import DecodeError, Meta
from msgspec.msgpack import Decoder, Encoder
from pydantic import TypeAdapter
from xxhash import xxh3_64_intdigest

from schemas.accounts import AccountUpdate
from schemas.billing import BillingEvent
from schemas.codec import encode
from schemas.commands import Command
from schemas.events import InputTopic
from schemas.feedback import FeedbackEvent
from schemas.frame import beginning, content

VERSION: Final = 3
FactBody = BillingEvent | AccountUpdate | FeedbackEvent | Command


class Usage(NamedTuple):
    """One usage event."""

    offset: int
    """Where it stands in its input partition."""
    effective_at: int
    """Its place in the merged order, in ms: its own time, or the origin's clock when it was read, if that is later."""
    account: str
    at: int
    event: str
    user: int | None
    """`hash64` of the user id."""
    quantity: int
    source: str
    event_id: int | None
    """`hash64` of the event id."""


class Fact(NamedTuple):
    """Any event that is not usage: its `body` is the model."""

    offset: int
    effective_at: int
    account: str
    at: int
    body: FactBody
    event_id: int | None
    origin: str = ""
    """As its record in the shuffle says it."""


make_usage = partial(tuple.__new__, Usage)
"""`Usage` of a sequence of its fields, without the detour through Python that its constructor takes."""


def make_renaming(event: Usage, before: int) -> Usage:
    """What goes before an event of somebody who was known as `before`, under another key. It is no event: a quantity of
    0 has none."""
    return event._replace(event="", quantity=0, source="", event_id=before)


@dataclass(frozen=True, slots=True)
class ShuffleRecord:
    """What an origin has for one home partition, and how far it has come."""

    topic: InputTopic
    origin: str
    """The input partition: its `place_of`, and behind an @ which topic of that name it is. A topic that was created
    anew, with offsets from 0, is another origin at the same place."""
    last: int
    """Every event of this origin and home up to this offset is in this record or an earlier one."""
    clock: int | None
    """No later record of the origin holds an event with an earlier `effective_at`; None before its first event."""
    caught_up: bool
    """The origin had been read to its end."""
    events: tuple[Usage | Fact, ...]


def place_of(origin: str) -> str:
    """`topic/partition` of an origin, as Kafka calls it.

    >>> place_of("billing/3@Vb2mHdCvTqOyJxkG1c9VAw"), place_of("billing/3")
    ('billing/3', 'billing/3')
    """
    return origin.partition("@")[0]


def parked_of(place: str) -> str:
    """The origin of what has waited for its account, of an input partition. It has numbers of its own, and no clock
    that anybody waits for: its input partition's holds what may still come of it.

    >>> parked_of("billing/3"), is_parked("billing/3+parked"), is_parked("billing/3")
    ('billing/3+parked', True, False)
    """
    return f"{place}{_PARKED}"


def is_parked(origin: str) -> bool:
    """Whether an origin is one of those."""
    return origin.endswith(_PARKED)


def input_of(origin: str) -> str:
    """`topic/partition` that an origin's events were read from, also where they have waited.

    >>> input_of("billing/3@Vb2mHdCvTqOyJxkG1c9VAw"), input_of("billing/3+parked")
    ('billing/3', 'billing/3')
    """
    return place_of(origin).removesuffix(_PARKED)


def hash64(text: str, key: bytes = b"") -> int:
    """63 bits: what an id is remembered as. `key` (at most 64 bytes) makes it unguessable; then it is a BLAKE2b, and
    an XXH3 without.

    >>> hash64("u-1") == hash64("u-1", b"secret")
    False
    """
    if not key:
        return xxh3_64_intdigest(text.encode()) >> 1
    return int.from_bytes(blake2b(text.encode(), digest_size=8, key=key).digest(), "big") >> 1


known_hash64 = lru_cache(maxsize=1 << 16)(hash64)
"""`hash64` for ids that come again and again."""


def encode_shuffle(record: ShuffleRecord) -> bytes:
    """One value of the shuffle topic: its beginning (`frame.py`), and MessagePack."""
    rows: Any = record.events
    if record.topic is not InputTopic.USAGE:
        facts = [event for event in record.events if isinstance(event, Fact)]
        rows = [(*fact[:4], encode(fact.body), fact.event_id) for fact in facts]
    head = (record.topic.value, record.origin, record.last, record.clock, record.caught_up)
    return _BEGINNING + _encode((*head, rows))


def decode_shuffle(raw: bytes) -> ShuffleRecord:
    """The record in a value of the shuffle topic. Raises `VersionError` when another version wrote it, and ValueError
    for what is no such record."""
    rest = content(raw, VERSION, _WHAT)
    try:
        if raw.startswith(_USAGE_BEGINNING):
            _, origin, last, clock, caught_up, usage = _decode_usage(rest)
            return ShuffleRecord(InputTopic.USAGE, origin, last, clock, caught_up, tuple(map(make_usage, usage)))
        topic, origin, last, clock, caught_up, rows = _decode_facts(rest)
        validate = _bodies(InputTopic(topic)).validate_json
        facts = tuple(
            Fact(offset, place, account, at, validate(body), event_id, origin)
            for offset, place, account, at, body, event_id in rows
        )
    except (DecodeError, KeyError) as error:
        raise ValueError(f"no {_WHAT}: {error}") from error
    return ShuffleRecord(InputTopic(topic), origin, last, clock, caught_up, facts)


_PARKED: Final = "+parked"
"""No topic's name has a plus."""
_LATEST: Final = 4_102_444_799_999
"""`instants.LATEST`, written out: the compiler confuses one that another module has computed."""
_Time = Annotated[int, Meta(ge=0, le=_LATEST)]
_Account = Annotated[str, Meta(min_length=1, max_length=256)]
_UsageRow = tuple[int, _Time, _Account, _Time, str, int | None, int, str, int | None]
_FactRow = tuple[int, _Time, _Account, _Time, bytes, int | None]
_encode: Final = Encoder().encode
# Typed, so that a record that is damaged is found out here and not where its events are worked on.
_decode_usage: Final[Any] = Decoder(tuple[str, str, int, int | None, bool, list[_UsageRow]]).decode
_decode_facts: Final[Any] = Decoder(tuple[str, str, int, int | None, bool, list[_FactRow]]).decode
_WHAT: Final = "shuffle record"
_BEGINNING: Final = beginning(VERSION)
_USAGE_BEGINNING: Final = _BEGINNING + b"\x96" + _encode(InputTopic.USAGE.value)
"""Of a record of usage: the head is an array of six, whose first is the topic."""


@cache
def _bodies(topic: InputTopic) -> TypeAdapter[Any]:
    bodies: dict[InputTopic, Any] = {
        InputTopic.BILLING: BillingEvent,
        InputTopic.ACCOUNTS: AccountUpdate,
        InputTopic.FEEDBACK: FeedbackEvent,
        InputTopic.COMMANDS: Command,
    }
    return TypeAdapter(bodies[topic])
