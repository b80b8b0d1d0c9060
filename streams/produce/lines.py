"""JSON lines of native events."""

import gzip
from collections.abc import Iterator
from pathlib import Path

from schemas.codec import decode
from schemas.errors import Rejected
from schemas.events import InputEvent, InputTopic
from streams.produce.errors import BadRow, InputError

_MARK = b"\xef\xbb\xbf"


def read_lines(path: Path) -> Iterator[tuple[int, bytes]]:
    """The lines of a file that are not empty, without white space around them, each with its number; unpacked when the
    name ends in .gz. Raises InputError when it cannot be read."""
    try:
        with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as lines:
            for number, line in enumerate(lines, start=1):
                raw = line.strip() if number > 1 else line.removeprefix(_MARK).strip()
                if raw:
                    yield number, raw
    except (OSError, EOFError) as error:
        raise InputError(f"{path}: cannot be read: {getattr(error, 'strerror', None) or error}") from None


def read_event(path: Path, number: int, topic: InputTopic, raw: bytes) -> InputEvent | BadRow:
    """The native event on a line, or why the worker would reject it."""
    event = decode(topic, raw)
    if isinstance(event, Rejected):
        return BadRow(path, f"line {number}", event.field, f"{event.detail} ({event.reason})")
    return event
