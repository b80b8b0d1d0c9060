"""What comes of an event."""

from dataclasses import dataclass

from schemas.alerts import Transition
from schemas.errors import Reason


@dataclass(frozen=True, slots=True)
class Refusal:
    """A command that was well formed and could not be carried out."""

    reason: Reason
    field: str | None
    detail: str


Results = list[Transition | Refusal]
