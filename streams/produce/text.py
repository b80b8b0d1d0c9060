"""Text files, plain or packed."""

import gzip
import io
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from streams.produce.errors import InputError


@contextmanager
def open_text(path: Path) -> Iterator[TextIO]:
    """A UTF-8 text file, with or without a byte-order mark, unpacked when its name ends in .gz. A byte that is no UTF-8
    becomes a lone surrogate.

    Raises InputError when it cannot be opened, or turns out to be no gzip file.
    """
    try:
        raw = gzip.open(path) if path.suffix == ".gz" else path.open("rb")  # noqa: SIM115 - closed below
        with raw, io.TextIOWrapper(raw, encoding="utf-8-sig", errors="surrogateescape", newline="") as text:
            yield text
    except (OSError, EOFError) as error:
        raise InputError(f"{path}: cannot be read: {getattr(error, 'strerror', None) or error}") from None
