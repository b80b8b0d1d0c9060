"""What comes of an event."""

from dataclasses import dataclass

from schemas.alerts import Transition
from schemas.errors import Reason
from schemas.shuffle import Fact, FactBody
from schemas.usage import UsageEvent


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why something that was well formed cannot be: a command, an alias, or one more account."""

    reason: Reason
    field: str | None
    detail: str


@dataclass(frozen=True, slots=True)
class RefusedCommand:
    """A command that could not be carried out, or an alias that can be none, as it came."""

    fact: Fact
    refusal: Refusal


@dataclass(frozen=True, slots=True)
class TurnedAway:
    """An event that its home did not let in. `origin` and `offset` say where its record stands, `at` is its own time
    (ms), `body` the event as it was understood."""

    origin: str
    offset: int
    at: int
    body: FactBody | UsageEvent
    refusal: Refusal


Results = list[Transition | RefusedCommand]
