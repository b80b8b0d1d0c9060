"""The exported JSON Schema is what was promised, is sound, and agrees with the codec and the models."""

import json
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator, FormatChecker
from pydantic import BaseModel

from schemas.codec import InputTopic, decode, encode
from schemas.errors import Reason, Rejected
from schemas.export import TOPICS, json_schema
from schemas.instants import OutOfRangeError, parse_instant
from tests.contracts import golden
from tests.corpus import BAD_RECORDS, GOOD_RECORDS
from tests.corpus.strategies import JSON, OUTPUTS, events, models

FORMATS = FormatChecker(())


def _is_time(value: object) -> bool:
    if isinstance(value, str):
        try:
            parse_instant(value)
        except OutOfRangeError:
            return True  # No schema says which times are absurd.
    return True


FORMATS.checks("date-time", raises=ValueError)(_is_time)
VALIDATORS = {topic: Draft202012Validator(json_schema(topic), format_checker=FORMATS) for topic in TOPICS}
NAMES = {
    InputTopic.USAGE: "product-usage",
    InputTopic.BILLING: "billing",
    InputTopic.ACCOUNTS: "accounts",
    InputTopic.FEEDBACK: "feedback",
    InputTopic.COMMANDS: "alert-commands",
}
OUTPUT_NAMES = dict(zip(OUTPUTS, ("churn-alerts", "account-health", "dead-letters"), strict=True))


@pytest.mark.parametrize("topic", TOPICS)
def test_the_schema_of_a_topic_is_as_promised(topic: str) -> None:
    promised = json.loads(golden(topic).read_text(encoding="utf-8"))
    assert json_schema(topic) == promised, (
        "a promise to users would change: if it is meant, `python -m tests.contracts`"
    )


@pytest.mark.parametrize("topic", TOPICS)
def test_the_schema_of_a_topic_is_a_sound_schema(topic: str) -> None:
    Draft202012Validator.check_schema(json_schema(topic))


def test_a_topic_that_is_not_known_has_no_schema() -> None:
    with pytest.raises(KeyError):
        json_schema("weather")


@pytest.mark.parametrize("model", OUTPUTS)
@given(data=st.data())
def test_all_that_is_written_fits_its_schema(model: type[BaseModel], data: st.DataObject) -> None:
    VALIDATORS[OUTPUT_NAMES[model]].validate(orjson.loads(encode(data.draw(models(model)))))


def _beyond_a_schema(result: object, value: dict[str, Any]) -> bool:
    """Whether the codec refused for what no schema can say."""
    if not isinstance(result, Rejected):
        return False
    until_before_at = value.get("command") == "snooze" and result.field == "until"
    line_feed = any(isinstance(item, str) and item.endswith("\n") for item in value.values())  # `$` in Python's re
    return result.reason is Reason.TIME_OUT_OF_RANGE or until_before_at or line_feed


def test_the_corpus_fits_the_schema_exactly_when_the_codec_takes_it() -> None:
    checked = 0
    records = [(record.name, record.topic, record.raw) for record in GOOD_RECORDS]
    records += [(record.name, record.topic, record.raw or b"") for record in BAD_RECORDS]
    for name, topic, raw in records:
        result = decode(topic, raw)
        try:
            value = orjson.loads(raw)
        except orjson.JSONDecodeError:
            continue
        text_is_at_fault = isinstance(result, Rejected) and result.reason in (
            Reason.DUPLICATE_KEY,
            Reason.TOO_LARGE,
            Reason.TOO_DEEP,
        )
        if text_is_at_fault or (isinstance(value, dict) and _beyond_a_schema(result, value)):
            continue
        fits = VALIDATORS[NAMES[topic]].is_valid(value)
        assert fits == (not isinstance(result, Rejected)), name
        checked += 1
    assert checked > 250


@given(topic=st.sampled_from(InputTopic), data=st.data())
def test_an_event_changed_at_will_fits_the_schema_exactly_when_the_codec_takes_it(
    topic: InputTopic, data: st.DataObject
) -> None:
    value = orjson.loads(encode(data.draw(events(topic))))
    for name in data.draw(st.lists(st.sampled_from(sorted(value)), max_size=2, unique=True)):
        if data.draw(st.booleans()):
            del value[name]
        else:
            value[name] = data.draw(JSON | st.sampled_from(list(value.values())))
    raw = orjson.dumps(value, option=None) if _small(value) else json.dumps(value).encode()
    result = decode(topic, raw)
    if not _beyond_a_schema(result, value):
        assert VALIDATORS[NAMES[topic]].is_valid(orjson.loads(raw)) == (not isinstance(result, Rejected)), (
            value,
            result,
        )


def _small(value: Any) -> bool:
    """Whether all integers fit into 64 bits, which is all that orjson writes."""
    try:
        orjson.dumps(value)
    except TypeError:
        return False
    return True
