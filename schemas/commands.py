"""Commands of people to alerts: one class a command, told apart by `command`."""

from typing import Annotated, Literal, Self, get_args

from pydantic import ConfigDict, Field, TypeAdapter, model_validator

from schemas.alerts import AlertId, Kind
from schemas.base import AccountId, Comment, Model, Money, Name, SchemaVersion, rejection
from schemas.instants import Instant


class CommandBase(Model):
    """What every command says. `alert_id` names one alert; without it `kind` names the open alert of that kind, `*` all
    of the account's. When both are given, `alert_id` decides."""

    model_config = ConfigDict(
        json_schema_extra={
            "anyOf": [{"required": [name], "properties": {name: {"type": "string"}}} for name in ("alert_id", "kind")]
        }
    )

    command_id: Name
    """Unique within the account: the same command sent twice is carried out once."""
    account_id: AccountId
    by: Name
    """Who gave it."""
    at: Instant
    alert_id: AlertId | None = None
    kind: Annotated[Kind, Field(strict=False)] | Literal["*"] | None = None
    note: Comment | None = None
    schema_version: SchemaVersion = 1

    @model_validator(mode="after")
    def _has_a_target(self) -> Self:
        if self.alert_id is None and self.kind is None:
            raise rejection(
                "missing_field", "alert_id", "a command names an alert_id, or a kind (* is the whole account)"
            )
        return self


class Acknowledge(CommandBase):
    """Someone takes the alert on."""

    command: Literal["acknowledge"] = "acknowledge"


class Snooze(CommandBase):
    """Quiet until `until`, which is later than `at`."""

    command: Literal["snooze"] = "snooze"
    until: Instant

    @model_validator(mode="after")
    def _ends_after_it_begins(self) -> Self:
        if self.until <= self.at:
            raise rejection("invalid_field", "until", "until must be later than at")
        return self


class Unsnooze(CommandBase):
    """Quiet no longer."""

    command: Literal["unsnooze"] = "unsnooze"


class RecordAction(CommandBase):
    """Something was done about the alert."""

    command: Literal["record_action"] = "record_action"
    action: Name
    result: Literal["offered", "accepted", "declined"]
    cost_minor: Money | None = None


class RecordOutcome(CommandBase):
    """A person's word on how it ended."""

    command: Literal["record_outcome"] = "record_outcome"
    outcome: Literal["saved", "lost", "false_alarm"]


Command = Annotated[Acknowledge | Snooze | Unsnooze | RecordAction | RecordOutcome, Field(discriminator="command")]
"""One value of the commands topic. For `isinstance` use the classes, or `CommandBase` for all of them."""

COMMAND_CLASSES: tuple[type[CommandBase], ...] = get_args(get_args(Command)[0])
COMMAND: TypeAdapter[Command] = TypeAdapter(Command)
