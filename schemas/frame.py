"""How the records begin that the application writes for itself in MessagePack: a mark and a version, a byte each."""

from typing import Final

from schemas.errors import VersionError

_MARK: Final = 0xC1
"""No JSON begins so, no text in UTF-8, and nothing else in MessagePack, which never uses it."""


def beginning(version: int) -> bytes:
    """What is written before a record.

    >>> beginning(3)
    b'\\xc1\\x03'
    """
    return bytes((_MARK, version))


def content(raw: bytes, version: int, what: str) -> memoryview:
    """What stands behind it. Raises `VersionError` when another version wrote it, and ValueError for what begins
    otherwise and is no `what`.

    >>> bytes(content(b"\\xc1\\x03\\x90", 3, "shuffle record"))
    b'\\x90'
    """
    if len(raw) < 2 or raw[0] != _MARK:
        raise ValueError(f"no {what}: it does not begin as one does")
    if raw[1] != version:
        raise VersionError(f"a {what} of version {raw[1]}: this worker reads version {version} only")
    return memoryview(raw)[2:]
