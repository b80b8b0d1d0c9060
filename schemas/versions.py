"""Whether JSON that cannot be read is damaged, or of another version: one of these must not be taken for the other."""

from typing import Final

import orjson

from schemas.errors import VersionError

KNOWN: Final = 1
"""The `schema_version` of all that slackwater writes as JSON."""


def refuse_newer(raw: bytes, what: str) -> None:
    """Raises `VersionError` where `raw` is a JSON object with a `schema_version` above `KNOWN`. Whatever else it may be
    is let pass: there has never been a version below 1.

    >>> refuse_newer(b'{"schema_version": 1}', "a message")
    >>> refuse_newer(b'{"schema_version": "new"}', "a message")
    >>> refuse_newer(b'{"schema_version": 2}', "a message")
    Traceback (most recent call last):
    schemas.errors.VersionError: a message of version 2: this worker reads version 1 only
    """
    try:
        value = orjson.loads(raw)
    except orjson.JSONDecodeError:
        return
    version = value.get("schema_version") if isinstance(value, dict) else None
    if type(version) is int and version > KNOWN:
        raise VersionError(f"{what} of version {version}: this worker reads version {KNOWN} only")
