"""What a company's own systems know of an account."""

from typing import Annotated

from pydantic import AliasChoices, Field, StringConstraints

from schemas.base import AccountId, Currency, Model, Money, Name, SchemaVersion, Seats
from schemas.instants import Instant

Link = Annotated[str, StringConstraints(max_length=2_048, pattern=r"^https?://[^\s\u0000-\u001f\u007f-\u009f]+$")]
"""An http or https address."""
Links = Annotated[dict[Annotated[str, StringConstraints(min_length=1, max_length=64)], Link], Field(max_length=20)]


def _list(limit: int) -> object:
    return Field(max_length=limit, strict=False)


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
    country: Name | None = None
    plan: Name | None = None
    mrr_minor: Money | None = Field(default=None, validation_alias=AliasChoices("mrr_minor", "mrr"))
    """Monthly recurring revenue in minor units of `currency`; also read under the name `mrr`, in the same unit."""
    currency: Currency | None = None
    seats: Seats | None = None
    renewal_at: Instant | None = None
    started_at: Instant | None = None
    """When the account became a customer."""
    champions: Annotated[tuple[Name, ...], _list(100)] | None = None
    """User ids of those who carry the product inside the account."""
    contact: Name | None = None
    contacts_left: Annotated[tuple[Name, ...], _list(1_000)] | None = None
    """User ids of those who left the account."""
    aliases: Annotated[tuple[AccountId, ...], _list(100)] | None = None
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
