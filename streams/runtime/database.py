"""One partition of a table in RocksDB: its rows, and in the same write batch how far in the changelog they stand."""

import shutil
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from time import time
from typing import Any, Final, NamedTuple, Self

import orjson
from rocksdict import (
    BlockBasedOptions,
    Cache,
    DBCompressionType,
    Options,
    Rdict,
    WriteBatch,
    WriteBufferManager,
)

from schemas.errors import StoreError

_STAND: Final = b"\0"
"""Key of the stand: before every row, as rows that are no accounts or routes have longer keys that begin with it."""
_FIRST_ROW: Final = b"\0\0"
_FORMAT: Final = 1
_FRESH_MS: Final = 12 * 3_600_000
"""For so long what is stored is gone on from. It must be shorter than the changelog's delete.retention.ms: a row that
was deleted since then is no longer known to have been."""
_CACHE_BYTES: Final = 128 << 20
_BUFFER_BYTES: Final = 64 << 20
"""Of the cache, what writes may take before they go to files."""


class Changelog(NamedTuple):
    """A changelog partition as the broker has it."""

    name: str
    """The topic's id, its name, and the partition."""
    start: int
    """Offset of the first record that was not removed."""
    end: int


@dataclass(frozen=True, slots=True)
class Stand:
    """How far a database stands."""

    changelog: str
    """See `Changelog.name`."""
    offset: int
    """Of the last changelog record that was applied."""
    level: int
    """When (ms) the changelog had no more than that; or when a first reading of it began."""


def distrust(stand: Stand, changelog: Changelog, now: int) -> str | None:
    """Why a database cannot be gone on from; None when it can.

    >>> stand = Stand("Vb2m/changelog/0", offset=9, level=1_500)
    >>> distrust(stand, Changelog("Vb2m/changelog/0", 0, 10), 2_000)
    >>> distrust(stand, Changelog("Vb2m/changelog/0", 0, 9), 2_000)
    'it stands at offset 9, and the changelog ends at 9'
    """
    if stand.changelog != changelog.name:
        return f"it is of {stand.changelog}"
    if stand.offset >= changelog.end:
        return f"it stands at offset {stand.offset}, and the changelog ends at {changelog.end}"
    if stand.offset + 1 < changelog.start:
        return f"it stands at offset {stand.offset}, and the changelog begins at {changelog.start}"
    if now - stand.level > _FRESH_MS:
        return f"it was last known to be complete {(now - stand.level) / 3_600_000:.0f} hours ago"
    return None


@cache
def _memory() -> tuple[Cache, WriteBufferManager]:
    """What all databases of this process share, so that they take no more than that together."""
    blocks = Cache(_CACHE_BYTES)
    return blocks, WriteBufferManager.new_write_buffer_manager_with_cache(_BUFFER_BYTES, False, blocks)


def _options() -> Options:
    cached, buffers = _memory()
    blocks = BlockBasedOptions()
    blocks.set_block_cache(cached)
    blocks.set_cache_index_and_filter_blocks(True)  # all that grows with the number of rows is within the cache
    blocks.set_bloom_filter(10, False)
    options = Options(raw_mode=True)
    options.create_if_missing(True)
    options.set_block_based_table_factory(blocks)
    options.set_write_buffer_manager(buffers)
    options.set_write_buffer_size(16 << 20)
    options.set_compression_type(DBCompressionType.lz4())
    options.set_max_open_files(128)
    options.set_keep_log_file_num(2)
    options.set_max_log_file_size(1 << 20)
    return options


class Database:
    """Rows on disk. Whatever RocksDB says is raised as `StoreError`, and the database is not used again: `failed`."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.failed = False
        with _told(self, "opened"):
            path.mkdir(parents=True, exist_ok=True)
            self._db = Rdict(str(path), _options())
            stored: Any = self._db.get(_STAND)
            self.stand = _decoded(stored)

    @classmethod
    def open(cls, path: Path) -> tuple[Self, str | None]:
        """The database at a path, and why it was begun anew; one that cannot be opened as it is, is. Raises
        `StoreError` when not even that can be done."""
        try:
            return cls(path), None
        except StoreError as error:
            shutil.rmtree(path, ignore_errors=True)
            return cls(path), str(error)

    def get(self, key: bytes, /) -> bytes | None:
        """See `Rows`."""
        with _told(self, "read"):
            found: bytes | None = self._db.get(key)
            return found

    def items(self) -> Iterator[tuple[bytes, bytes]]:
        """See `Rows`."""
        last = _STAND
        with _told(self, "read"):
            rows: Any = self._db.items(from_key=_FIRST_ROW)
            for key, value in rows:
                last = key
                yield key, value
            # A damaged file looks like the end to rocksdict's iterator: ask again whether there is nothing behind it.
            end = self._db.iter()
            end.seek(last)
            if end.valid():
                end.next()
            end.status()
            if end.valid():
                raise ValueError(f"more rows than were read, after {last!r}")

    def write(self, changelog: str, rows: Iterable[tuple[bytes, bytes | None]], offset: int, *, level: bool) -> None:
        """Take rows and stand, both or none."""
        now = int(time() * 1000)
        before = self.stand.level if self.stand is not None else now
        stand = Stand(changelog, offset, now if level else before)
        with _told(self, "written"):
            batch = WriteBatch(raw_mode=True)
            for key, value in rows:
                if value is None:
                    batch.delete(key)
                else:
                    batch[key] = value
            batch[_STAND] = orjson.dumps([_FORMAT, stand.changelog, stand.offset, stand.level])
            self._db.write(batch)
        self.stand = stand

    @property
    def size(self) -> int:
        """Bytes on disk and in buffers."""
        with _told(self, "measured"):
            names = ("rocksdb.total-sst-files-size", "rocksdb.cur-size-all-mem-tables")
            return sum(self._db.property_int_value(name) or 0 for name in names)

    def close(self) -> None:
        """Close it, so that it can be opened again. What RocksDB has to say to that is of no use any more."""
        try:
            self._db.close()
        except Exception:  # noqa: BLE001 - rocksdict raises nothing more special
            self.failed = True
        del self._db  # after a failure only this lets go of the lock

    def destroy(self) -> None:
        """Close it and delete its files."""
        self.close()
        shutil.rmtree(self.path, ignore_errors=True)


class _told:  # noqa: N801 - reads as a word
    """Turns RocksDB's and the system's errors into `StoreError`."""

    def __init__(self, database: Database, verb: str) -> None:
        self._database = database
        self._verb = verb

    def __enter__(self) -> None: ...

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: object) -> None:
        if isinstance(error, Exception):
            self._database.failed = True
            raise StoreError(
                f"{self._database.path} (SLACKWATER_STATE_DIR) cannot be {self._verb}: {error}; "
                "nothing is lost, as Kafka has it all"
            ) from error


def _decoded(stored: bytes | None) -> Stand | None:
    if stored is None:
        return None
    version, *values = orjson.loads(stored)
    if version != _FORMAT:
        raise ValueError(f"it has format {version}, and this program reads {_FORMAT}")
    return Stand(*values)
