"""The cells of CSV files, whatever separates them."""

import csv
import re
from collections.abc import Iterable
from itertools import chain
from pathlib import Path
from typing import Any, Final, TextIO

from streams.produce.errors import InputError

SEPARATORS: Final = (",", ";", "\t", "|")
_QUOTED: Final = re.compile(r'"[^"]*"')
_UTF_16: Final = ("\udcff\udcfe", "\udcfe\udcff")  # its mark, read as UTF-8


def separator_of(header: str) -> str:
    """What separates the cells under this line: whichever of `SEPARATORS` it has most of, outside of quotation marks.

    >>> separator_of('account;"name, first";since')
    ';'
    """
    return max(SEPARATORS, key=_QUOTED.sub("", header).count)


def cells_of(path: Path, text: TextIO, separator: str | None = None) -> Any:
    """A `csv.reader` of a text's rows, strict about quotation marks. Without a separator the first line is the header,
    which tells it. Raises InputError for a file in UTF-16."""
    lines: Iterable[str] = text
    if separator is None and (header := text.readline()):
        if header.startswith(_UTF_16):
            raise InputError(f"{path}: is text in UTF-16; save it as UTF-8 (Excel calls that CSV UTF-8)")
        separator, lines = separator_of(header), chain([header], text)
    return csv.reader(lines, delimiter=separator or SEPARATORS[0], strict=True)


def header_of(reader: Any) -> list[str]:
    """The names of a `csv.reader`'s columns, on its next row: blanks around them are none of theirs; empty where there
    is no row. Raises csv.Error for one that is broken."""
    return [cell.strip() for cell in next(reader, ())]
