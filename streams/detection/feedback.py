"""What people at an account have said lately: scores, support tickets, and why it left."""

from typing import Any, Final, NamedTuple

from schemas.feedback import CsatGiven, ExitSurvey, FeedbackFact, NpsGiven, TicketChanged
from streams.detection.config import DAY_MS

_SCORES: Final = 16
_TICKETS: Final = 20
_KEPT_MS: Final = 60 * DAY_MS
_ENDED: Final = ("solved", "closed")


def unhappy(scale: str, score: int) -> bool:
    """Whether a score on a scale (`nps` or `csat`) is that of a detractor, or of somebody hardly satisfied."""
    return score <= (6 if scale == "nps" else 2)


class Score(NamedTuple):
    """Somebody's last score on a scale (`nps` or `csat`). `user`: `hash64` of who gave it; None: nobody says."""

    at: int
    scale: str
    score: int
    user: int | None

    @property
    def negative(self) -> bool:
        """A detractor, or hardly satisfied."""
        return unhappy(self.scale, self.score)

    @property
    def positive(self) -> bool:
        """A promoter, or satisfied."""
        return self.score >= (9 if self.scale == "nps" else 4)


class Ticket(NamedTuple):
    """A support ticket as its last event left it. Times in ms."""

    opened_at: int
    """When it was first heard of, or opened anew."""
    changed_at: int
    open: bool
    escalated_at: int | None
    """Since when it is escalated; that ends with the ticket alone."""
    priority: str | None


class Survey(NamedTuple):
    """Why the account leaves, or left."""

    at: int
    reason: str
    comment: str | None


class Feedback:
    """At most 16 scores, 20 tickets and the last exit survey of an account. Scores and tickets are forgotten after 60
    days; where there are too many, first those that say nothing bad, the oldest first."""

    __slots__ = ("scores", "survey", "tickets")

    def __init__(self) -> None:
        self.scores: list[Score] = []
        self.tickets: dict[str, Ticket] = {}
        self.survey: Survey | None = None

    def apply(self, fact: FeedbackFact, user: int | None) -> bool:
        """Fold one event in; `user` is the `hash64` of its `user_id`. Returns False, and does nothing, for an event
        that is older than what is known."""
        at = fact.occurred_at
        if isinstance(fact, NpsGiven):
            return self._scored(Score(at, "nps", fact.score, user))
        if isinstance(fact, CsatGiven):
            return self._scored(Score(at, "csat", fact.score, user))
        if isinstance(fact, TicketChanged):
            return self._changed(fact.ticket_id, at, fact.status, fact.priority)
        if isinstance(fact, ExitSurvey):
            if self.survey is not None and at < self.survey.at:
                return False
            self.survey = Survey(at, fact.reason, fact.comment)
        return True

    def _scored(self, new: Score) -> bool:
        kept: list[Score] = []
        for known in self.scores:
            own = known.user == new.user and known.scale == new.scale
            if new.user is None and own:  # somebody else, unless it is the same record again
                own = known == new
            if known.at > new.at and (own or (new.negative and _takes_back(known, new))):
                return False
            replaced = own or (known.negative and known.at <= new.at and _takes_back(new, known))
            if not replaced and known.at > new.at - _KEPT_MS:
                kept.append(known)
        kept.append(new)
        if len(kept) > _SCORES:
            kept.remove(min(kept, key=_least_telling))
        self.scores = kept
        return True

    def _changed(self, ticket_id: str, at: int, status: str, priority: str | None) -> bool:
        known = self.tickets.get(ticket_id)
        if known is not None and at < known.changed_at:
            return False
        is_open = status not in _ENDED
        if known is None or (is_open and not known.open):
            known = Ticket(at, at, is_open, None, None)
        escalated = (at if known.escalated_at is None else known.escalated_at) if status == "escalated" else None
        if status != "escalated" and is_open:
            escalated = known.escalated_at
        new = Ticket(known.opened_at, at, is_open, escalated, priority if priority is not None else known.priority)
        tickets = {name: each for name, each in self.tickets.items() if each.changed_at > at - _KEPT_MS}
        tickets[ticket_id] = new
        if len(tickets) > _TICKETS:
            del tickets[min(tickets, key=lambda name: (tickets[name].open, tickets[name].changed_at, name))]
        self.tickets = tickets
        return True

    def rename(self, before: int, now: int) -> None:
        """A user is known under another number from now on."""
        self.scores = [each._replace(user=now) if each.user == before else each for each in self.scores]

    def encode(self) -> list[Any]:
        """Lists of JSON values."""
        tickets = [[name, *each] for name, each in self.tickets.items()]
        return [[list(each) for each in self.scores], tickets, None if self.survey is None else list(self.survey)]

    @classmethod
    def decode(cls, values: list[Any]) -> "Feedback":
        """The inverse of `encode`."""
        feedback = cls()
        scores, tickets, survey = values
        feedback.scores = [Score(*each) for each in scores]
        feedback.tickets = {name: Ticket(*each) for name, *each in tickets}
        feedback.survey = None if survey is None else Survey(*survey)
        return feedback


def _takes_back(later: Score, earlier: Score) -> bool:
    """Whether a positive score speaks for who gave an earlier one: the same person, or nobody knows who."""
    return later.positive and (later.user == earlier.user or later.user is None or earlier.user is None)


def _least_telling(score: Score) -> tuple[bool, int]:
    return score.negative, score.at
