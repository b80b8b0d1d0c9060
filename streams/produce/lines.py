"""JSON lines: native events, or those of a foreign format."""

from collections.abc import Iterator
from pathlib import Path

from schemas.errors import Rejected
from schemas.events import InputEvent, InputTopic
from schemas.formats.options import Format, Lookup
from schemas.formats.outcome import Ignored
from schemas.formats.reader import read
from streams.produce.errors import BadRow, InputError
from streams.produce.text import Span, open_part

_MARK = b"\xef\xbb\xbf"


def read_lines(path: Path, span: Span | None = None) -> Iterator[tuple[int, bytes]]:
    """The lines of a file, or of a part of it, that are not empty, without white space around them, each with its
    number; unpacked when the name ends in .gz. Raises InputError when it cannot be read."""
    try:
        with open_part(path, span) as lines:
            for number, line in enumerate(lines, start=1 if span is None else span.lines + 1):
                raw = line.strip() if number > 1 else line.removeprefix(_MARK).strip()
                if raw:
                    yield number, raw
    except (OSError, EOFError) as error:
        raise InputError(f"{path}: cannot be read: {getattr(error, 'strerror', None) or error}") from None


def read_events(
    path: Path, number: int, topic: InputTopic, raw: bytes, form: Format, lookup: Lookup
) -> tuple[InputEvent, ...] | BadRow | Ignored:
    """The events on a line, why the worker would reject it, or why it says nothing."""
    events = read(topic, form, raw, lookup=lookup)
    if isinstance(events, Rejected):
        return BadRow(path, f"line {number}", events.field, f"{events.detail} ({events.reason})")
    return events
