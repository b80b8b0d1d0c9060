"""A usage event: somebody at an account did something."""

from typing import Annotated

from pydantic import Field

from schemas.base import AccountId, Model, Name, SchemaVersion
from schemas.instants import Instant


class UsageEvent(Model):
    """One value of the usage topic. `properties` and other fields that are not named here are not kept."""

    account_id: AccountId
    event: Name
    """Name of what was done."""
    occurred_at: Instant
    event_id: Name | None = None
    """Unique within the account; an event whose id came within the last 48 hours is a duplicate and is not counted."""
    user_id: Name | None = None
    quantity: Annotated[int, Field(ge=1, le=1_000_000)] = 1
    source: Name = "product"
    schema_version: SchemaVersion = 1
