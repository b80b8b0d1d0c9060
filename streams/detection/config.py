"""What the engine may be told: one frozen object."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Final

from alerting.playbook import Play

HOUR_MS: Final = 3_600_000
DAY_MS: Final = 24 * HOUR_MS


HEALTH_WEIGHTS: Final[Mapping[str, float]] = {
    "usage": 40.0,
    "silence": 40.0,
    "people": 15.0,
    "subscription": 60.0,
    "payment": 40.0,
    "card": 10.0,
    "feedback": 15.0,
}
"""Factors of health, and how many points each takes off at most."""


@dataclass(frozen=True, slots=True)
class DetectionConfig:
    """Settings of the detection engine. Raises `ValueError` for a combination that cannot work."""

    timezone: str = "UTC"
    """IANA name of the time zone whose midnights part the days."""
    alert_false_alarms: float = 0.2
    """False alarms per account-year, over all engagement kinds together, of an alert (severity warning)."""
    watch_false_alarms: float = 1.0
    """The same for a watch. A critical alert is a tenth as frequent as a warning."""
    grace_ms: int = HOUR_MS
    """A day is judged this long after it ended."""
    kept_days: int = 60
    """Days whose counts are kept, and into which late events are still counted."""
    dedup_window_ms: int = 48 * HOUR_MS
    dedup_limit: int = 4_096
    """Event ids remembered for each account at most."""
    users_kept: int = 256
    timeline_kept: int = 50
    key_actions: tuple[str, ...] = ()
    """Names of the events that are core actions; `*` stands for any text."""
    cool_down_days: int = 28
    """An alert that fires again within this time after it was resolved is the same alert, reopened."""
    monitored_age_days: int = 30
    """An account is judged from this age on ..."""
    monitored_active_days: int = 5
    """... once it had this many active days ..."""
    monitored_window_days: int = 180
    """... within this many days. Before, it is onboarding."""
    expected_events: float = 3.0
    """No engagement alert opens on fewer missing events than this."""
    drop_hold_days: int = 7
    """`usage_drop` is resolved when its evidence has been below the opening threshold for this long."""
    card_notice_days: int = 30
    """`card_expiring` opens this long before the card ends."""
    critical_notice_days: int = 7
    """A scheduled cancellation, and a charge to a card that has ended by then, turn critical this long before. So does
    the end of a pause."""
    contraction_days: int = 30
    """`downgrade` and `seats_reduced` are over after this time: that is what the account pays for now."""
    renewal_notice_weeks: int = 13
    """`renewal_at_risk` looks at a contract from this long before its renewal on."""
    reason_keywords: tuple[tuple[str, str], ...] = ()
    """See `Reasons`."""
    let_go: tuple[str, ...] = ()
    """See `LetGo`."""
    health_weights: tuple[tuple[str, float], ...] = ()
    """Factors whose weight is another than that of `HEALTH_WEIGHTS`."""
    plays: tuple[Play, ...] = ()
    """What to do about alerts, before what comes along: see `Playbook`."""

    feedback_days: int = 30
    """A complaint counts for `negative_feedback` so long."""
    ticket_open_days: int = 7
    """A support ticket that is open for so long is a complaint ..."""
    tickets_repeated: int = 3
    """... and so is one of so many that were opened ..."""
    tickets_within_days: int = 14
    """... within so many days."""
    intent_events: tuple[str, ...] = ()
    """Names of usage events that precede leaving; `*` stands for any text."""
    intent_days: int = 30
    """`cancel_intent` is over after so long without one."""
    champion_days: int = 20
    """`champion_gone` warns after so many days on which others came; half of them are a watch."""
    onboarding_days: int = 14
    """So soon a new account is to have its first core action; after twice as long without it is critical."""
    onboarding_over_days: int = 90
    """An account is new no longer than this."""
    keep_comments: bool = True
    """The comments of cancellations and exit surveys are kept with the account."""
    user_key: bytes = field(default=b"", repr=False)
    """Keys the hash of user ids, as that of usage events."""

    def __reduce__(self) -> tuple[object, ...]:
        # To be sent to another process also by the compiled core, which lets nobody set what is frozen.
        return DetectionConfig, tuple(getattr(self, each.name) for each in fields(self))

    def __post_init__(self) -> None:
        positive = {
            "alert_false_alarms": self.alert_false_alarms,
            "watch_false_alarms": self.watch_false_alarms,
            "kept_days": self.kept_days,
            "dedup_window_ms": self.dedup_window_ms,
            "dedup_limit": self.dedup_limit,
            "users_kept": self.users_kept,
            "timeline_kept": self.timeline_kept,
            "monitored_active_days": self.monitored_active_days,
            "monitored_window_days": self.monitored_window_days,
            "feedback_days": self.feedback_days,
            "onboarding_days": self.onboarding_days,
            "onboarding_over_days": self.onboarding_over_days,
            "champion_days": self.champion_days,
            "intent_days": self.intent_days,
            "ticket_open_days": self.ticket_open_days,
            "tickets_repeated": self.tickets_repeated,
            "tickets_within_days": self.tickets_within_days,
        }
        for name, value in positive.items():
            if not value > 0:
                raise ValueError(f"{name} must be more than 0, not {value}")
        whole = {
            "grace_ms": self.grace_ms,
            "cool_down_days": self.cool_down_days,
            "monitored_age_days": self.monitored_age_days,
            "expected_events": self.expected_events,
            "drop_hold_days": self.drop_hold_days,
            "card_notice_days": self.card_notice_days,
            "critical_notice_days": self.critical_notice_days,
            "contraction_days": self.contraction_days,
            "renewal_notice_weeks": self.renewal_notice_weeks,
        }
        for name, value in whole.items():
            if not value >= 0:
                raise ValueError(f"{name} must not be negative, as {value} is")
        if self.monitored_active_days > self.monitored_window_days:
            raise ValueError("monitored_active_days must not be more than monitored_window_days")
        self._check_weights()
        if self.onboarding_days >= self.onboarding_over_days:
            raise ValueError("onboarding_days must be less than onboarding_over_days")
        if self.kept_days < 28:
            raise ValueError(f"kept_days must be at least 28, not {self.kept_days}")

    def _check_weights(self) -> None:
        if len(dict(self.health_weights)) < len(self.health_weights):
            raise ValueError("health_weights: a factor is given two weights")
        for name, weight in self.health_weights:
            if name not in HEALTH_WEIGHTS or not 0 <= weight <= 100:
                raise ValueError(f"health_weights: {name} = {weight} is no factor with a weight from 0 to 100")
