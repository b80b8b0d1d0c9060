"""What a company's own systems know of an account, kept from its account updates."""

from typing import Any, Final

from schemas.accounts import AccountUpdate
from schemas.pseudonyms import renamed

_KEPT = (
    "name",
    "owner",
    "team",
    "tier",
    "segment",
    "tags",
    "country",
    "plan",
    "mrr_minor",
    "currency",
    "seats",
    "renewal_at",
    "started_at",
    "champions",
    "contact",
    "internal",
)

ALIAS: Final = "alias"
"""Among the fields of an id that is no account any more: whose it is."""


class Profile:
    """The fields that were given, each with its last value. A field that is absent from an update is unchanged, one
    that is null is cleared. An update that is older than the last one fills only what is not known yet."""

    __slots__ = ("fields", "updated_at")

    def __init__(self) -> None:
        self.fields: dict[str, Any] = {}
        self.updated_at = -1

    def apply(self, update: AccountUpdate) -> None:
        """Fold one update in."""
        stale = update.updated_at < self.updated_at
        for name in _KEPT:  # not the set of given names: its order is nobody's
            if name not in update.model_fields_set or (stale and name in self.fields):
                continue
            value = getattr(update, name)
            # A cleared field stays here as None: an older update must not fill it again.
            self.fields[name] = list(value) if isinstance(value, tuple) else value
        self.updated_at = max(self.updated_at, update.updated_at)

    def rename_user(self, before: int, now: int) -> None:
        """A user is known under another number from now on."""
        if champions := self.texts("champions"):
            self.fields["champions"] = renamed(champions, before, now)

    def text(self, name: str) -> str | None:
        """A field that holds text."""
        value = self.fields.get(name)
        return value if isinstance(value, str) else None

    def texts(self, name: str) -> tuple[str, ...]:
        """A field that holds several texts."""
        value = self.fields.get(name)
        return tuple(value) if isinstance(value, list) else ()

    def number(self, name: str) -> int | None:
        """A field that holds a number or a time."""
        value = self.fields.get(name)
        return value if isinstance(value, int) and not isinstance(value, bool) else None

    @property
    def internal(self) -> bool:
        """The company's own account."""
        return self.fields.get("internal") is True

    @property
    def alias(self) -> bool:
        """The id stands for another account by now."""
        return ALIAS in self.fields

    @property
    def alias_of(self) -> str | None:
        """Which one; None also where it was not kept, before there was this field."""
        return self.text(ALIAS)

    def encode(self) -> list[Any]:
        """JSON values."""
        return [self.updated_at, self.fields]

    @classmethod
    def decode(cls, values: list[Any]) -> "Profile":
        """The inverse of `encode`."""
        profile = cls()
        profile.updated_at, profile.fields = values
        return profile
