"""What really happened to a simulated account, kept apart from the events: the answers to the detector's exam."""

from dataclasses import asdict, dataclass
from typing import Any

from schemas import alerts
from streams.simulator.plan import DECLINES, Change

#: Alert kinds (values of `schemas.alerts.Kind`) that falling activity brings about.
ENGAGEMENT_KINDS = frozenset(kind.value for kind in (*alerts.ENGAGEMENT_KINDS, alerts.Kind.RENEWAL_AT_RISK))


@dataclass(frozen=True, slots=True)
class Cause:
    """A reason for alerts of one kind ("engagement" stands for all of ENGAGEMENT_KINDS) to open in [since, until). Any
    trouble puts a renewal at risk.

    Times are milliseconds since the epoch; `until` None means for ever.
    """

    kind: str
    since: int
    until: int | None = None

    def explains(self, kind: str, at: int) -> bool:
        """Whether an alert of this kind opened at this time is right."""
        same = kind in ENGAGEMENT_KINDS if self.kind == "engagement" else kind in (self.kind, "renewal_at_risk")
        return same and self.since <= at and (self.until is None or at < self.until)


@dataclass(frozen=True, slots=True)
class Truth:
    """One account's story. Times are milliseconds since the epoch.

    `rate` is its mean number of events a day before any change. `changed_at` is when the story began (the decline, the
    failed payment, the cancellation; for a card the moment from which its end can be foreseen) and `lost_at` when the
    last subscription ends, which may be after the simulated span: such an account was leaving, and still a customer.
    The first of `causes` is the story's own, by which it is to be found. `habits` are what it does in the plan's world
    that is no reason for an alert; `second_stopped_at` is when it gave up its second product, which is one.
    """

    account_id: str
    name: str
    rate: float
    dispersion: float
    mrr_minor: int
    currency: str
    started_at: int
    change: Change
    changed_at: int | None = None
    lost_at: int | None = None
    voluntary: bool | None = None
    causes: tuple[Cause, ...] = ()
    habits: tuple[str, ...] = ()
    second_product: bool = False
    second_stopped_at: int | None = None

    @property
    def declines(self) -> bool:
        """Whether the story is one of falling activity."""
        return self.change in DECLINES

    def as_dict(self) -> dict[str, Any]:
        """Plain values, for JSON lines."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> "Truth":
        """The inverse of `as_dict`."""
        causes = tuple(Cause(**cause) for cause in values["causes"])
        tuples = {"causes": causes, "habits": tuple(values.get("habits", ()))}
        return cls(**{**values, "change": Change(values["change"]), **tuples})
