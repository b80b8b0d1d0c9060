"""What a company's own systems know of an account."""

from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import AliasChoices, Field, GetCoreSchemaHandler, StringConstraints
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

from schemas.base import AccountId, Currency, Model, Money, Name, SchemaVersion, Seats
from schemas.instants import Instant

Link = Annotated[str, StringConstraints(max_length=2_048, pattern=r"^https?://[^\s\u0000-\u001f\u007f-\u009f]+$")]
"""An http or https address."""
Label = Annotated[str, StringConstraints(min_length=1, max_length=64)]


@dataclass(frozen=True)
class _AtMost:
    """Refuses a long collection before its items are looked at: each bad one of a million would become an error."""

    limit: int

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_before_validator_function(self._check, handler(source))

    def _check(self, value: Any) -> Any:
        if isinstance(value, list | tuple | dict) and len(value) > self.limit:
            raise PydanticCustomError("too_long", "must have at most {limit} items", {"limit": self.limit})
        return value


Links = Annotated[dict[Label, Link], Field(max_length=20), _AtMost(20)]


class AccountUpdate(Model):
    """One value of the accounts topic. A field that is absent is unchanged, one that is null is cleared."""

    account_id: AccountId
    updated_at: Instant
    name: Name | None = None
    owner: Name | None = None
    """Who looks after the account: an e-mail address, usually."""
    team: Name | None = None
    tier: Name | None = None
    segment: Name | None = None
    tags: Annotated[tuple[Label, ...], Field(max_length=20, strict=False), _AtMost(20)] | None = None
    """Words that routes go by: `pilot`, `do-not-call`."""
    country: Name | None = None
    plan: Name | None = None
    mrr_minor: Money | None = Field(default=None, validation_alias=AliasChoices("mrr_minor", "mrr"))
    """Monthly recurring revenue in minor units of `currency`; also read under the name `mrr`, in the same unit."""
    currency: Currency | None = None
    seats: Seats | None = None
    renewal_at: Instant | None = None
    started_at: Instant | None = None
    """When the account became a customer."""
    champions: Annotated[tuple[Name, ...], Field(max_length=100, strict=False), _AtMost(100)] | None = None
    """User ids of those who carry the product inside the account."""
    contact: Name | None = None
    contacts_left: Annotated[tuple[Name, ...], Field(max_length=1_000, strict=False), _AtMost(1_000)] | None = None
    """User ids of those who left the account."""
    aliases: Annotated[tuple[AccountId, ...], Field(max_length=100, strict=False), _AtMost(100)] | None = None
    """Other ids of the same account: a Stripe customer, a Segment group, a CRM record."""
    links: Links | None = None
    """Label to http(s) address, at most 20."""
    internal: bool | None = None
    """The company's own account: counted, never alerted."""
    schema_version: SchemaVersion = 1

    def changes(self) -> dict[str, object]:
        """What the update says: field to new value, None to clear it; fields that are not mentioned are not in it."""
        said = self.model_fields_set - {"account_id", "updated_at", "schema_version"}
        return {name: getattr(self, name) for name in type(self).model_fields if name in said}
