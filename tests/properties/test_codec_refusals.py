"""Whatever the bytes, the codec answers; and what it must not accept, it never accepts."""

import json
from typing import Any

import orjson
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from schemas.codec import InputTopic, decode, encode
from schemas.errors import Reason, Rejected
from schemas.plain_usage import MOST, fields_of, read_plainly
from schemas.strict_json import count_quotes, count_strings, parse_object
from schemas.usage import UsageEvent
from tests.corpus import BAD_RECORDS, GOOD_RECORDS
from tests.corpus.strategies import JSON, events
from tests.examples import examples

TOPICS = st.sampled_from(InputTopic)
SEEDS = [record.raw for record in (*GOOD_RECORDS,) if len(record.raw) < 2_000]
SEEDS += [record.raw for record in BAD_RECORDS if record.raw is not None and len(record.raw) < 2_000]


@st.composite
def garbled(draw: st.DrawFn) -> bytes:
    """A record of the corpus with some bytes changed, lost or doubled."""
    raw = bytearray(draw(st.sampled_from(SEEDS)))
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, len(raw)))
        raw[at : at + draw(st.integers(0, 3))] = draw(
            st.binary(max_size=3) | st.sampled_from((b'"', b"\\", b"}", b"NaN"))
        )
    return bytes(raw)


@given(topic=TOPICS, raw=st.none() | st.binary(max_size=200) | garbled() | JSON.map(lambda v: json.dumps(v).encode()))
def test_any_bytes_get_an_answer(topic: InputTopic, raw: bytes | None) -> None:
    result = decode(topic, raw)
    if isinstance(result, Rejected):
        assert isinstance(result.reason, Reason)
        assert result.detail
    else:
        assert raw is not None
        assert decode(topic, encode(result)) == result


_GOOD = {
    "account_id": "a",
    "event": "x",
    "occurred_at": "2025-03-01T12:00:00Z",
    "user_id": "u",
    "event_id": "e",
    "quantity": 2,
    "source": "s",
}
_ODD: list[Any] = ["", "x" * 256, "x" * 257, "é" * 257, "\x01", "\x85", 'q"', "\\", None, True, 1.0, [], {}, ["a"]]
_ODD += [0, 1, 1_000_000, 1_000_001, -1, 1_740_830_400_000]
_ODD += ["2025-03-01T12:00:00+01:00", "1989-12-31T00:00:00Z", "2025-02-30T00:00:00Z"]


@st.composite
def nearly_plain(draw: st.DrawFn) -> bytes:
    """A plain usage event with a field or two made odd, left out, said twice or added."""
    pairs: list[tuple[str, Any]] = list(_GOOD.items())
    for _ in range(draw(st.integers(0, 2))):
        at = draw(st.integers(0, len(pairs) - 1))
        name, value = pairs[at][0], draw(st.sampled_from(_ODD))
        change = draw(st.sampled_from(["odd", "odd", "odd", "gone", "twice", "more"]))
        if change == "odd":
            pairs[at] = (name, value)
        elif change == "gone" and len(pairs) > 1:
            del pairs[at]
        else:
            pairs.append(
                (name if change == "twice" else draw(st.sampled_from(["properties", "schema_version"])), value)
            )
    written = (f"{json.dumps(name)}: {json.dumps(value, ensure_ascii=draw(st.booleans()))}" for name, value in pairs)
    return f"{{{', '.join(written)}}}".encode()


def check_plain(raw: bytes) -> None:
    """What is read plainly is what the model says."""
    fields = read_plainly(raw)
    if fields is not None:
        event = decode(InputTopic.USAGE, raw)
        assert isinstance(event, UsageEvent)
        assert fields == fields_of(event)


@given(raw=nearly_plain() | garbled() | st.binary(max_size=200))
@settings(max_examples=examples(1_000))
def test_what_is_read_plainly_is_what_the_model_says(raw: bytes) -> None:
    check_plain(raw)


@pytest.mark.parametrize("name", _GOOD)
def test_no_odd_value_is_read_plainly_that_the_model_refuses(name: str) -> None:
    for value in _ODD:
        check_plain(json.dumps(_GOOD | {name: value}).encode())
        check_plain(json.dumps(_GOOD | {name: value, "more": "x" * 300}, ensure_ascii=False).encode())


def test_the_usual_usage_event_is_read_plainly() -> None:
    assert read_plainly(
        b'{"event_id":"e","account_id":"a","event":"x","occurred_at":"2025-03-01T12:00:00Z","user_id":"u","quantity":2}'
    ) == ("a", 1_740_830_400_000, "x", "u", 2, "product", "e")


def test_a_record_that_is_longer_than_any_plain_event_is_left_to_the_model() -> None:
    assert read_plainly(json.dumps(_GOOD).encode() + b" " * MOST) is None


@given(topic=TOPICS, fields=st.data(), value=JSON)
def test_any_json_in_any_field_gets_an_answer_that_names_the_field(
    topic: InputTopic, fields: st.DataObject, value: Any
) -> None:
    event = orjson.loads(encode(fields.draw(events(topic))))
    name = fields.draw(st.sampled_from(sorted(event)))
    result = decode(topic, json.dumps(event | {name: value}).encode())
    if isinstance(result, Rejected):
        assert result.field is not None
        related = {"until", "alert_id", "exp_month", "exp_year"}
        other_class = name in ("type", "command")
        assert other_class or result.field.split("[")[0] in {name} | related


