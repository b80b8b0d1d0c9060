"""An account's whole state, and its form in the engagement table."""

from struct import error as StructError  # noqa: N812  # the module's own error, which is no ValueError
from typing import Any, Final, NamedTuple

import orjson

from alerting.lifecycle import Alert
from schemas.alerts import Kind, Severity
from schemas.errors import StateError, VersionError
from schemas.picture import Phase
from streams.detection.champions import Champions
from streams.detection.dedup import Dedup
from streams.detection.feedback import Feedback
from streams.detection.flow import weight_of
from streams.detection.following import Following
from streams.detection.habits import (
    EVENTS,
    EXPOSURE,
    FIRST_DAY,
    LAST_DAY,
    MONITORED_DAY,
    Habit,
    Habits,
)
from streams.detection.intent import Intent
from streams.detection.loss import Loss
from streams.detection.newcomer import Newcomer
from streams.detection.outcomes import Outcomes
from streams.detection.payments import Payments
from streams.detection.people import People
from streams.detection.profile import Profile
from streams.detection.subscriptions import Subscriptions
from streams.detection.timeline import Timeline
from streams.detection.window import pack_counts, unpack_counts

VERSION: Final = 8
_BEFORE: Final = (7, 6, 5)
"""The versions before, which are read as well: they do not know what makes up for a subscription's end, the older ones
less of a new account, and the oldest nothing of main sources."""
_OLDER: Final = 4
"""And this one: it lacks the newest values at its end."""
NEVER: Final = 1 << 62
"""Later than any time."""


