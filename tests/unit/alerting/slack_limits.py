"""What Slack accepts, checked three times over: by slack_sdk's models, by slackblocks, and by what they both miss."""

import re
from collections.abc import Iterator
from typing import Any
from unicodedata import bidirectional, category

import orjson
import slackblocks
from slack_sdk.models.blocks import Block as SdkBlock

from alerting.message import Message

LIMITS = {"blocks": 50, "text": 4_000, "section": 3_000, "fields": 10, "field": 2_000, "header": 150, "elements": 10}
_KEYS = {
    "header": {"type", "text"},
    "section": {"type", "text", "fields"},
    "context": {"type", "elements"},
    "actions": {"type", "elements"},
    "plain_text": {"type", "text", "emoji"},
    "mrkdwn": {"type", "text", "verbatim"},
}
# All that Slack acts upon in mrkdwn stands between < and >; only these three may come from us.
_ALLOWED = re.compile(r"<(@[UW][A-Z0-9]+|!subteam\^S[A-Z0-9]+|https?://[^<>|\s]+)>")
_TURNING = {"LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"}
_ENTITY = re.compile(r"&(amp|lt|gt);")


def texts(message: Message) -> Iterator[dict[str, Any]]:
    """Every text object of the blocks."""
    for block in message.blocks:
        if "text" in block:
            yield block["text"]
        yield from block.get("fields", ())
        elements = block.get("elements", ())
        yield from (each["text"] for each in elements) if block["type"] == "actions" else elements


def units(text: str) -> int:
    """As JavaScript counts."""
    return len(text.encode("utf-16-le")) // 2


def assert_slack_accepts(message: Message) -> None:
    """Fails with what Slack would not take, or would act upon though nobody meant it to."""
    assert 1 <= len(message.blocks) <= LIMITS["blocks"]
    assert 1 <= units(message.text) <= LIMITS["text"]
    assert_inert(message.text)
    for block in message.blocks:
        parsed = SdkBlock.parse(block)
        assert parsed is not None
        parsed.validate_json()
        if block["type"] != "actions":  # which slackblocks does not read yet
            slackblocks.Block.from_dict(block)
        assert set(block) <= _KEYS[block["type"]]
        if block["type"] == "header":
            assert block["text"]["type"] == "plain_text"
            assert units(block["text"]["text"]) <= LIMITS["header"]
        if block["type"] == "section":
            assert "text" in block or block["fields"]
            assert units(block.get("text", {"text": ""})["text"]) <= LIMITS["section"]
            assert len(block.get("fields", ())) <= LIMITS["fields"]
            assert all(units(field["text"]) <= LIMITS["field"] for field in block.get("fields", ()))
        if block["type"] == "actions":
            _assert_buttons_fit(block["elements"])
        if block["type"] == "context":
            assert 1 <= len(block["elements"]) <= LIMITS["elements"]
    for text in texts(message):
        assert set(text) == _KEYS[text["type"]]
        assert text["text"].strip(), "an empty text is refused"
        assert units(text["text"]) <= LIMITS["section"]
        if text["type"] == "mrkdwn":
            assert text["verbatim"] is True
            assert_inert(text["text"])
        else:
            assert text["emoji"] is False
    assert not {category(character) for character in _all(message).replace("\n", "")} & {"Cc", "Cs", "Zl", "Zp"}
    assert not {bidirectional(character) for character in _all(message)} & _TURNING
    assert orjson.loads(orjson.dumps(message.payload())) == message.payload()
    read = [slackblocks.Block.from_dict(block) for block in message.blocks if block["type"] != "actions"]
    slackblocks.WebhookMessage(text=message.text, blocks=read)


def _assert_buttons_fit(buttons: list[dict[str, Any]]) -> None:
    assert 1 <= len(buttons) <= 25
    assert len({each["action_id"] for each in buttons}) == len(buttons)
    for each in buttons:
        assert set(each) <= {"type", "text", "action_id", "value", "style"}
        assert units(each["text"]["text"]) <= 75
        assert units(each["action_id"]) <= 255
        assert units(each["value"]) <= 2_000


def assert_inert(mrkdwn: str) -> None:
    """Nothing but our own mentions and links is between < and >, and every & belongs to an escape."""
    rest = _ENTITY.sub("", _ALLOWED.sub("", mrkdwn))
    assert not set("<>&") & set(rest), mrkdwn


def _all(message: Message) -> str:
    return message.text + "".join(text["text"] for text in texts(message))