class Pairs(list[tuple[str, Any]]):
    """An object as pairs, which may name a key twice."""


def write(value: Any, escape: bool) -> str:
    """JSON text; of `Pairs` every pair, of an object its keys."""
    if isinstance(value, dict):
        value = Pairs(value.items())
    if isinstance(value, Pairs):
        members = (f"{json.dumps(key, ensure_ascii=escape)}:{write(item, escape)}" for key, item in value)
        return "{" + ",".join(members) + "}"
    if isinstance(value, list):
        return "[" + ",".join(write(item, escape) for item in value) + "]"
    return json.dumps(value, ensure_ascii=escape)


def has_duplicate(value: Any) -> bool:
    """By the book: whether an object anywhere inside names a key twice."""
    if isinstance(value, Pairs):
        keys = [key for key, _ in value]
        return len(set(keys)) < len(keys) or any(has_duplicate(item) for _, item in value)
    if isinstance(value, dict):
        return any(map(has_duplicate, value.values()))
    return isinstance(value, list) and any(map(has_duplicate, value))


KEYS = st.text('ab"\\ü', max_size=2)
PAIRS = st.recursive(
    JSON,
    lambda inner: st.lists(st.tuples(KEYS, inner), max_size=4).map(Pairs) | st.lists(inner, max_size=3),
    max_leaves=12,
)


@given(value=st.lists(st.tuples(KEYS, PAIRS), max_size=4).map(Pairs), escape=st.booleans())
@example(value=Pairs([("a", 1), ("a", "")]), escape=False)
@example(value=Pairs([("a", '\\"'), ("b", [Pairs([("\\", 1), ("\\", 1)])])]), escape=False)
def test_the_cheap_test_for_duplicate_keys_says_what_the_slow_one_says(value: Pairs, escape: bool) -> None:
    raw = write(value, escape).encode()
    result = parse_object(raw, max_depth=32)
    if has_duplicate(value):
        assert isinstance(result, Rejected)
        assert result.reason is Reason.DUPLICATE_KEY
    else:
        assert result == orjson.loads(raw)


@given(JSON)
def test_the_quotes_of_a_text_are_two_for_every_string_of_its_value(value: Any) -> None:
    raw = json.dumps(value).encode()
    strings = count_strings(orjson.loads(raw), max_depth=1_000)
    assert count_quotes(raw) == 2 * (strings or 0)


def depth(value: Any) -> int:
    if isinstance(value, dict):
        return 1 + max(map(depth, value.values()), default=0)
    return 1 + max(map(depth, value), default=0) if isinstance(value, list) else 0


@given(value=st.dictionaries(KEYS, JSON, max_size=4), limit=st.integers(1, 6))
def test_exactly_what_is_deeper_than_the_limit_is_too_deep(value: dict[str, Any], limit: int) -> None:
    result = parse_object(json.dumps(value).encode(), limit)
    refused = isinstance(result, Rejected)
    assert refused == (depth(value) > limit)
    assert not refused or result.reason is Reason.TOO_DEEP  # type: ignore[union-attr]


@pytest.mark.parametrize("word", ["NaN", "Infinity", "-Infinity", "1e400", "-1E+999"])
@given(topic=TOPICS, data=st.data())
def test_what_is_not_finite_is_never_accepted_wherever_it_stands(
    word: str, topic: InputTopic, data: st.DataObject
) -> None:
    event = orjson.loads(encode(data.draw(events(topic))))
    path = data.draw(st.sampled_from(("top", "object", "list")))
    event["extra"] = {"top": "MARK", "object": {"a": [1], "b": "MARK"}, "list": [[0, "MARK"], {}]}[path]
    raw = json.dumps(dict(data.draw(st.permutations(list(event.items()))))).replace('"MARK"', word).encode()
    result = decode(topic, raw)
    assert isinstance(result, Rejected)
    assert (result.reason, result.field) == (Reason.NOT_FINITE, None)


@given(topic=TOPICS, data=st.data())
def test_no_event_is_read_from_a_part_of_itself(topic: InputTopic, data: st.DataObject) -> None:
    raw = encode(data.draw(events(topic)))
    assert isinstance(decode(topic, raw[: data.draw(st.integers(0, len(raw) - 1))]), Rejected)


@pytest.mark.parametrize("depth", [50, 900, 1_000, 20_000])
def test_what_is_nested_deeply_is_not_read_plainly_and_breaks_nothing(depth: int) -> None:
    raw = json.dumps(_GOOD | {"properties": "-"}).encode().replace(b'"-"', b"[" * depth + b"]" * depth)
    assert read_plainly(raw) is None
    refusal = decode(InputTopic.USAGE, raw)
    assert isinstance(refusal, Rejected)
    assert refusal.reason in (Reason.TOO_DEEP, Reason.INVALID_FIELD)
