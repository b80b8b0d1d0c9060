"""Any event that comes in, and what all of them have: a time, and perhaps an id."""

from enum import StrEnum

from schemas.accounts import AccountUpdate
from schemas.billing import BillingEvent
from schemas.commands import Command, CommandBase
from schemas.feedback import FeedbackEvent
from schemas.usage import UsageEvent

InputEvent = UsageEvent | BillingEvent | AccountUpdate | FeedbackEvent | Command


class InputTopic(StrEnum):
    """The input topics by what they carry; what they are called in Kafka is a setting."""

    USAGE = "usage"
    BILLING = "billing"
    ACCOUNTS = "accounts"
    FEEDBACK = "feedback"
    COMMANDS = "commands"


def moment(event: InputEvent) -> int:
    """When it happened, in milliseconds: `occurred_at`, `updated_at` or `at`, as the event calls it."""
    if isinstance(event, AccountUpdate):
        return event.updated_at
    if isinstance(event, CommandBase):
        return event.at
    return event.occurred_at


def identity(event: InputEvent) -> str | None:
    """The id by which a repeated event is known: `event_id` or `command_id`; an account update has none."""
    if isinstance(event, AccountUpdate):
        return None
    if isinstance(event, CommandBase):
        return event.command_id
    return event.event_id
