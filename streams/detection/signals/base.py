"""What a signal is: what one detector says about one account at one time.

A signal only looks at an account; opening, escalating and resolving alerts is the engine's, after the signal's
judgement.
"""

from dataclasses import dataclass
from typing import Final, Protocol

from alerting.lifecycle import Finding
from schemas.alerts import Kind, Resolution, Severity
from streams.detection.state import Account

DAYS_TOLD: Final = 28
"""Days whose counts go into the evidence of a signal on usage: four of each weekday, and no more than are kept."""


@dataclass(frozen=True, slots=True)
class Firing:
    """The condition holds, at this severity. A larger `step` than the alert's is worth saying again."""

    severity: Severity
    step: int = 0


@dataclass(frozen=True, slots=True)
class Calm:
    """The condition is over, and why."""

    resolution: Resolution


Judgement = Firing | Calm | None
"""None: things stay as they are."""


class Signal(Protocol):
    """What daily and dated signals have in common."""

    @property
    def kind(self) -> Kind:
        """The kind of its alerts."""
        ...

    def describe(self, account: Account, at: int, firing: Firing) -> Finding:
        """The words and numbers of an alert that opens or escalates at `at`."""
        ...


class DailySignal(Signal, Protocol):
    """A signal on usage."""

    def judge(self, account: Account, day: int) -> Judgement:
        """After `day`, the account's newest closed day, was folded in."""
        ...


class DatedSignal(Signal, Protocol):
    """A signal on what is told of the account, and on dates."""

    def judge(self, account: Account, at: int) -> Judgement:
        """As things stand at `at`."""
        ...

    def next_at(self, account: Account) -> int | None:
        """If no event comes any more: when the judgement will be another one (None: never). Follows from the account
        alone; once that moment has been judged it names a later one, or none."""
        ...
