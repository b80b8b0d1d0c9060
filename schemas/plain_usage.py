"""Usage events that are written as nearly all of them are, read without a model: for speed, and for nothing else.

Where this gives fields, `decode` reads the same ones: a property test holds that. Where it gives none, ask `decode`.
"""

import re
from functools import lru_cache, partial
from typing import Final, NamedTuple

from msgspec import DecodeError
from msgspec.json import Decoder

from schemas.base import NO_CONTROL
from schemas.instants import quick_instant
from schemas.plain_form import PlainForm
from schemas.usage import UsageEvent

MOST: Final = 4_096
"""Bytes of a record that is read here."""


class UsageFields(NamedTuple):
    """What is kept of a usage event."""

    account: str
    at: int
    event: str
    user: str | None
    quantity: int
    source: str
    event_id: str | None


def fields_of(event: UsageEvent) -> UsageFields:
    """The same of a model."""
    about = (event.user_id, event.quantity, event.source, event.event_id)
    return UsageFields(event.account_id, event.occurred_at, event.event, *about)


def read_plainly(raw: bytes) -> UsageFields | None:
    """The fields of a usage event; None when it is for `decode` to say what it is, as with all above `MOST`."""
    try:
        plain = _decode(raw)
    except (DecodeError, UnicodeDecodeError, RecursionError):
        return None
    account, user, event_id = plain.account_id, plain.user_id, plain.event_id
    quantity, source = plain.quantity, plain.source
    # Three texts and their names have twelve. No other field, and none that is null or came twice: each would leave
    # more of them than these fields have.
    quotes = 12
    if event_id is not None:
        quotes += 4
    if user is not None:
        quotes += 4
    if source is None:
        source = "product"
    else:
        quotes += 4
    if quantity is None:
        quantity = 1
    else:
        quotes += 2
    at = quick_instant(plain.occurred_at)
    if at is None or raw.count(b'"') != quotes or len(raw) > MOST or not _is_account(account):
        return None
    return _made((account, at, plain.event, user, quantity, source, event_id))


_made: Final = partial(tuple.__new__, UsageFields)
_decode: Final = Decoder(PlainForm).decode


@lru_cache(maxsize=1 << 17)
def _is_account(text: str) -> bool:
    return _NO_CONTROL.match(text) is not None


_NO_CONTROL: Final = re.compile(NO_CONTROL)
