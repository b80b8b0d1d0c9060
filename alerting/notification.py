"""What crosses the notifications topic: one message to be written, to one route, with all that writing it takes.

A `Notification` tells of an alert, a `Group` of several of one account, a `Reminder` of those that nobody has
acknowledged, a `Summary` of many accounts, a `CatchUp` of what is of the past, a `Notice` of slackwater itself.

Also what becomes of one that could not be delivered: a value of the undelivered topic.
"""

from enum import StrEnum
from typing import Annotated, Final, Literal, Self

from pydantic import Field, StringConstraints, TypeAdapter

from schemas.alerts import AlertId, Kind, Severity, Transition
from schemas.base import AccountId, Model
from schemas.instants import Instant

RouteName = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9_-]{0,63}$")]
Line = Annotated[str, StringConstraints(min_length=1, max_length=1_000)]
SlackUser = Annotated[str, StringConstraints(pattern=r"^[UW][A-Z0-9]{2,30}$")]
SlackGroup = Annotated[str, StringConstraints(pattern=r"^S[A-Z0-9]{2,30}$")]


class Note(Model):
    """One message to one route. Its key on the topic is the route, so that one partition owns a route's order."""

    schema_version: Literal[1] = 1
    route: RouteName
    timezone: str = "UTC"
    """Business time zone (IANA name), in which the message's days are written. UTC when it is not known here."""
    rerouted_from: RouteName | None = None
    """The broken route that this was meant for."""

    @property
    def subject(self) -> str:
        """What it is about: messages of one subject stay in order whatever happens."""
        raise NotImplementedError

    def rerouted(self, route: str) -> Self:
        """The same message for another route."""
        return self.model_copy(update={"route": route, "rerouted_from": self.rerouted_from or self.route})

    def encode(self) -> bytes:
        """JSON in UTF-8. Fields that are absent are left out."""
        return self.model_dump_json(exclude_none=True).encode()

    @classmethod
    def decode(cls, raw: bytes) -> Self:
        """The inverse of `encode`. Raises `pydantic.ValidationError` (without the input) for anything else."""
        return cls.model_validate_json(raw)


class Notification(Note):
    """A message about a transition: that is what was detected, the other fields are what its reader needs besides."""

    transition: Transition
    source: Annotated[str, StringConstraints(pattern=r"^[^/]{1,300}/[0-9]{1,18}$")] | None = None
    """Where the transition stands: its partition of the alerts topic, which topic of its name that is, its offset. One
    that was read again, because the group's positions were lost, is told by it. None: an older version wrote it."""
    owner_slack_id: SlackUser | None = None
    """The owner's Slack user id: mentions them. Without it the owner is named."""
    team_slack_id: SlackGroup | None = None
    """The same for the team: the id of its user group."""
    follows: Literal[True] | None = None
    """To be told only where the alert was told of before: it is over, say."""

    @property
    def subject(self) -> str:
        """The alert."""
        return self.transition.alert_id


class Went(Model):
    """An alert that opened and was resolved before anybody was told."""

    kind: Kind
    severity: Severity


class Group(Note):
    """A message about one account: what has changed of its alerts since the last one."""

    account_id: AccountId
    alerts: Annotated[tuple[Notification, ...], Field(min_length=1)]
    """The last change of each, the worst first."""
    new: tuple[AlertId, ...] = ()
    """Those of them that nobody has heard of before, whatever their last change is."""
    went: tuple[Went, ...] = ()

    @property
    def subject(self) -> str:
        """The account."""
        return self.account_id

    def rerouted(self, route: str) -> Self:
        """See `Note`."""
        alerts = tuple(each.rerouted(route) for each in self.alerts)
        return super().rerouted(route).model_copy(update={"alerts": alerts})


class Reminder(Note):
    """An account's critical alerts that were told and that nobody has acknowledged."""

    account_id: AccountId
    number: Annotated[int, Field(ge=1)]
    """How many times in a row."""
    told_at: Instant
    """When the first of them was told."""
    at: Instant
    unanswered: Annotated[tuple[Notification, ...], Field(min_length=1)]
    """What was told of each."""

    @property
    def subject(self) -> str:
        """The account."""
        return self.account_id


class Notice(Note):
    """A message about slackwater itself, for those who run it. The texts are its own but for names of topics."""

    notice_id: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{16}$")]
    """The same for the same thing that happened."""
    title: Line
    where: Line
    """The topic and partition, or whatever it happened to."""
    text: Line
    """What happened: one or two sentences."""
    advice: Line
    """What to do about it."""
    at: Instant
    """When it was found."""

    @property
    def subject(self) -> str:
        """What happened."""
        return self.notice_id


