"""Usage events that are written as nearly all of them are, read without a model: for speed, and for nothing else.

Where this gives fields, `decode` reads the same ones: a property test holds that. Where it gives none, ask `decode`.
"""

import re
from functools import lru_cache, partial
from typing import NamedTuple

import orjson

from schemas.base import NO_CONTROL
from schemas.instants import quick_instant
from schemas.usage import UsageEvent

_MOST = 256
_NO_CONTROL = re.compile(NO_CONTROL)


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
    """The fields of a usage event; None when it is for `decode` to say what it is."""
    try:
        value = orjson.loads(raw)
    except orjson.JSONDecodeError:
        return None
    if type(value) is not dict:
        return None
    get = value.get
    account, event, when = get("account_id"), get("event"), get("occurred_at")
    user, event_id, quantity, source = get("user_id"), get("event_id"), get("quantity"), get("source")
    texts = 3 + (user is not None) + (event_id is not None) + (source is not None)
    fields = texts + (quantity is not None)
    # No other field, and none that is null or came twice: each would leave more quotes than these texts have.
    if raw.count(b'"') != 2 * (fields + texts):
        return None
    if (
        not (type(account) is type(event) is type(when) is str and event and _is_account(account))
        or (user is not None and not (type(user) is str and user))
        or (event_id is not None and not (type(event_id) is str and event_id))
        or (source is not None and not (type(source) is str and source))
        or (quantity is not None and not (type(quantity) is int and 0 < quantity <= 1_000_000))
        or (len(raw) > _MOST and max(map(len, (event, user or "", event_id or "", source or ""))) > _MOST)
    ):
        return None
    at = quick_instant(when)
    if at is None:
        return None
    return _made((account, at, event, user, 1 if quantity is None else quantity, source or "product", event_id))


_made = partial(tuple.__new__, UsageFields)


@lru_cache(maxsize=1 << 17)
def _is_account(text: str) -> bool:
    return 0 < len(text) <= _MOST and _NO_CONTROL.match(text) is not None
