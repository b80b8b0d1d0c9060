"""What goes through the shuffle comes out as it went in."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import msgpack

from schemas.accounts import AccountUpdate
from schemas.errors import Rejected, StateError
from schemas.events import InputEvent, InputTopic
from schemas.instants import LATEST
from schemas.shuffle import Fact, ShuffleRecord, Usage, decode_shuffle, encode_shuffle, hash64
from streams.detection.origin import Origin
from tests.corpus import strategies

NUMBERS = st.integers(0, 2**53 - 1)
TIMES = st.integers(0, LATEST)
HASHES = st.none() | st.integers(0, 2**63 - 1)
TEXT = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=40)
usages = st.builds(
    Usage,
    offset=NUMBERS,
    effective_at=TIMES,
    account=TEXT,
    at=TIMES,
    event=TEXT,
    user=HASHES,
    quantity=NUMBERS,
    source=TEXT,
    event_id=HASHES,
)
FACTS = [(topic, model) for topic, classes in strategies.CLASSES.items() for model in classes if topic != "usage"]


def there_and_back(record: ShuffleRecord) -> ShuffleRecord:
    """Through bytes."""
    return decode_shuffle(encode_shuffle(record))


def changes(record: ShuffleRecord) -> list[object]:
    """What account updates say."""
    bodies = [event.body for event in record.events if isinstance(event, Fact)]
    return [body.changes() for body in bodies if isinstance(body, AccountUpdate)]


@given(st.lists(usages, max_size=5), TEXT, st.integers(-1, 2**53 - 1), st.none() | NUMBERS, st.booleans())
def test_usage_comes_out_as_it_went_in(
    events: list[Usage], origin: str, last: int, clock: int | None, caught_up: bool
) -> None:
    record = ShuffleRecord(InputTopic.USAGE, origin, last, clock, caught_up, tuple(events))
    assert there_and_back(record) == record
    assert all(type(event) is Usage for event in there_and_back(record).events)


@pytest.mark.parametrize(("topic", "model"), FACTS, ids=lambda part: getattr(part, "__name__", str(part)))
@given(data=st.data())
@settings(max_examples=20)
def test_facts_come_out_as_they_went_in(topic: InputTopic, model: type, data: st.DataObject) -> None:
    events: list[InputEvent] = data.draw(st.lists(strategies.models(model), max_size=3))
    origin = Origin(topic, "t/0", homes=1, home_of=lambda _: 0, out_of_order=0, future_tolerance=0)
    assert not any(isinstance(origin.take(number, each, None), Rejected) for number, each in enumerate(events))
    ((record,),) = origin.deal(len(events) - 1, caught_up=True)
    read = there_and_back(record)
    assert read == record
    # What was not said and what was cleared are told apart, in account updates.
    assert changes(read) == changes(record)
    assert encode_shuffle(read) == encode_shuffle(record)


def test_a_record_of_another_version_is_refused() -> None:
    raw = encode_shuffle(ShuffleRecord(InputTopic.USAGE, "t/0", 0, None, False, ()))
    with pytest.raises(StateError, match="version 4: this worker reads version 3 only"):
        decode_shuffle(raw[:1] + b"\x04" + raw[2:])


def test_a_hash_is_63_bits_stable_and_keyed() -> None:
    assert hash64("u-1") == 8446903102099694584
    assert hash64("u-1", b"key") == 1185177673666641835
    assert hash64("u-1", b"key") != hash64("u-1")
    assert all(0 <= hash64(str(number)) < 2**63 for number in range(200))


BEGINNING = b"\xc1\x03"
NO_RECORDS = [
    *(b"", b"\0", b"\xff\x00", b"{}", b"7", b"null", b"[]", b"[1]", b'["a"]'),
    *(b"[1,2,3]", b"\x02\x96", b"\x0a\x03abc", b"\0\0\0\0\x07avro", b"\xc1"),
    *(BEGINNING, BEGINNING + b"\x96", BEGINNING + b"\x90", BEGINNING + b"[1]"),
    *(BEGINNING + msgpack.encode(["usage", "t/0", 0, None, False, rows]) for rows in ([1], None, [[1], "a"])),
    BEGINNING + msgpack.encode(["x", "y", 0, 0, False, []]),
    BEGINNING + msgpack.encode(["billing", "t/0", 0, 0, True, [[1]]]),
    *(
        BEGINNING + msgpack.encode([InputTopic.USAGE.value, "t/0", 0, 0, False, [row]])
        for row in (
            [1],
            [0, "now", "a", 0, "e", None, 1, "s", None],
            [0, LATEST + 1, "a", 0, "e", None, 1, "s", None],
            [0, 0, "a", -1, "e", None, 1, "s", None],
            [0, 0, "", 0, "e", None, 1, "s", None],
            [0, 0, "a", 0, None, None, 1, "s", None],
        )
    ),
]


@pytest.mark.parametrize("raw", NO_RECORDS)
def test_what_is_no_record_of_the_shuffle_is_told_from_one_of_another_version(raw: bytes) -> None:
    with pytest.raises(ValueError, match=r".+"):
        decode_shuffle(raw)
