"""Feedback events: what people at an account say, one class a type, told apart by `type`."""

from typing import Annotated, Literal, get_args

from pydantic import Field, TypeAdapter

from schemas.base import AccountId, Comment, Model, Name, SchemaVersion
from schemas.instants import Instant

TicketStatus = Literal["new", "open", "pending", "hold", "escalated", "solved", "closed"]


class FeedbackFact(Model):
    """What every feedback event says. Only an exit survey has a comment: that of any other is not read."""

    account_id: AccountId
    occurred_at: Instant
    event_id: Name | None = None
    """Unique within the account; recommended, as it makes a repeated event harmless."""
    user_id: Name | None = None
    """Who said it."""
    schema_version: SchemaVersion = 1


class NpsGiven(FeedbackFact):
    """How likely somebody is to recommend the product: 0 to 6 is a detractor, 9 and 10 a promoter."""

    type: Literal["nps"] = "nps"
    score: Annotated[int, Field(ge=0, le=10)]


class CsatGiven(FeedbackFact):
    """How satisfied somebody is: 1 (not at all) to 5."""

    type: Literal["csat"] = "csat"
    score: Annotated[int, Field(ge=1, le=5)]


class TicketChanged(FeedbackFact):
    """A support ticket is new or changed. After `solved` or `closed` it is open no longer."""

    type: Literal["ticket"] = "ticket"
    ticket_id: Name
    status: TicketStatus
    priority: Name | None = None
    """As the help desk calls it; told, and not judged."""


class ExitSurvey(FeedbackFact):
    """Why the account leaves, or left: it may come long after the end."""

    type: Literal["exit_survey"] = "exit_survey"
    reason: Name
    comment: Comment | None = None


FeedbackEvent = Annotated[NpsGiven | CsatGiven | TicketChanged | ExitSurvey, Field(discriminator="type")]
"""One value of the feedback topic. For `isinstance` use the classes, or `FeedbackFact` for all of them."""

FEEDBACK_CLASSES: tuple[type[FeedbackFact], ...] = get_args(get_args(FeedbackEvent)[0])
FEEDBACK_EVENT: TypeAdapter[FeedbackEvent] = TypeAdapter(FeedbackEvent)
