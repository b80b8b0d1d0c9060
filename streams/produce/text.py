"""Text files, plain or packed."""

import gzip
import io
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, Final, NamedTuple, TextIO

from streams.produce.errors import InputError

PACKED: Final = (".gz", ".zst", ".bz2", ".xz", ".zip")
"""What a name ends in when the file is packed; the first one is read."""
_NO_TEXT: Final = {
    b"\x1f\x8b": "is packed by gzip: let its name end in .gz",
    b"\x28\xb5\x2f\xfd": "is packed by zstd, which is not read: unpack it (zstd -d), or pack it by gzip",
    b"\xfd7zXZ": "is packed by xz, which is not read: unpack it (unxz), or pack it by gzip",
    b"PK\x03\x04": "is a zip archive, or a spreadsheet: unpack it, or save it as CSV in UTF-8",
    b"PAR1\x15": "is a Parquet file: say --format parquet",
    **dict.fromkeys(
        [f"BZh{level}1AY&SY".encode() for level in range(1, 10)],
        "is packed by bzip2, which is not read: unpack it (bunzip2), or pack it by gzip",
    ),
}
"""By what it begins with: as much of it as no header of a table can be."""
_BEGINNING: Final = max(map(len, _NO_TEXT))
_LOOKS_BACK: Final = 10_000
"""Ends of lines that are tried, from a part's end back, for one that is the end of a row."""


class Span(NamedTuple):
    """A part of a text file, in bytes, from the beginning of a row to the end of one."""

    start: int
    end: int
    lines: int
    """Lines before it."""


def spans_of(path: Path, size: int, *, quoted: bool) -> list[Span]:
    """A plain text file in parts of at least about `size` bytes, each of whole rows. With `quoted` a line end between
    quotation marks ends no row, as in CSV; that goes by their number, and whoever reads the parts has to see to it that
    each ends outside of them. Empty: it is to be read as a whole, being small or packed, or with ends of lines or
    quotation marks that cannot be counted like this. Raises InputError when it cannot be read."""
    try:
        if path.suffix in PACKED or path.stat().st_size < 2 * size:
            return []
        with path.open("rb") as raw:
            return _spans(raw, size, quoted=quoted)
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror or error}") from None


def _spans(raw: IO[bytes], size: int, *, quoted: bool) -> list[Span]:
    spans: list[Span] = []
    start = at = lines = counted = 0
    inside, ends_in_return = 0, False
    while block := raw.read(size):
        alone = block.count(b"\r") - block.count(b"\r\n")
        if alone != block.endswith(b"\r") or (ends_in_return and not block.startswith(b"\n")):
            return []
        ends_in_return = block.endswith(b"\r")
        end = _row_end(block, inside if quoted else None)
        if end is not None:
            upto = counted + block.count(b"\n", 0, end)
            spans.append(Span(start, at + end, lines))
            start, lines = at + end, upto
        counted += block.count(b"\n")
        inside = (inside + block.count(b'"')) % 2
        at += len(block)
    if start < at:
        spans.append(Span(start, at, lines))
    return [] if inside and quoted else spans


def _row_end(block: bytes, inside: int | None) -> int | None:
    """Behind the last line end that ends a row; `inside`: whether the block begins within quotation marks."""
    end = len(block)
    marks = 0 if inside is None else inside + block.count(b'"')
    for _ in range(_LOOKS_BACK):
        line_end = block.rfind(b"\n", 0, end)
        if line_end < 0:
            return None
        marks -= block.count(b'"', line_end, end)
        if inside is None or marks % 2 == 0:
            return line_end + 1
        end = line_end
    return None


def open_part(path: Path, span: Span | None) -> IO[bytes]:
    """The bytes of a file, or of a part of it; unpacked when its name ends in .gz. Raises InputError for what is
    plainly no text."""
    if span is None:
        if path.suffix == ".gz":
            packed: Any = gzip.open(path)  # noqa: SIM115 - the caller's
            return packed  # type: ignore[no-any-return]
        whole = path.open("rb")
        beginning = whole.peek(_BEGINNING)  # it may be a pipe, which has no way back
        for mark, told in _NO_TEXT.items():
            if beginning.startswith(mark):
                whole.close()
                raise InputError(f"{path}: {told}")
        return whole
    with path.open("rb") as raw:
        raw.seek(span.start)
        return io.BytesIO(raw.read(span.end - span.start))


@contextmanager
def open_text(path: Path, span: Span | None = None) -> Iterator[TextIO]:
    """A UTF-8 text file, or a part of it, with or without a byte-order mark, unpacked when its name ends in .gz. A byte
    that is no UTF-8 becomes a lone surrogate.

    Raises InputError when it cannot be opened, or turns out to be no gzip file.
    """
    try:
        with (
            open_part(path, span) as raw,
            io.TextIOWrapper(raw, encoding="utf-8-sig", errors="surrogateescape", newline="") as text,
        ):
            yield text
    except (OSError, EOFError) as error:
        raise InputError(f"{path}: cannot be read: {getattr(error, 'strerror', None) or error}") from None
