"""JSON lines: native events, or those of a foreign format."""

import re
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
_UTF_16 = (b"\xff\xfe", b"\xfe\xff")
_ARRAY = re.compile(rb"\[\s*\{")


def read_lines(path: Path, span: Span | None = None) -> Iterator[tuple[int, bytes]]:
    """The lines of a file, or of a part of it, that are not empty, without white space around them, each with its
    number; unpacked when the name ends in .gz. Raises InputError when it cannot be read, or is no such file."""
    try:
        with open_part(path, span) as lines:
            for number, line in enumerate(lines, start=1 if span is None else span.lines + 1):
                raw = line.strip() if number > 1 else _first(path, line)
                if raw:
                    yield number, raw
    except (OSError, EOFError) as error:
        raise InputError(f"{path}: cannot be read: {getattr(error, 'strerror', None) or error}") from None


def _first(path: Path, line: bytes) -> bytes:
    """The first line. Raises InputError where it says that the others are no records either."""
    if line.startswith(_UTF_16):
        raise InputError(f"{path}: is text in UTF-16; save it as UTF-8")
    raw = line.removeprefix(_MARK).strip()
    if raw in (b"[", b"{") or _ARRAY.match(raw):
        raise InputError(f"{path}: is one JSON document; JSON lines are needed, an object a line (jq -c makes them)")
    return raw


def read_events(
    path: Path, number: int, topic: InputTopic, raw: bytes, form: Format, lookup: Lookup
) -> tuple[InputEvent, ...] | BadRow | Ignored:
    """The events on a line, why the worker would reject it, or why it says nothing."""
    events = read(topic, form, raw, lookup=lookup)
    if isinstance(events, Rejected):
        return BadRow(path, f"line {number}", events.field, f"{events.detail} ({events.reason})")
    return events
