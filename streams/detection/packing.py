"""Numbers as short text inside a JSON value: little-endian bytes in base64."""

from binascii import a2b_base64, b2a_base64
from collections.abc import Iterable
from struct import pack, unpack
from zlib import compress, decompress


def pack_hashes(values: Iterable[int]) -> str:
    """64-bit hashes."""
    hashes = tuple(values)
    return _text(pack(f"<{len(hashes)}Q", *hashes))


def unpack_hashes(text: str) -> tuple[int, ...]:
    """The inverse of `pack_hashes`."""
    raw = a2b_base64(text)
    return unpack(f"<{len(raw) // 8}Q", raw)


def short(value: int) -> int:
    """A day (until the year 2149), a level or a flag, as 16 signed bits hold it; -1 is the only one below 0.

    >>> [from_short(short(each)) for each in (-1, 0, 32_768, 65_534)]
    [-1, 0, 32768, 65534]
    """
    return value if value < 1 << 15 else value - (1 << 16)


def from_short(value: int) -> int:
    """The inverse of `short`."""
    return value if value >= -1 else value + (1 << 16)


def pack_days(values: Iterable[int]) -> str:
    """Day numbers, 16 bits each: enough until the year 2149."""
    days = tuple(values)
    return _text(pack(f"<{len(days)}H", *days))


def unpack_days(text: str) -> tuple[int, ...]:
    """The inverse of `pack_days`."""
    raw = a2b_base64(text)
    return unpack(f"<{len(raw) // 2}H", raw)


def pack_numbers(values: Iterable[float]) -> str:
    """Real numbers, compressed."""
    numbers = tuple(values)
    return _text(compress(pack(f"<{len(numbers)}d", *numbers)))


def unpack_numbers(text: str) -> list[float]:
    """The inverse of `pack_numbers`."""
    raw = decompress(a2b_base64(text))
    return list(unpack(f"<{len(raw) // 8}d", raw))


def _text(raw: bytes) -> str:
    return b2a_base64(raw, newline=False).decode()
