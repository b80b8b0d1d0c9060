"""What is written is read back the same, for every model."""

import json
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, TypeAdapter, ValidationError

from schemas.accounts import AccountUpdate
from schemas.codec import InputTopic, decode, encode
from schemas.events import identity, moment
from schemas.instants import EARLIEST, LATEST, Instant, format_instant, parse_instant
from tests.corpus.strategies import CLASSES, JSON, OUTPUTS, models

INSTANT: TypeAdapter[int] = TypeAdapter(Instant)
INPUTS = [(topic, model) for topic, classes in CLASSES.items() for model in classes]


@pytest.mark.parametrize(("topic", "model"), INPUTS, ids=lambda part: getattr(part, "__name__", str(part)))
@given(data=st.data())
def test_every_input_event_is_read_back_as_it_was_written(
    topic: InputTopic, model: type[BaseModel], data: st.DataObject
) -> None:
    event = data.draw(models(model))
    read = decode(topic, encode(event))
    assert read == event
    assert type(read) is model
    assert encode(read) == encode(event)


def holds_null(value: Any) -> bool:
    parts = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return value is None or any(map(holds_null, parts))


@pytest.mark.parametrize("model", OUTPUTS)
@given(data=st.data())
def test_every_output_is_read_back_as_it_was_written(model: type[BaseModel], data: st.DataObject) -> None:
    value = data.draw(models(model))
    written = encode(value)
    assert model.model_validate_json(written) == value
    assert not holds_null(orjson.loads(written))  # What is None is left out.
    assert encode(model.model_validate_json(written)) == written


@given(update=models(AccountUpdate))
def test_an_account_update_keeps_apart_what_was_not_said_and_what_was_cleared(update: AccountUpdate) -> None:
    read = decode(InputTopic.ACCOUNTS, encode(update))
    assert isinstance(read, AccountUpdate)
    assert read.model_fields_set == update.model_fields_set
    assert read.changes() == update.changes()


@given(st.integers(EARLIEST, LATEST))
def test_a_time_is_read_back_to_the_millisecond(at: int) -> None:
    assert parse_instant(format_instant(at)) == at


@given(at=st.integers(EARLIEST, LATEST), minutes=st.integers(-1439, 1439), finer=st.text("0123456789", max_size=8))
def test_the_offset_and_what_is_finer_than_a_millisecond_change_nothing(at: int, minutes: int, finer: str) -> None:
    local = format_instant(min(max(at + minutes * 60_000, EARLIEST), LATEST)).removesuffix("Z")
    at = parse_instant(local + "Z") - minutes * 60_000
    sign = "-" if minutes < 0 else "+"
    fraction = "" if "." in local else ".000"
    text = f"{local}{fraction}{finer}{sign}{abs(minutes) // 60:02d}:{abs(minutes) % 60:02d}"
    if EARLIEST <= at <= LATEST:
        assert parse_instant(text) == at
        assert INSTANT.validate_python(text) == at
    else:
        with pytest.raises(ValidationError, match="from 1990 to 2099"):
            INSTANT.validate_python(text)
        with pytest.raises(ValueError, match="from 1990 to 2099"):
            parse_instant(text)


@given(
    st.from_regex(
        r"(2025|1989|2100|20x5)-(02|12|13)-(29|31|00)[Tt ](23|24|1):(59|60)(:(59|60|61))?[.,]?[0-9]{0,7}.{0,6}"
    )
    | st.text("0123456789-:.TtZz+ ", max_size=30)
)
def test_the_quick_way_to_read_a_time_takes_exactly_what_the_parser_takes(text: str) -> None:
    try:
        expected: int | None = parse_instant(text)
    except ValueError:
        expected = None
    try:
        read: int | None = INSTANT.validate_python(text)
    except ValidationError:
        read = None
    assert read == expected


@given(data=st.data(), more=st.dictionaries(st.text("xyz", min_size=1), JSON))
def test_spelling_order_and_unknown_fields_change_nothing(data: st.DataObject, more: dict[str, Any]) -> None:
    topic = data.draw(st.sampled_from(InputTopic))
    event = data.draw(models(data.draw(st.sampled_from(CLASSES[topic]))))
    members = list(orjson.loads(encode(event)).items()) + list(more.items())
    shuffled = dict(data.draw(st.permutations(members)))
    style: dict[str, Any] = data.draw(
        st.sampled_from(({"ensure_ascii": True}, {"ensure_ascii": False, "indent": 2}, {"separators": (" ,", " : ")}))
    )
    read = decode(topic, json.dumps(shuffled, **style).encode())
    assert read == event
    assert not isinstance(read, tuple)
    assert (moment(event), identity(event)) == (moment(read), identity(read))  # type: ignore[arg-type]
