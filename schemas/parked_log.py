"""Records of which it cannot be told yet whose they are, as the tasks that read them keep them in a topic. Internal."""

from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from msgspec import DecodeError
from msgspec.msgpack import Decoder, Encoder

from schemas.errors import StateError
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
    """The input partition that a row's key is of.

    >>> partition_of(b"billing/3@Vb2mHdCvTqOyJxkG1c9VAw 17"), partition_of(b"billing/3")
    ('billing/3', 'billing/3')
    """
    return place_of(row.decode().partition(" ")[0])


def encode_parked(entry: ParkedRecord | ParkedProgress) -> bytes:
    """The value of a row: a mark, the version, a byte each, and MessagePack."""
    if isinstance(entry, ParkedProgress):
        return _BEGINNING + _encode((entry.origin, entry.read, entry.sent))
    return _BEGINNING + _encode(tuple(entry))


def decode_parked(raw: bytes) -> ParkedRecord | ParkedProgress:
    """The inverse. Raises `StateError` for what a newer version wrote, and for what is no such row."""
    if raw[:2] != _BEGINNING:
        raise StateError(f"a parked record that begins with {raw[:2]!r}: this worker reads version {VERSION} only")
    try:
        fields = _decode(memoryview(raw)[2:])
    except DecodeError as error:
        raise StateError(f"a parked record cannot be read: {error}") from error
    if len(fields) == len(ParkedProgress.__slots__):
        return ParkedProgress(*fields)
    headers = tuple((name, value) for name, value in fields[-1])
    return ParkedRecord._make((*fields[:-1], headers))


_encode: Final = Encoder().encode
_decode: Final[Any] = Decoder(tuple[Any, ...]).decode
_BEGINNING: Final = b"\xc1" + bytes([VERSION])
"""As in the shuffle: nothing else begins so."""
