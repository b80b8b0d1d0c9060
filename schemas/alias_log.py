"""What the partitions of the accounts topic say of ids, in one log for all who read the other topics. Internal."""

from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from msgspec import DecodeError
from msgspec.msgpack import Decoder, Encoder

from schemas.frame import beginning, content

VERSION: Final = 1


class Statement(NamedTuple):
    """That an account is there, and what its other ids are."""

    offset: int
    """Where the update stands in its input partition."""
    place: int
    """In the merged order, in ms: the update's time, or its origin's clock when it was read, if that is later."""
    account: str
    updated_at: int
    aliases: tuple[str, ...] | None
    """All of them; None: nothing was said of them."""


@dataclass(frozen=True, slots=True)
class AliasRecord:
    """What one input partition (the origin) had to say since its record before, and how far it has come. `clock` and
    `caught_up` are as in `ShuffleRecord`."""

    origin: str
    last: int
    """Every statement of this origin up to this offset is in this record or an earlier one."""
    clock: int | None
    caught_up: bool
    statements: tuple[Statement, ...]


def encode_alias_record(record: AliasRecord) -> bytes:
    """One value of the alias topic: its beginning (`frame.py`), and MessagePack."""
    return _BEGINNING + _encode((record.origin, record.last, record.clock, record.caught_up, record.statements))


def decode_alias_record(raw: bytes) -> AliasRecord:
    """The inverse. Raises `VersionError` for what another version wrote, and ValueError for what is no such record."""
    rest = content(raw, VERSION, _WHAT)
    try:
        origin, last, clock, caught_up, rows = _decode(rest)
    except DecodeError as error:
        raise ValueError(f"no {_WHAT}: {error}") from error
    return AliasRecord(origin, last, clock, caught_up, tuple(Statement(*row) for row in rows))


_Row = tuple[int, int, str, int, tuple[str, ...] | None]
_encode: Final = Encoder().encode
_decode: Final[Any] = Decoder(tuple[str, int, int | None, bool, list[_Row]]).decode
_WHAT: Final = "record on aliases"
_BEGINNING: Final = beginning(VERSION)
