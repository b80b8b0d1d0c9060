"""Dead letters: which are meant, where the fault is, and which would be sent again."""

from __future__ import annotations

import json

import pytest
from typer.testing import CliRunner

from schemas.codec import decode
from schemas.dead_letter import DeadLetter, RecordHeader, RecordPlace
from schemas.errors import Reason, Rejected
from streams.cli import app, dead_letters
from streams.cli.dead_letters.again import plan_of
from streams.cli.dead_letters.letters import Wanted, place_of, wanted_of
from streams.cli.dead_letters.place import marked
from streams.runtime.settings import Settings
from tests.corpus import BAD_RECORDS
from tests.unit.formats.making import segment

AT = 1_740_830_400_000
GOOD = b'{"account_id":"a","event":"x","occurred_at":"2025-03-01T12:00:00Z"}'


def letter(
    raw: bytes | None = b"{}",
    reason: Reason = Reason.MISSING_FIELD,
    field: str | None = None,
    *,
    topic: str = "product-usage",
    offset: int = 1,
    headers: tuple[RecordHeader, ...] | None = None,
) -> DeadLetter:
    origin = RecordPlace(topic=topic, partition=0, offset=offset)
    about = {"reason": reason, "field": field, "detail": "is wrong", "origin": origin, "at": AT + offset}
    return DeadLetter(**about, raw=raw, headers=headers)  # type: ignore[arg-type]


def test_letters_are_chosen_by_topic_reason_time_and_place() -> None:
    letters = [letter(offset=1), letter(offset=2, reason=Reason.EMPTY), letter(offset=3, topic="billing")]
    for wanted, offsets in (
        (Wanted(), [1, 2, 3]),
        (Wanted(topic="billing"), [3]),
        (Wanted(reason="empty"), [2]),
        (Wanted(since=AT + 2), [2, 3]),
        (Wanted(until=AT + 2), [1]),
        (Wanted(places=frozenset({"billing/0/3", "billing/0/4"})), [3]),
    ):
        assert [each.origin.offset for each in wanted_of(letters, wanted)] == offsets


def test_a_list_stays_short_however_many_fields_somebody_makes_up(monkeypatch: pytest.MonkeyPatch) -> None:
    letters = [letter(field=f"{number}-" + "x" * 5_000, offset=number) for number in range(150)]
    monkeypatch.setattr(dead_letters, "_found", lambda *_: letters)
    told = CliRunner().invoke(app, ["dead-letters", "list"])
    assert told.exit_code == 0
    assert "50 kinds more; --json has all" in told.output
    assert len(told.output) < 200_000
    assert max(map(len, told.output.splitlines())) <= 1_001


@pytest.mark.parametrize("command", [("explain",), ("replay", "--yes", "product-usage/0/1")])
def test_a_place_of_which_there_is_no_letter_is_named_and_nothing_is_sent(
    command: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    async def read_letters(_: Settings) -> list[DeadLetter]:
        return [letter(GOOD)]

    monkeypatch.setattr("streams.cli.dead_letters.letters.read_letters", read_letters)
    told = CliRunner().invoke(app, ["dead-letters", *command, "billing/0/99"])
    assert told.exit_code == 1
    assert "there is no dead letter of 'billing/0/99'; slackwater dead-letters list shows them" in told.stderr


@pytest.mark.parametrize(
    ("raw", "field", "line"),
    [
        (b'{"data": {"items": [1, {"price": "x"}], "b": 2}}', "data.items[1].price", '"price": "x" <-- '),
        (b'{"data": {"items": [1, 2]}, "b": 2}', "data.items[7].price", '"items": [ <-- '),
        (b'{"a": 1}', "account_id", "{ <-- "),
        (b'{"a": 1, "b": {}, "a": 2}', "a", '"a": 1, <-- '),
        (b'{"a": {}}', "a.b", '"a": {} <-- '),
    ],
)
def test_the_field_at_fault_is_marked_or_what_lacks_it(raw: bytes, field: str, line: str) -> None:
    lines = marked(letter(raw, field=field))
    assert any(line in each for each in lines), lines
    assert sum("<-- missing_field: is wrong" in each for each in lines) >= 1


def test_of_what_is_no_json_the_place_is_pointed_at() -> None:
    lines = marked(letter(b'{"a": 1,\n "b": tru}', Reason.NOT_JSON))
    assert lines[-2:] == [' "b": tru}', "      ^ not_json: is wrong"]
    assert marked(letter(b'{"a": "\xff"}', Reason.NOT_UTF8)) == ['{"a": "\\xff"}', "<-- byte 7: not_utf8: is wrong"]
    assert marked(letter(None, Reason.EMPTY)) == ["(no value)"]


def test_every_record_of_the_corpus_can_be_explained() -> None:
    for record in BAD_RECORDS:
        found = decode(record.topic, record.raw)
        assert isinstance(found, Rejected)
        lines = marked(letter(record.raw, found.reason, found.field))
        assert lines, record.name
        assert not record.raw or any(found.reason.value in line or "is wrong" in line for line in lines), record.name


def test_a_replay_leaves_out_what_was_sent_what_would_be_refused_and_what_cannot_be_sent() -> None:
    letters = [
        letter(GOOD, offset=1),
        letter(GOOD, offset=2),
        letter(b"{}", offset=3),
        letter(None, offset=4),
        letter(GOOD, topic="slackwater-shuffle", offset=5),
        letter(GOOD, Reason.TIME_IN_FUTURE, offset=6),
    ]
    plan = plan_of(Settings(), letters, frozenset({"product-usage/0/2"}), every=False)
    assert [place_of(each) for each in plan.send] == ["product-usage/0/1", "product-usage/0/6"]
    assert [place_of(each) for each in plan.already] == ["product-usage/0/2"]
    assert [(place_of(each), why.field) for each, why in plan.refused] == [("product-usage/0/3", "account_id")]
    assert [each.origin.offset for each in plan.impossible] == [4, 5]
    assert len(plan_of(Settings(), letters, frozenset(), every=True).send) == 4


def test_a_setting_that_was_put_right_makes_a_letter_readable() -> None:
    foreign = [letter(json.dumps(segment(event="x")).encode())]
    assert not plan_of(Settings(), foreign, frozenset(), every=False).send
    assert plan_of(Settings(format_usage="segment"), foreign, frozenset(), every=False).send
    about = {"specversion": "1.0", "id": "1", "source": "/s", "type": "x", "time": "2025-03-01T12:00:00Z"}
    headers = tuple(RecordHeader(name=f"ce_{name}", value=text.encode()) for name, text in about.items())
    binary = [letter(b'{"account_id": "a"}', headers=headers)]
    assert plan_of(Settings(format_usage="cloudevents"), binary, frozenset(), every=False).send
