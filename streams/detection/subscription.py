"""One subscription: its terms, and what became of it."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Subscription:
    """One subscription as its last event left it. `changed_at`: that event's time; older ones no longer count."""

    subscription_id: str
    changed_at: int
    live: bool = True
    trial: bool = False
    plan: str | None = None
    seats: int | None = None
    mrr_minor: int | None = None
    currency: str | None = None
    interval: str | None = None
    period_end: int | None = None
    renewal_at: int | None = None
    cancel_at: int | None = None
    cancelled_at: int | None = None
    reason: str | None = None
    comment: str | None = None
    paused: bool = False
    resumes_at: int | None = None
    voluntary: bool | None = None
    paused_at: int | None = None
    lowered_at: int | None = None
    """When its price or plan last went down, and has not come up again to what it was: `plan_before`, `mrr_before`. Of
    one that ended beside others, unannounced: when, and what of its price these have not made up for, `mrr_before`."""
    plan_before: str | None = None
    mrr_before: int | None = None
    fewer_at: int | None = None
    """When its seats last went down, and are still fewer than `seats_before`."""
    seats_before: int | None = None
    more_at: int | None = None
    """When more was last paid for it than before, beside others: it began, or went up ..."""
    more_minor: int = 0
    """... by so much a month within a day, that no other one's end has taken up."""

    @property
    def paid(self) -> bool:
        """Running, and not a trial."""
        return self.live and not self.trial

    @property
    def ended_unannounced(self) -> bool:
        """Over, though nobody had cancelled it for then."""
        return not self.live and self.cancel_at is None

    @property
    def gone(self) -> bool:
        """Its end is why less is paid. One that cost nothing by then has gone down before: `plan_before`."""
        return self.ended_unannounced and self.lowered_at is not None and self.plan_before is None

    @property
    def next_charge(self) -> int | None:
        """When money is next asked for; None when it is not known, or will not be."""
        if not self.live or self.cancel_at is not None or self.paused:
            return None
        return self.period_end if self.period_end is not None else self.renewal_at
