"""User ids that were hashed where they were read, so that nothing behind that knows them.

A usage event carries a number. Where a fact names a user, the name is `#` and that number in 16 hexadecimal digits; and
while a key is followed by another one, behind it `#` and the number under the key before.
"""

import re
from collections.abc import Iterable
from typing import Final

from schemas.accounts import AccountUpdate
from schemas.feedback import FeedbackFact
from schemas.shuffle import FactBody, known_hash64

_PSEUDONYM: Final = re.compile(r"#([0-9a-f]{16})(?:#([0-9a-f]{16}))?")


def pseudonymous(body: FactBody, key: bytes, previous: bytes | None = None) -> FactBody:
    """The fact without any user's id; without a key as it is.

    >>> update = AccountUpdate(account_id="acme", updated_at=1_735_689_600_000, champions=("kim",))
    >>> pseudonymous(update, b"a key of sixteen").champions
    ('#2f7ea0993b7503b7',)
    """
    if not key:
        return body
    changed: dict[str, object] = {}
    if isinstance(body, AccountUpdate):
        for field in ("champions", "contacts_left"):
            users: tuple[str, ...] | None = getattr(body, field)
            if users:
                changed[field] = tuple([_pseudonym(user, key, previous) for user in users])
    elif isinstance(body, FeedbackFact) and body.user_id is not None:
        changed["user_id"] = _pseudonym(body.user_id, key, previous)
    return body.model_copy(update=changed) if changed else body


def numbers_of(user: str, key: bytes) -> tuple[int, int | None]:
    """What a user whom a fact names is known as, and was known as under the key before; of an id that was not hashed
    yet, too."""
    found = _PSEUDONYM.fullmatch(user) if key else None
    if found is None:
        return known_hash64(user, key), None
    return int(found[1], 16), None if found[2] is None else int(found[2], 16)


def renamed(users: Iterable[str], before: int, now: int) -> list[str]:
    """Users as facts named them, of whom the one that was known as `before` is now known as `now`."""
    return [f"#{now:016x}" if _known_as(user) == before else user for user in users]


def _known_as(user: str) -> int:
    found = _PSEUDONYM.fullmatch(user)
    return known_hash64(user) if found is None else int(found[1], 16)


def _pseudonym(user: str, key: bytes, previous: bytes | None) -> str:
    now = f"#{known_hash64(user, key):016x}"
    return now if previous is None else f"{now}#{known_hash64(user, previous):016x}"
