"""An account's current picture: what the board reads."""

from enum import StrEnum
from typing import Annotated

from pydantic import Field

from schemas.alerts import AlertId, Health, Kind, Severity, Transition
from schemas.base import AccountId, Currency, Model, Money, Name, SchemaVersion, Seats
from schemas.instants import Instant

Count = Annotated[int, Field(ge=0)]


class Phase(StrEnum):
    """Where an account is in its life."""

    ONBOARDING = "onboarding"
    ACTIVE = "active"
    ALERTING = "alerting"
    PAUSED = "paused"
    LOST = "lost"


class PaymentState(StrEnum):
    """`failed` while an invoice that failed is neither paid nor voided."""

    OK = "ok"
    FAILED = "failed"


class Factor(Model):
    """One part of the health: its points (negative: taken off) and why."""

    name: Name
    points: float
    text: str


class Engagement(Model):
    """Activity. Windows end with the day of the picture's `at`, in the business time zone."""

    events_total: Count = 0
    """Sum of the quantity of all usage events ever counted, late ones included."""
    events_7d: Count = 0
    events_28d: Count = 0
    expected_28d: Annotated[float, Field(ge=0)] | None = None
    """What the account's own baseline leads to expect; None while there is none."""
    active_users_28d: Count = 0
    last_event_at: Instant | None = None
    daily: tuple[Count, ...] = ()
    """Counts of the last days (60 by default), oldest first; the last one is the day of `at`."""


class Billing(Model):
    """Money. Sums over the account's paid subscriptions; dates are the nearest ones."""

    plan: str | None = None
    seats: Seats | None = None
    mrr_minor: Money | None = None
    currency: Currency | None = None
    card_end: Instant | None = None
    """The moment from which the default card is no longer good."""
    renewal_at: Instant | None = None
    cancel_at: Instant | None = None
    payment_state: PaymentState | None = None


class TimelineEntry(Model):
    """One line of an account's history."""

    at: Instant
    code: Name
    """What it was, for programs: `alert.opened`, `action`, `subscription.started` and the like."""
    text: str
    """The same for people."""
    kind: Kind | None = None
    alert_id: AlertId | None = None
    by: str | None = None


class Sign(Model):
    """An alert of the months before a loss, as it stood in the end. What the customer did about the subscription itself
    is none."""

    kind: Kind
    severity: Severity
    opened_at: Instant
    told_at: Instant | None = None
    """When it was first more than a watch, and people may have been told."""
    resolved_at: Instant | None = None
    """When it was over; null: it stood until the end."""
    acted: bool = False
    """Somebody acknowledged it, or recorded an action on it."""


class PostMortem(Model):
    """What was seen of a loss before it was decided, and what was done."""

    text: str
    """The same in sentences: the first sign, who was told how long before, what was done; or why nothing was seen."""
    signs: tuple[Sign, ...] = ()
    """The first one first."""
    warning_days: Annotated[float, Field(ge=0)] | None = None
    """From when people may first have been told to the decision; null: there was nothing to be told."""
    done: tuple[TimelineEntry, ...] = ()
    """What people did about its alerts, as far as its timeline has it."""


class Loss(Model):
    """The account's end as a customer."""

    at: Instant
    voluntary: bool
    """Someone decided it; false: it ended for want of payment, say."""
    reason: str | None = None
    """As it was given, like the comment."""
    reason_class: Name | None = None
    """What the reason comes to: `price`, `not_used_enough` and the like; null: no reason is known, and can be asked."""
    influenceable: bool | None = None
    """Whether a team could have done something about it."""
    comment: str | None = None
    decided_at: Instant
    """The first decision to cancel; where nobody decided, the end."""
    foreseen_by: Kind | None = None
    """The first alert of more than a watch that stood when it was decided, or had become one in the 60 days before."""
    foreseen_at: Instant | None = None
    """When it was first more than a watch."""
    mrr_minor: Money | None = None
    currency: Currency | None = None
    post_mortem: PostMortem | None = None


class OutcomeCount(Model):
    """How many of the account's alerts of a kind came to the same."""

    kind: Name
    """A kind of alert; `any`: not an alert but the account, which was lost."""
    outcome: Name
    """`saved`, `recovered_unaided`, `lost`, `false_alarm`, or `missed`: lost without an alert before."""
    times: Count
    mrr_minor: Money = 0
    """Saved or lost by it, in minor units of `currency`."""
    currency: Currency | None = None
    lead_hours: Count = 0
    """By how much alerts came before the decision to leave, added up ..."""
    leads: Count = 0
    """... over so many."""


class ActionCount(Model):
    """How many of the things that were done about the account's alerts were the same, and came to the same."""

    kind: Name
    """The kind of the alert; `any`: there was none."""
    action: Name
    """As it was named."""
    result: Name | None = None
    """`offered`, `accepted` or `declined`."""
    reason_class: Name | None = None
    """What the account left for, or was about to, as far as that is known: see `Loss`."""
    outcome: Name | None = None
    """What the alert came to: see `OutcomeCount`; null as long as it is not judged."""
    times: Count
    cost_minor: Money = 0
    """In minor units of `currency`, like `saved_minor`."""
    saved_minor: Money = 0
    """MRR saved, shared out evenly over what was done about the same alert."""
    currency: Currency | None = None


class AccountPicture(Model):
    """One value of the health topic, which keeps the last one of each account."""

    schema_version: SchemaVersion = 1
    account_id: AccountId
    account_name: str | None = None
    alias_of: AccountId | None = None
    """The id is an alias of this account by now: what comes under it is counted there. Here is what was before."""
    at: Instant
    phase: Phase
    health: Health
    factors: tuple[Factor, ...] = ()
    missing: tuple[Name, ...] = ()
    """Factors that were left out of the health for want of data."""
    engagement: Engagement = Engagement()
    billing: Billing = Billing()
    loss: Loss | None = None
    """Of an account that is lost."""
    outcomes: tuple[OutcomeCount, ...] = ()
    """What its alerts came to, all of them together."""
    actions: tuple[ActionCount, ...] = ()
    """What was done about them, what that cost, and what it saved."""
    silent_at: Instant | None = None
    """When `usage_silence` would be a warning if nobody did anything from now on; null: it is, or nobody can tell."""
    alerts: tuple[Transition, ...] = ()
    """The open ones, each as its last transition, but for `daily` in the evidence: `engagement` has newer counts."""
    timeline: tuple[TimelineEntry, ...] = ()
    """The last 50 entries, oldest first."""
    priority: Annotated[float, Field(ge=0)] = 0.0
    owner: str | None = None
    team: str | None = None
