"""Alerts as others see them: one transition of an alert is one value of the alerts topic."""

from enum import StrEnum
from typing import Annotated, Final

from pydantic import Field, StringConstraints

from schemas.base import AccountId, Currency, Model, Money, Name, Number, Scalar, SchemaVersion
from schemas.instants import Instant


class Kind(StrEnum):
    """What one detector watches for; an account has at most one open alert of each."""

    USAGE_DROP = "usage_drop"
    USAGE_SILENCE = "usage_silence"
    KEY_ACTION_STOPPED = "key_action_stopped"
    BREADTH_DECLINE = "breadth_decline"
    CHAMPION_GONE = "champion_gone"
    ONBOARDING_STALLED = "onboarding_stalled"
    PAYMENT_FAILED = "payment_failed"
    CARD_EXPIRING = "card_expiring"
    CANCEL_SCHEDULED = "cancel_scheduled"
    DOWNGRADE = "downgrade"
    SEATS_REDUCED = "seats_reduced"
    PAUSED = "paused"
    RENEWAL_AT_RISK = "renewal_at_risk"
    CANCEL_INTENT = "cancel_intent"
    NEGATIVE_FEEDBACK = "negative_feedback"
    TELEMETRY_STALLED = "telemetry_stalled"


ENGAGEMENT_KINDS: Final = (
    Kind.USAGE_DROP,
    Kind.USAGE_SILENCE,
    Kind.KEY_ACTION_STOPPED,
    Kind.BREADTH_DECLINE,
    Kind.CHAMPION_GONE,
    Kind.ONBOARDING_STALLED,
)
"""Those that tell of how an account uses the product."""


class Change(StrEnum):
    """What happened to the alert."""

    OPENED = "opened"
    ESCALATED = "escalated"
    ACKNOWLEDGED = "acknowledged"
    SNOOZED = "snoozed"
    WOKEN = "woken"
    RESOLVED = "resolved"


class AlertState(StrEnum):
    """Where the alert stands after the change."""

    FIRING = "firing"
    ACKNOWLEDGED = "acknowledged"
    SNOOZED = "snoozed"
    RESOLVED = "resolved"


class Severity(StrEnum):
    """How sure and how urgent, in rising order. Compare by `rank`: as strings they sort by the alphabet."""

    WATCH = "watch"
    WARNING = "warning"
    CRITICAL = "critical"

    @property
    def rank(self) -> int:
        """0 for watch, 1 for warning, 2 for critical.

        >>> Severity.CRITICAL.rank > Severity.WATCH.rank
        True
        """
        return _RANKS[self]


_RANKS = {severity: rank for rank, severity in enumerate(Severity)}


class Resolution(StrEnum):
    """Why an alert was resolved."""

    RECOVERED = "recovered"
    PAID = "paid"
    REVERTED = "reverted"
    REPLACED = "replaced"
    RENEWED = "renewed"
    LOST = "lost"
    REBASELINED = "rebaselined"
    MANUAL = "manual"
    EXPIRED = "expired"


AlertId = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{16}$")]
"""16 hex digits, made of account id, kind and the episode's opening time."""
Health = Annotated[int, Field(ge=0, le=100)]
"""0 (lost) to 100 (healthy)."""
DailyCounts = Annotated[tuple[Annotated[int, Field(ge=0, le=10**15)], ...], Field(max_length=60)]
"""A count for each of so many days, oldest first. Exact also for readers whose numbers are doubles."""


class AlertReason(Model):
    """One reason for an alert: a stable `code`, a sentence, and the values in it."""

    code: Name
    text: str
    values: dict[str, Scalar] = Field(default_factory=dict)


class OpenAlert(Model):
    """Another alert of the same account, one that is not resolved."""

    kind: Kind
    severity: Severity


class Transition(Model):
    """One change of an alert. `alert_id` and `revision` together are unique, and the same in a replay."""

    schema_version: SchemaVersion = 1
    alert_id: AlertId
    revision: Annotated[int, Field(ge=1)]
    account_id: AccountId
    account_name: str | None = None
    kind: Kind
    change: Change
    state: AlertState
    severity: Severity
    at: Instant
    """Event time of the change."""
    opened_at: Instant
    since: Instant
    """When the decline began, as estimated."""
    headline: str
    """One plain sentence."""
    reasons: tuple[AlertReason, ...] = ()
    evidence: dict[str, Number | DailyCounts] = Field(default_factory=dict)
    """Numbers: observed, expected, window, score, rate of false alarms at this score. When an alert on usage opens or
    escalates, also `daily`: the events of each of the last 28 closed days, oldest first."""
    health: Health
    mrr_minor: Money | None = None
    currency: Currency | None = None
    priority: Annotated[float, Field(ge=0)] = 0.0
    """Money at risk: MRR times the probability of loss within 90 days."""
    renewal_at: Instant | None = None
    """The nearest renewal of the account's paid subscriptions."""
    also_open: tuple[OpenAlert, ...] = ()
    """The account's other open alerts, the most severe first."""
    owner: str | None = None
    team: str | None = None
    tier: str | None = None
    tags: tuple[str, ...] = ()
    """The account's, as its record has them."""
    playbook: str | None = None
    """What to do next."""
    resolution: Resolution | None = None
    by: str | None = None
    """Who gave the command that this change carries out."""


PAST_HEADER: Final = "slackwater-past"
"""Header of a transition that was found out about long after its time: nobody is told of it by itself."""


def transition_headers(transition: Transition, *, past: bool = False) -> list[tuple[str, bytes]]:
    """The headers of the transition's record, so that a reader may pick without parsing."""
    return [
        ("content-type", b"application/json"),
        ("slackwater-alert-id", transition.alert_id.encode()),
        ("slackwater-kind", transition.kind.value.encode()),
        ("slackwater-change", transition.change.value.encode()),
        *([(PAST_HEADER, b"1")] if past else []),
    ]
