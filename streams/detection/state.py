"""An account's whole state, and its form in the engagement table."""

from dataclasses import dataclass
from struct import error as StructError  # noqa: N812  # the module's own error, which is no ValueError
from typing import Any, Final

import orjson

from alerting.lifecycle import Alert
from schemas.alerts import Kind, Severity
from schemas.errors import StateError
from schemas.picture import Phase
from streams.detection.clock import Clock
from streams.detection.dedup import Dedup
from streams.detection.drop import Drop
from streams.detection.packing import pack_doubles, unpack_doubles
from streams.detection.payments import Payments
from streams.detection.people import People
from streams.detection.profile import Profile
from streams.detection.silence import Silence
from streams.detection.subscriptions import Subscriptions
from streams.detection.timeline import Timeline
from streams.detection.window import pack_counts, unpack_counts

VERSION: Final = 1
NEVER: Final = 1 << 62
"""Later than any time."""


@dataclass(frozen=True, slots=True)
class Loss:
    """The account's end as a customer."""

    at: int
    voluntary: bool
    reason: str | None


class Account:
    """One account. Only the engine changes it; days are day numbers, -1 where there is none yet."""

    __slots__ = (
        "active_mask",
        "alerts",
        "clock",
        "closed",
        "daily",
        "deadline",
        "dedup",
        "drop",
        "due",
        "events_total",
        "first_day",
        "id",
        "last_day",
        "last_event_at",
        "loss",
        "monitored_day",
        "open_days",
        "payments",
        "people",
        "profile",
        "quiet_until",
        "silence",
        "subscriptions",
        "timeline",
        "wake",
    )

    def __init__(self, account_id: str) -> None:
        self.id = account_id
        self.due: int | None = None
        """The next moment at which something may change without an event: never too late, perhaps too early."""
        self.closed = -1
        """The newest day that has been judged, or passed over."""
        self.first_day = -1
        """The first active day that was folded in."""
        self.last_day = -1
        """The newest active day, be it closed or not; late events do not count."""
        self.monitored_day = -1
        """The day from which the account is judged."""
        self.active_mask = 0
        """Active days before the account is monitored: bit n is the n-th day before the newest closed one."""
        self.events_total = 0
        self.last_event_at = -1
        self.daily: dict[int, int] = {}
        self.people = People()
        self.dedup = Dedup()
        self.drop = Drop()
        self.silence = Silence()
        self.clock = Clock()
        self.subscriptions = Subscriptions()
        self.payments = Payments()
        self.profile = Profile()
        self.alerts: dict[Kind, Alert] = {}
        """The last alert of each kind."""
        self.timeline = Timeline()
        self.loss: Loss | None = None
        # Not stored, as they follow from the rest:
        self.open_days: list[int] = []
        """Active days that are not closed yet, ascending."""
        self.wake = 0
        """Until this moment an event needs nothing closed before it."""
        self.quiet_until = -1
        """As long as the silence after the newest closed day lasts, no day before this one changes an alert; -1: not
        known."""
        self.deadline = -1
        """The next moment that a signal or an alert waits for, apart from days; -1: to be asked for."""

    def alert(self, kind: Kind) -> Alert | None:
        """The open alert of this kind."""
        alert = self.alerts.get(kind)
        return alert if alert is not None and alert.is_open else None

    @property
    def phase(self) -> Phase:
        """Where the account is in its life; alerting only with an alert that is more than a watch."""
        if self.loss is not None:
            return Phase.LOST
        if self.subscriptions.paused:
            return Phase.PAUSED
        if any(alert.is_open and alert.severity is not Severity.WATCH for alert in self.alerts.values()):
            return Phase.ALERTING
        return Phase.ACTIVE if self.monitored_day >= 0 else Phase.ONBOARDING

    @property
    def mrr(self) -> tuple[int | None, str | None]:
        """Monthly recurring revenue (minor units) and currency: from billing, else from the account's record."""
        mrr = self.subscriptions.mrr
        if mrr is not None:
            return mrr
        if self.loss is not None or self.subscriptions:
            return None, None
        return self.profile.number("mrr_minor"), self.profile.text("currency")

    def restart(self) -> None:
        """Forget what was learnt of the account's habits: it begins anew. Totals, people and history stay."""
        self.drop, self.silence, self.clock = Drop(), Silence(), Clock()
        self.first_day = self.monitored_day = -1
        self.active_mask = 0

    def encode(self) -> bytes:
        """JSON, beginning `[VERSION,DUE,"STANDING",` so that `due_of` and `standing_of` need not read the rest.
        The same state gives the same bytes."""
        drop, silence, loss = self.drop, self.silence, self.loss
        baseline, week, active_week = drop.baseline, drop.week, silence.week
        numbers = pack_doubles(
            (
                baseline.events,
                baseline.exposure,
                baseline.pending_events,
                baseline.pending_exposure,
                drop.score,
                drop.floor,
                drop.numerator,
                drop.denominator,
                week.total,
                *week.counts,
                silence.active,
                silence.exposure,
                silence.quiet,
                active_week.total,
                *active_week.counts,
                self.clock.days,
            )
        )
        days = [self.closed, self.first_day, self.last_day, self.monitored_day, drop.left_day, drop.calm_day, week.day]
        value = orjson.dumps(
            [
                VERSION,
                self.due,
                self._standing(),
                [*days, active_week.day, drop.rebaselined],
                f"{self.active_mask:x}",
                self.events_total,
                self.last_event_at,
                numbers,
                pack_counts(self.daily),
                self.people.encode(),
                self.dedup.encode(),
                self.subscriptions.encode(),
                self.payments.encode(),
                self.profile.encode(),
                [alert.encode() for alert in self.alerts.values()],
                self.timeline.encode(),
                [loss.at, loss.voluntary, loss.reason] if loss is not None else None,
            ]
        )
        # Copied at once, and not only by a store: a flush has thousands of these in flight, and orjson's own have room
        # for several times as much.
        return bytes(memoryview(value))

    def _standing(self) -> str:
        alerts = (f"{alert.kind}.{alert.severity}" for alert in self.alerts.values() if alert.is_open)
        mrr_minor, currency = self.mrr
        known = f"{mrr_minor}|{currency}" if mrr_minor is not None and currency is not None else "|"
        return f"{self.phase}|{'+'.join(alerts)}|{known}"

    @classmethod
    def decode(cls, account_id: str, value: bytes) -> "Account":
        """The inverse of `encode`. Raises `StateError` for what a newer version wrote, and for damage."""
        head_of(value)
        try:
            return cls._decoded(account_id, orjson.loads(value))
        except (ValueError, TypeError, KeyError, AttributeError, StructError) as error:
            raise StateError(f"the stored state of an account is damaged: {error}") from error

    @classmethod
    def _decoded(cls, account_id: str, values: list[Any]) -> "Account":
        account = cls(account_id)
        (
            _,
            account.due,
            _,
            days,
            mask,
            account.events_total,
            account.last_event_at,
            numbers,
            daily,
            people,
            dedup,
            subscriptions,
            payments,
            profile,
            alerts,
            timeline,
            loss,
        ) = values
        drop, silence = account.drop, account.silence
        baseline, week, active_week = drop.baseline, drop.week, silence.week
        account.closed, account.first_day, account.last_day, account.monitored_day, *days = days
        drop.left_day, drop.calm_day, week.day, active_week.day, drop.rebaselined = days
        account.active_mask = int(mask, 16)
        (
            baseline.events,
            baseline.exposure,
            baseline.pending_events,
            baseline.pending_exposure,
            drop.score,
            drop.floor,
            drop.numerator,
            drop.denominator,
            week.total,
            *counts,
            silence.active,
            silence.exposure,
            silence.quiet,
            active_week.total,
            m,
            t,
            w,
            th,
            f,
            sa,
            su,
            account.clock.days,
        ) = unpack_doubles(numbers)
        week.counts, active_week.counts = counts, [m, t, w, th, f, sa, su]
        account.daily = unpack_counts(daily)
        account.open_days = sorted(day for day in account.daily if day > account.closed)
        account.people = People.decode(people)
        account.dedup = Dedup.decode(dedup)
        account.subscriptions = Subscriptions.decode(subscriptions)
        account.payments = Payments.decode(payments)
        account.profile = Profile.decode(profile)
        for each in alerts:
            alert = Alert.decode(each)
            account.alerts[alert.kind] = alert
        account.timeline = Timeline.decode(timeline)
        account.loss = Loss(*loss) if loss is not None else None
        return account