class Account:
    """One account: all of it but its habits, which are a row of `habits`. Only the engine changes it."""

    __slots__ = (
        "alerts",
        "champions",
        "daily",
        "deadline",
        "dedup",
        "due",
        "events_total",
        "feedback",
        "following",
        "habits",
        "id",
        "intent",
        "last_event_at",
        "looked_at",
        "loss",
        "newcomer",
        "outcomes",
        "payments",
        "people",
        "profile",
        "row",
        "started_at",
        "subscriptions",
        "timeline",
        "weighed_at",
        "weight",
    )

    def __init__(self, account_id: str, habits: Habits) -> None:
        self.id = account_id
        self.habits = habits
        self.row = habits.row(account_id)
        self.due: int | None = None
        """The next moment at which something may change without an event, apart from days."""
        self.events_total = 0
        self.last_event_at = -1
        self.daily: dict[int, int] = {}
        self.people = People()
        self.dedup = Dedup()
        self.subscriptions = Subscriptions()
        self.payments = Payments()
        self.profile = Profile()
        self.alerts: dict[Kind, Alert] = {}
        """The last alert of each kind."""
        self.timeline = Timeline()
        self.loss: Loss | None = None
        self.outcomes = Outcomes()
        self.looked_at = -1
        """The newest time at which the signals on billing and dates have judged it; -1 before the first."""
        self.feedback: Feedback | None = None
        """None as long as nobody has said anything."""
        self.intent: Intent | None = None
        """None as long as nobody has done what precedes leaving."""
        self.champions: Champions | None = None
        """None as long as not two users are known, and none is named."""
        self.started_at: int | None = None
        """When it started, of a new account that has had no core action yet. See `starts`."""
        self.newcomer: Newcomer | None = None
        """In its first weeks, where these are known."""
        self.following: Following | None = None
        """None as long as no alert has opened."""
        self.weighed_at = -2
        self.weight = 0.0
        """What an event counts for the flow, as of a closed day. Not stored, as it follows from the habits."""
        self.deadline = -1
        """The next moment that a signal or an alert waits for, `NEVER` without one; -1: to be asked for. Not stored, as
        it follows from the rest."""

    def weigh(self) -> None:
        """Find out what an event counts for the flow, until the next day closes."""
        habits, row = self.habits, self.row
        self.weighed_at = habits.closed
        self.weight = weight_of(habits.get(row, EVENTS), habits.get(row, EXPOSURE))

    @property
    def habit(self) -> Habit:
        """What is learnt of its habits, as it stands."""
        return self.habits.of(self.row)

    @property
    def closed(self) -> int:
        """The newest day that is closed; -1 before the first."""
        return self.habits.closed

    @property
    def last_day(self) -> int:
        """The newest active day, be it closed or not, -1 before the first; late events do not count."""
        return int(self.habits.get(self.row, LAST_DAY))

    @property
    def monitored(self) -> bool:
        """It is known well enough to be judged."""
        return self.habits.get(self.row, MONITORED_DAY) >= 0

    @property
    def begun(self) -> bool:
        """An active day has been folded in."""
        return self.habits.get(self.row, FIRST_DAY) >= 0

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
        return Phase.ACTIVE if self.monitored else Phase.ONBOARDING

    @property
    def mrr(self) -> tuple[int | None, str | None]:
        """Monthly recurring revenue (minor units) and currency: from billing, else from the account's record."""
        mrr = self.subscriptions.mrr
        if mrr is not None:
            return mrr
        if self.loss is not None or self.subscriptions:
            return None, None
        return self.profile.number("mrr_minor"), self.profile.text("currency")

    def encode(self) -> bytes:
        """JSON, beginning `[VERSION,DUE,"STANDING","HABITS",` so that these can be had without reading the rest. The
        same state gives the same bytes."""
        loss = self.loss
        values: list[Any] = [
            VERSION,
            self.due,
            self._standing(),
            self.habits.pack(self.row),
            self.events_total,
            self.last_event_at,
            pack_counts(self.daily),
            self.people.encode(),
            self.dedup.encode(),
            self.subscriptions.encode(),
            self.payments.encode(),
            self.profile.encode(),
            [alert.encode() for alert in self.alerts.values()],
            self.timeline.encode(),
            loss.encode() if loss is not None else None,
            self.looked_at,
            self.outcomes.encode(),
            None if self.feedback is None else self.feedback.encode(),
            None if self.intent is None else self.intent.encode(),
            None if self.champions is None else self.champions.encode(),
            self.started_at,
            None if self.newcomer is None else list(self.newcomer),
            None if not self.following else self.following.encode(),
        ]
        while values[-1] is None:  # what most accounts do not have costs them nothing
            values.pop()
        value = orjson.dumps(values)
        # Copied at once, and not only by a store: a flush has thousands of these in flight, and orjson's own have room
        # for several times as much.
        return bytes(memoryview(value))

    def _standing(self) -> str:
        alerts = (f"{alert.kind}.{alert.severity}" for alert in self.alerts.values() if alert.is_open)
        mrr_minor, currency = self.mrr
        known = f"{mrr_minor}|{currency}" if mrr_minor is not None and currency is not None else "|"
        if self.profile.alias:  # its money is that of the account that it is part of
            known = "|"
        standing = f"{self.phase}|{'+'.join(alerts)}|{known}|{self.outcomes.digest()}"
        actions = self.outcomes.actions.digest()
        if self.loss is not None:
            return f"{standing}|{actions}|{int(self.loss.reason is not None)}"
        return f"{standing}|{actions}" if actions else standing

    @classmethod
    def decode(cls, account_id: str, value: bytes, habits: Habits | None = None) -> "Account":
        """The inverse of `encode`. The account's row in `habits` is left as it is; where it has none, it is the one
        that was stored. Without `habits` it is an account by itself, as of the day at which it was stored. Raises
        `StateError` for what a newer version wrote, and for damage."""
        head = head_of(value)
        try:
            if habits is None:
                habits = Habits()
                habits.closed = int(habits.stored[habits.unpack(account_id, head.habits)])
            elif account_id not in habits.rows:
                habits.unpack(account_id, head.habits)
            return cls._decoded(account_id, orjson.loads(value), habits)
        except (ValueError, TypeError, KeyError, AttributeError, StructError) as error:
            raise StateError(f"the row of the account {account_id!r}: it is damaged: {error}") from error

    @classmethod
    def _decoded(cls, account_id: str, values: list[Any], habits: Habits) -> "Account":
        account = cls(account_id, habits)
        (
            _,
            account.due,
            _,
            _,
            account.events_total,
            account.last_event_at,
            daily,
            people,
            dedup,
            subscriptions,
            payments,
            profile,
            alerts,
            timeline,
            loss,
            account.looked_at,
            outcomes,
            feedback,
            intent,
            champions,
            account.started_at,
            newcomer,
            following,
        ) = [*values, *_NEWEST[len(values) - _OLDEST :]]
        account.daily = unpack_counts(daily)
        account.people = People.decode(people)
        account.dedup = Dedup.decode(dedup)
        account.subscriptions = Subscriptions.decode(subscriptions)
        account.payments = Payments.decode(payments)
        account.profile = Profile.decode(profile)
        for each in alerts:
            alert = Alert.decode(each)
            account.alerts[alert.kind] = alert
        account.timeline = Timeline.decode(timeline)
        account.outcomes = Outcomes.decode(outcomes)
        account.loss = Loss.decode(loss) if loss is not None else None
        account.feedback = None if feedback is None else Feedback.decode(feedback)
        account.intent = None if intent is None else Intent.decode(intent)
        account.champions = None if champions is None else Champions.decode(champions)
        account.newcomer = None if newcomer is None else Newcomer(*newcomer)
        account.following = None if following is None else Following.decode(following)
        return account


