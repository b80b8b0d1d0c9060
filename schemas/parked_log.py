"""Records of which it cannot be told yet whose they are, as the tasks that read them keep them in a topic. Internal."""

from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from msgspec import DecodeError
from msgspec.msgpack import Decoder, Encoder

from schemas.frame import beginning, content
from schemas.shuffle import place_of

VERSION: Final = 1


class ParkedRecord(NamedTuple):
    """A record that waits, whole."""

    origin: str
    """Of which input partition it is; as in `ShuffleRecord`."""
    offset: int
    place: int
    """In the merged order, in ms."""
    name: str
    """The id that stands for no account yet."""
    timestamp: int
    """The record's own, in ms; -1: it has none."""
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes | None], ...]

    @property
    def row(self) -> bytes:
        """The key of its row. No topic's name has a space."""
        return f"{self.origin} {self.offset}".encode()


@dataclass(frozen=True, slots=True)
class ParkedProgress:
    """What an input partition's task has parked and sent on. Its row has the partition's place for a key."""

    origin: str
    read: int
    """Records of that origin up to this offset are waiting, or have waited; it is read again only after a reset."""
    sent: int
    """The number of the record that was sent on last."""


def partition_of(row: bytes) -> str:
    """The input partition that a row's key is of. A key that none of ours has is of none that there is.

    >>> partition_of(b"billing/3@Vb2mHdCvTqOyJxkG1c9VAw 17"), partition_of(b"billing/3")
    ('billing/3', 'billing/3')
    """
    return place_of(row.decode(errors="replace").partition(" ")[0])


def is_progress(row: bytes) -> bool:
    """Whether a row's key is that of a partition's `ParkedProgress`, and not of a record.

    >>> is_progress(b"billing/3"), is_progress(b"billing/3@Vb2mHdCvTqOyJxkG1c9VAw 17")
    (True, False)
    """
    return b" " not in row


def encode_parked(entry: ParkedRecord | ParkedProgress) -> bytes:
    """The value of a row: its beginning (`frame.py`), and MessagePack."""
    if isinstance(entry, ParkedProgress):
        return _BEGINNING + _encode((entry.origin, entry.read, entry.sent))
    return _BEGINNING + _encode(tuple(entry))


def decode_parked(row: bytes, raw: bytes) -> ParkedRecord | ParkedProgress:
    """The inverse, of the value of the row with this key. Raises `VersionError` for what another version wrote, and
    ValueError for what is no such row."""
    rest = content(raw, VERSION, _WHAT)
    entry: ParkedRecord | ParkedProgress
    try:
        if is_progress(row):
            entry = ParkedProgress(*_decode_progress(rest))
            key = place_of(entry.origin).encode()
        else:
            *fields, headers = _decode_record(rest)
            entry = ParkedRecord._make((*fields, tuple(headers)))
            key = entry.row
    except DecodeError as error:
        raise ValueError(f"no {_WHAT}: {error}") from error
    if key != row:
        raise ValueError(f"no {_WHAT}: it does not stand under its own key")
    return entry


_encode: Final = Encoder().encode
# Typed, so that a row that is damaged is found out here and not where it is worked on.
_decode_record: Final[Any] = Decoder(
    tuple[str, int, int, str, int, bytes | None, bytes | None, list[tuple[str, bytes | None]]]
).decode
_decode_progress: Final[Any] = Decoder(tuple[str, int, int]).decode
_WHAT: Final = "parked record"
_BEGINNING: Final = beginning(VERSION)
