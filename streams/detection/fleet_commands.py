"""What people do about the alert on the fleet: acknowledge, snooze."""

from typing import Final

from alerting.lifecycle import ImpossibleChangeError
from schemas.alerts import Kind
from schemas.commands import CommandBase, RecordAction, RecordOutcome, Snooze
from schemas.shuffle import Fact
from streams.detection.commands import change, refused
from streams.detection.results import Refusal
from streams.detection.stall import FLEET_ID, Stall

_NONE: Final = "the fleet has no open alert"


def is_for_fleet(fact: Fact, stall: Stall, *, known: bool) -> bool:
    """Whether a fact is a command on the fleet's alert. `known`: there is an account of its name."""
    body = fact.body
    if fact.account != FLEET_ID or not isinstance(body, CommandBase):
        return False
    if body.alert_id is not None and stall.alert is not None and body.alert_id == stall.alert.alert_id:
        return True
    return body.kind == Kind.TELEMETRY_STALLED or not known


def carry_out(stall: Stall, fact: Fact) -> Refusal | None:
    """Carry a command out on the fleet's alert. Returns a refusal, or None. The same command again changes nothing."""
    command = fact.body
    assert isinstance(command, CommandBase)
    if fact.event_id is not None and not stall.admits(fact.event_id):
        return None
    alert = stall.alert
    if isinstance(command, RecordAction | RecordOutcome):
        return refused("command", "actions and outcomes are recorded of accounts, not of the fleet")
    if alert is None or not alert.is_open or command.alert_id not in (None, alert.alert_id):
        return refused("kind" if command.alert_id is None else "alert_id", _NONE)
    if command.alert_id is None and command.kind not in ("*", alert.kind):
        return refused("kind", f"the fleet has no open alert of kind {command.kind}")
    if isinstance(command, Snooze) and command.until <= fact.effective_at:
        return refused("until", "the time until which the alert was to be snoozed is past")
    try:
        stall.change(change(command, alert, alert.standing))
    except ImpossibleChangeError as error:
        return refused("command", str(error))
    return None