_OLDEST: Final = 15
"""Values that every stored account has."""
_NEWEST: Final[tuple[Any, ...]] = (-1, [], None, None, None, None, None, None)
"""What stands for the values that come after them, where they are left out."""
_OPENING: Final = b"[%d," % VERSION
_OPENING_OLDER: Final = b"[%d," % _OLDER
_OPENINGS: Final = (_OPENING, *[b"[%d," % each for each in _BEFORE], _OPENING_OLDER)
_HEAD_BYTES: Final = 16_384
"""Within so many bytes a value's beginning ends: one open alert of each kind takes 500, each outcome of each kind, in
each currency, 50, and so do actions."""


class Head(NamedTuple):
    """The beginning of a stored account."""

    due: int | None
    standing: bytes
    """What it is counted as (`Census`): `PHASE|KIND.SEVERITY+...|MRR|CURRENCY|OUTCOMES`; behind
    that, where there are any, `|ACTIONS`, and of a lost account `|1` if it said why, else `|0`."""
    habits: bytes
    """Its row, packed."""


def head_of(value: bytes) -> Head:
    """A stored account's beginning, without a look at the rest. Raises `StateError` as `Account.decode` does."""
    try:
        if not value.startswith(_OPENINGS):
            version = int(value[1 : value.index(b",", 0, _HEAD_BYTES)])
            raise VersionError(f"a stored account of version {version}: this worker reads up to version {VERSION}")
        quote = value.index(b'"', len(_OPENING) + 1, _HEAD_BYTES)
        due = value[len(_OPENING) : quote - 1]
        end = value.index(b'"', quote + 1, _HEAD_BYTES)
        habits = value[end + 3 : value.index(b'"', end + 3, _HEAD_BYTES)]
        if due == b"null" and value.startswith(_OPENING_OLDER):
            due = b"0"  # signals that have come since look at it once, and say when they will again
        return Head(None if due == b"null" else int(due), value[quote + 1 : end], habits)
    except ValueError as error:
        raise StateError("the stored state of an account is damaged: it does not begin as one does") from error


def standing_of(value: bytes) -> str:
    """What a stored account is counted as. Raises `StateError` as `Account.decode` does."""
    return head_of(value).standing.decode()
