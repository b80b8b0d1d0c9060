"""What comes of an event."""

from dataclasses import dataclass

from schemas.alerts import Transition
from schemas.errors import Reason
from schemas.shuffle import Fact


@dataclass(frozen=True, slots=True)
class Refusal:
    """What was well formed and cannot be: a command, or an alias."""

    reason: Reason
    field: str | None
    detail: str


@dataclass(frozen=True, slots=True)
class RefusedCommand:
    """A command that could not be carried out, or an alias that can be none, as it came."""

    fact: Fact
    refusal: Refusal


Results = list[Transition | RefusedCommand]
