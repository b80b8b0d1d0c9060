"""The end of an account as a customer: by whose decision, why, and whether it had been foreseen."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

from alerting.lifecycle import Alert
from schemas.alerts import Kind
from streams.detection.config import DAY_MS
from streams.detection.subscription import Subscription

FORESEEN_DAYS: Final = 60
"""An alert that was over by then foresaw the loss if it was told within so many days before."""
DECISION: Final = frozenset({Kind.CANCEL_SCHEDULED, Kind.PAUSED, Kind.DOWNGRADE, Kind.SEATS_REDUCED})
"""What the customer does about the subscription is the decision itself, and foresees nothing."""


@dataclass(frozen=True, slots=True)
class Loss:
    """One loss. Times in milliseconds."""

    at: int
    voluntary: bool
    reason: str | None
    """As it was given; so is the comment."""
    decided_at: int
    """The first decision to cancel; where nobody decided, the end."""
    foreseen_by: Kind | None = None
    """The first alert of more than a watch that stood when it was decided, or had been told shortly before."""
    foreseen_at: int | None = None
    """When it was first more than a watch."""
    comment: str | None = None
    mrr_minor: int | None = None
    """What the last subscription paid a month; None: it was a trial, or that is not known."""
    currency: str | None = None

    def encode(self) -> list[Any]:
        """JSON values, without what is absent at the end."""
        kind = self.foreseen_by.value if self.foreseen_by is not None else None
        values: list[Any] = [self.at, self.voluntary, self.reason, self.decided_at, kind, self.foreseen_at]
        values += [self.comment, self.mrr_minor, self.currency]
        while values[-1] is None:
            values.pop()
        return values

    @classmethod
    def decode(cls, values: list[Any]) -> "Loss":
        """The inverse of `encode`."""
        at, voluntary, *more = values
        reason, decided_at, kind, *rest = more + [None] * (3 - len(more))
        decided_at = decided_at if decided_at is not None else at  # an older version did not keep it
        return cls(at, voluntary, reason, decided_at, Kind(kind) if kind is not None else None, *rest)


def loss_of(ended: Subscription, at: int, alerts: Iterable[Alert]) -> Loss:
    """The loss of an account by the end of this subscription; `alerts`: its last one of each kind."""
    decided_at = min(ended.cancelled_at, at) if ended.cancelled_at is not None else at
    warned = [alert for alert in alerts if _foresaw(alert, decided_at)]
    first = min(warned, key=_warned_at, default=None)
    return Loss(
        at,
        bool(ended.voluntary),
        ended.reason,
        decided_at,
        first.kind if first is not None else None,
        first.warned_at if first is not None else None,
        ended.comment,
        ended.mrr_minor if not ended.trial else None,
        ended.currency if not ended.trial else None,
    )


def _foresaw(alert: Alert, decided_at: int) -> bool:
    warned_at = alert.warned_at
    if alert.kind in DECISION or warned_at is None or warned_at >= decided_at:
        return False
    return alert.is_open or alert.at >= decided_at or warned_at >= decided_at - FORESEEN_DAYS * DAY_MS


def _warned_at(alert: Alert) -> int:
    return alert.warned_at or 0
