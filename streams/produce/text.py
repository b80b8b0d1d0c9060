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
    """A UTF-8 text file, with or without a byte-order mark, unpacked when its name ends in .gz.

    Raises InputError when it cannot be opened, or turns out to be no UTF-8 or no gzip file.
    """
    try:
        raw = gzip.open(path) if path.suffix == ".gz" else path.open("rb")  # noqa: SIM115 - closed below
        with raw, io.TextIOWrapper(raw, encoding="utf-8-sig", newline="") as text:
            yield text
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: is not UTF-8 text ({error.reason})") from None
    except (OSError, EOFError) as error:
        raise InputError(f"{path}: cannot be read: {getattr(error, 'strerror', None) or error}") from None
