"""Which format a topic has, and what has to be known to read it."""

from dataclasses import dataclass
from enum import StrEnum


class Format(StrEnum):
    """How the records of an input topic are written."""

    NATIVE = "native"
    SEGMENT = "segment"
    STRIPE = "stripe"
    CLOUDEVENTS = "cloudevents"
    AUTO = "auto"
    """Each record by its shape."""


@dataclass(frozen=True, slots=True)
class Lookup:
    """Where foreign records name the account. `segment`: paths that are tried in this order. `stripe`: a key of the
    metadata."""

    segment: tuple[str, ...] = ("context.groupId",)
    stripe: str = "account_id"