class AtRisk(Model):
    """An account that an alert of the past is still open on."""

    account_id: str
    account_name: str | None = None
    owner: str | None = None
    kinds: tuple[tuple[Kind, Severity], ...]
    """Its open alerts of the past, the most severe first."""
    since: Instant
    """When the first of those declines began."""
    mrr_minor: int | None = None
    currency: str | None = None
    priority: float = 0.0
    """Money at risk, in minor units: MRR times the probability of loss."""
    alerts: tuple[tuple[AlertId, Annotated[int, Field(ge=1)]], ...] = ()
    """Which alerts these are, in the order of `kinds`, and the revision that the message tells."""

    @property
    def severity(self) -> int:
        """The rank of its most severe alert."""
        return max(severity.rank for _, severity in self.kinds)


class CatchUp(Note):
    """The message: of all home partitions, or of one, whose part is put together with the others' before it is sent."""

    catch_up_id: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{16}$")]
    part: Annotated[int, Field(ge=0)] | None = None
    """The home partition that this is a part of; None: it is the whole."""
    at: Instant
    """When it was put together."""
    first_at: Instant
    last_at: Instant
    """Event time of the first and the last change that nobody was told of."""
    opened: Annotated[int, Field(ge=0)]
    """Alerts that opened."""
    resolved: Annotated[int, Field(ge=0)]
    open_alerts: Annotated[int, Field(ge=0)]
    """Those of them that are open still ..."""
    open_accounts: Annotated[int, Field(ge=0)]
    """... and on how many accounts."""
    at_risk_minor: dict[str, int] = Field(default_factory=dict)
    """Money at risk on those, by currency."""
    accounts: tuple[AtRisk, ...] = ()
    """The first of them, most money at risk first."""

    @property
    def subject(self) -> str:
        """See `Note`."""
        return self.catch_up_id


Why = Literal["digest", "limit", "over"]
"""Why accounts are told together: a digest is due, the limit of an hour is reached, or what nobody heard of by name is
over."""


class Over(Model):
    """An alert that people knew of, and that is over."""

    account_id: AccountId
    account_name: str | None = None
    kind: Kind
    lost: bool = False
    """The account is lost."""


class Summary(Note):
    """A message about many accounts: a digest, what is above the limit of an hour, or ends of what nobody heard of by
    name. Money of several currencies is never added up."""

    summary_id: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{16}$")]
    why: Why
    at: Instant
    first_at: Instant
    last_at: Instant
    """Event time of the first and the last change that it tells."""
    changed_accounts: Annotated[int, Field(ge=1)]
    """Accounts that anything has changed of."""
    new: Annotated[int, Field(ge=0)]
    """Alerts that opened, and are open."""
    worse: Annotated[int, Field(ge=0)]
    """Those that people knew of, and that have something new to say."""
    acknowledged: Annotated[int, Field(ge=0)]
    """Those that somebody has acknowledged or snoozed."""
    resolved: Annotated[int, Field(ge=0)]
    went: Annotated[int, Field(ge=0)]
    """Those that opened and were resolved before anybody was told."""
    still_open: Annotated[int, Field(ge=0)] = 0
    """Those that were told before, and of which there is nothing new."""
    kinds: dict[Kind, int] = Field(default_factory=dict)
    """How many of the new and worse ones are of each kind."""
    open_accounts: Annotated[int, Field(ge=0)]
    """Accounts with new or worse ones ..."""
    at_risk_minor: dict[str, int] = Field(default_factory=dict)
    """... the money at risk on those, by currency ..."""
    accounts: tuple[AtRisk, ...] = ()
    """... and the first of them, most money at risk first."""
    over: tuple[Over, ...] = ()
    """The first of those that are over, lost accounts first."""

    @property
    def subject(self) -> str:
        """See `Note`."""
        return self.summary_id


AnyNote = Notification | Group | Reminder | Summary | CatchUp | Notice
_NOTES: Final[TypeAdapter[AnyNote]] = TypeAdapter(AnyNote)


def decode_note(raw: bytes) -> AnyNote:
    """What `encode` of any made. Raises `pydantic.ValidationError` (without the input) for anything else."""
    return _NOTES.validate_json(raw)


class UndeliveredReason(StrEnum):
    """Why a notification will not be tried any more."""

    REJECTED = "rejected"
    """The channel refuses it, as plain text too."""
    GIVEN_UP = "given_up"
    """It waited for longer than is allowed (24 hours by default)."""
    NO_ROUTE = "no_route"
    """Neither its route nor the default one is configured any more."""


class Undelivered(Model):
    """A notification that nobody got: a value of the undelivered topic."""

    schema_version: Literal[1] = 1
    reason: UndeliveredReason
    detail: str
    """The last answer of the route: a verdict and the status or code that led to it."""
    attempts: Annotated[int, Field(ge=0)]
    added_at: Instant
    first_tried_at: Instant | None = None
    at: Instant
    """When it was given up."""
    notification: AnyNote

    def encode(self) -> bytes:
        """JSON in UTF-8."""
        return self.model_dump_json(exclude_none=True).encode()

    @classmethod
    def decode(cls, raw: bytes) -> Self:
        """The inverse of `encode`. Raises `pydantic.ValidationError` for anything else."""
        return cls.model_validate_json(raw)