_OPENING: Final = b"[%d," % VERSION
_HEAD_BYTES: Final = 2_048
"""Within so many bytes a value's beginning ends: one open alert of each kind takes a quarter of that."""


def due_of(value: bytes) -> int | None:
    """The due time of a stored account, read off its beginning. Raises `StateError` as `Account.decode` does."""
    return head_of(value)[0]


def standing_of(value: bytes) -> str:
    """What a stored account is counted as (`Census`): `PHASE|KIND.SEVERITY+...|MRR|CURRENCY`. Raises `StateError` as
    `Account.decode` does."""
    return head_of(value)[1].decode()


def head_of(value: bytes) -> tuple[int | None, bytes]:
    """`due_of` and `standing_of`, as bytes, at once. Raises `StateError` as `Account.decode` does."""
    try:
        if not value.startswith(_OPENING):
            version = int(value[1 : value.index(b",", 0, _HEAD_BYTES)])
            raise StateError(f"the stored state has version {version}; this program reads version {VERSION}")
        quote = value.index(b'"', len(_OPENING) + 1, _HEAD_BYTES)
        due = value[len(_OPENING) : quote - 1]
        return None if due == b"null" else int(due), value[quote + 1 : value.index(b'"', quote + 1, _HEAD_BYTES)]
    except ValueError as error:
        raise StateError("the stored state of an account is damaged: it does not begin as one does") from error
