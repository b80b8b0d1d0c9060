"""Finds secrets in whatever the program says, also in the disguises in which logs, pages and topics carry text.

secrets = Secrets(webhook="x0SecretToken", token="xoxb-1-SecretBot")
assert secrets.found_in(log, page) == set()
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable
from traceback import TracebackException
from urllib.parse import quote


class Secrets:
    """Secrets by a name of theirs. Each is at least 12 characters long, so that none is found by chance."""

    def __init__(self, **secrets: str) -> None:
        assert all(len(each) >= 12 for each in secrets.values())
        self._disguises = {name: frozenset(_disguises(each)) for name, each in secrets.items()}

    def found_in(self, *texts: object) -> set[str]:
        """The names of those that stand somewhere in these texts or bytes, or in how other objects show themselves."""
        whole = "\n".join(_text(each) for each in texts)
        return {name for name, forms in self._disguises.items() if any(form in whole for form in forms)}


def crash_report(error: BaseException, *, of: str) -> str:
    """The traceback of an error with the local variables of its frames, as crash reporters take it; of files whose path
    holds `of`: a test's own frames know the secrets."""
    report = TracebackException.from_exception(error, capture_locals=True)
    lines: list[str] = []
    seen: TracebackException | None = report
    while seen is not None:
        lines += [str(seen), *(f"{each.filename} {each.locals}" for each in seen.stack if of in each.filename)]
        seen = seen.__cause__ or (None if seen.__suppress_context__ else seen.__context__)
    return "\n".join(lines)


def _disguises(secret: str) -> Iterable[str]:
    yield secret
    yield json.dumps(secret)[1:-1].replace("/", "\\/")
    yield quote(secret, safe="")
    yield secret.encode().hex()
    for before in range(3):  # base64 looks different by where in a group of three bytes the secret begins
        padded = base64.b64encode(b"\0" * before + secret.encode())
        inner = padded[4 * (before > 0) : len(padded) - 4].decode()  # without the groups that its neighbours share
        yield from (inner, inner.replace("+", "-").replace("/", "_"))


def _text(each: object) -> str:
    if isinstance(each, bytes | bytearray):
        return bytes(each).decode("utf-8", errors="replace")
    return each if isinstance(each, str) else repr(each)
