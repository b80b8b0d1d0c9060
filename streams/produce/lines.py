"""JSON lines of native events."""

from collections.abc import Iterator
from pathlib import Path

from schemas.codec import decode
from schemas.errors import Rejected
from schemas.events import InputTopic, moment
from streams.produce.errors import bad_row
from streams.produce.record import InputRecord
from streams.produce.text import open_text


def read_jsonl(path: Path, topic: InputTopic) -> Iterator[InputRecord]:
    """The native events of one topic, one a line, in the file's order; the bytes are sent as they stand.

    Raises InputError at the first line that the worker would reject. Empty lines are passed over.
    """
    with open_text(path) as text:
        for number, line in enumerate(text, start=1):
            raw = line.strip().encode()
            if not raw:
                continue
            event = decode(topic, raw)
            if isinstance(event, Rejected):
                raise bad_row(path, f"line {number}", event.field, f"{event.detail} ({event.reason})")
            yield InputRecord(moment(event), topic, event.account_id, raw)
