"""What the engine counts as it goes, for the metrics."""

from collections import Counter
from dataclasses import dataclass, field

from streams.detection.loss import Loss
from streams.detection.reasons import ReasonClass

LossClass = tuple[bool, ReasonClass | None]
"""Whether the customer decided it, and why."""


@dataclass(slots=True)
class Tally:
    """Counters since the engine was made; they only grow."""

    usage: int = 0
    billing: int = 0
    accounts: int = 0
    feedback: int = 0
    commands: int = 0
    duplicates: int = 0
    """Events and commands whose id had been seen: not counted, not carried out. Part of the five above."""
    late: int = 0
    """Usage events of a day that had been judged: counted, not judged."""
    too_old: int = 0
    """Those of them whose day is no longer kept: counted in the total alone."""
    outdated: int = 0
    """Billing and feedback events older than what was known: without effect."""
    dedup_overflow: int = 0
    """Event ids forgotten before their time."""
    refused: int = 0
    """Commands that could not be carried out."""
    payments_succeeded: int = 0
    payments_failed: int = 0
    """Failed attempts."""
    transitions: int = 0
    lost: Counter[LossClass] = field(default_factory=Counter)
    """Accounts lost."""
    mrr_lost: Counter[tuple[str, LossClass]] = field(default_factory=Counter)
    """What they paid a month, in minor units, by currency."""
    revived: int = 0
    """Accounts that came back."""

    def count_loss(self, loss: Loss, of_class: ReasonClass | None) -> None:
        """An account is lost."""
        self.lost[loss.voluntary, of_class] += 1
        if loss.mrr_minor is not None and loss.currency is not None:
            self.mrr_lost[loss.currency, (loss.voluntary, of_class)] += loss.mrr_minor
