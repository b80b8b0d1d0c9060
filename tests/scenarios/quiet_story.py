"""Stories of what a channel hears of alerts, and when, told in a week on a virtual clock.

    it = QuietStory(hours=(8 * 60, 18 * 60))
    it.at("fri 19:00").opens("acme", "usage_drop")
    it.hears("sat 08:00:00 acme: usage_drop opened")

Alerts live by the real lifecycle, and what is heard has gone through the real gathering and outbox. The week is that of
Monday, 10 March 2025, in the route's time zone; what is heard is written a line a message.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Self
from zoneinfo import ZoneInfo

from alerting import lifecycle
from alerting.lifecycle import Alert, Finding, Standing
from alerting.notification import AnyNote, Group, Notification, Reminder, Summary
from alerting.quiet import Quiet
from alerting.routing import Route
from schemas.alerts import AlertState, Kind, Resolution, Severity
from tests.unit.alerting.virtual_office import Slack, VirtualOffice, is_well

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
MONDAY = "2025-03-10"


@dataclass
class QuietStory:
    """One route with such a `Quiet`, which tells every kind from `minimum_severity` on."""

    quiet: Quiet
    slack: Slack = is_well
    minimum_severity: Severity = Severity.WARNING
    monday: str = MONDAY
    alerts: dict[tuple[str, str], Alert] = field(default_factory=dict)

    def __post_init__(self) -> None:
        route = Route(quiet=self.quiet, kinds=frozenset(Kind), minimum_severity=self.minimum_severity)
        self.office = VirtualOffice([route], self.slack)
        self.zone = ZoneInfo(self.quiet.timezone)
        self.begins = datetime.fromisoformat(self.monday).replace(tzinfo=self.zone)
        self.office.now = self._moment("mon 00:00")

    def at(self, when: str) -> Self:
        """Until then, which is a weekday and a time; `next` before it is the week after."""
        self.office.run_until(self._moment(when))
        return self

    def opens(self, account: str, kind: str, severity: str = "warning", mrr_minor: int = 0) -> Self:
        """An alert opens, or opens again."""
        before = self.alerts.get((account, kind))
        found = Finding(Severity(severity), self.office.now, f"{kind} of {account}")
        stands = Standing(50, mrr_minor or None, "EUR" if mrr_minor else None, float(mrr_minor))
        if before is None:
            return self._tell(account, lifecycle.open_alert(account, Kind(kind), self.office.now, found, stands))
        return self._tell(account, lifecycle.reopen(before, self.office.now, found, stands))

    def escalates(self, account: str, kind: str, severity: str = "critical") -> Self:
        """It gets worse."""
        before = self.alerts[account, kind]
        found = Finding(Severity(severity), before.opened_at, f"{kind} of {account}, worse")
        return self._tell(account, lifecycle.escalate(before, self.office.now, found, before.standing))

    def acknowledges(self, account: str, kind: str) -> Self:
        """Somebody takes it on."""
        before = self.alerts[account, kind]
        return self._tell(account, lifecycle.acknowledge(before, self.office.now, "mara", before.standing))

    def snoozes(self, account: str, kind: str) -> Self:
        """Somebody wants to hear nothing of it."""
        before = self.alerts[account, kind]
        until = self.office.now + 86_400_000
        return self._tell(account, lifecycle.snooze(before, self.office.now, "mara", until, before.standing))

    def wakes(self, account: str, kind: str) -> Self:
        """The snooze is over."""
        before = self.alerts[account, kind]
        return self._tell(account, lifecycle.wake(before, self.office.now, None, before.standing))

    def resolves(self, account: str, kind: str, resolution: str = "recovered") -> Self:
        """It is over."""
        before = self.alerts[account, kind]
        over = lifecycle.resolve(before, self.office.now, Resolution(resolution), "over", before.standing)
        return self._tell(account, over)

    def is_killed(self) -> Self:
        """The worker is killed before it can store anything more, and another one takes over at once."""
        self.office.kill_in = 1
        return self

    def hears(self, *lines: str, until: str = "next sun 00:00") -> None:
        """What was heard by then, in the order in which it arrived, is this and nothing else."""
        self.at(until)
        assert self.heard == list(lines)

    @property
    def heard(self) -> list[str]:
        """A line for each message."""
        return [f"{self._when(each.at)} {_line(each.note)}" for each in self.office.heard]

    def _tell(self, account: str, alert: Alert) -> Self:
        self.alerts[account, alert.kind.value] = alert
        told = lifecycle.transition(alert, account, account.title())
        if alert.state is not AlertState.SNOOZED or alert.change.value == "snoozed":
            self.office.arrives(Notification(route="default", transition=told))
        return self

    def _moment(self, when: str) -> int:
        day, _, clock = when.removeprefix("next ").partition(" ")
        days = DAYS.index(day) + 7 * when.startswith("next ")
        date = (self.begins + timedelta(days=days)).date()
        local = datetime.fromisoformat(f"{date.isoformat()}T{clock}").replace(tzinfo=self.zone)
        return int(local.timestamp() * 1_000)

    def _when(self, at: int) -> str:
        local = datetime.fromtimestamp(at / 1_000, UTC).astimezone(self.zone)
        later = "next " if (local.date() - self.begins.date()).days > 6 else ""
        return f"{later}{DAYS[local.weekday()]} {local:%H:%M:%S}"


def office_hours(**fields: Any) -> Quiet:
    """Weekdays from 8 to 18 o'clock in Berlin."""
    given: dict[str, Any] = {"hours": (480, 1080), "days": frozenset(range(5)), "timezone": "Europe/Berlin"}
    return Quiet(**(given | fields))


def _line(note: AnyNote) -> str:
    if isinstance(note, Notification):
        return f"{note.transition.account_id}: {_alert(note)}"
    if isinstance(note, Group):
        told = ", ".join(f"{_alert(each)}{_new(each, note)}" for each in note.alerts)
        went = "; came and went: " + ", ".join(each.kind for each in note.went) if note.went else ""
        return f"{note.account_id}: {told}{went}"
    if isinstance(note, Reminder):
        kinds = ", ".join(each.transition.kind for each in note.unanswered)
        return f"{note.account_id}: reminder {note.number} of {kinds}"
    assert isinstance(note, Summary)
    counts = ("new", "worse", "acknowledged", "resolved", "went", "still_open")
    numbers = ", ".join(f"{getattr(note, name)} {name}" for name in counts if getattr(note, name))
    names = " ".join(each.account_id for each in note.accounts)
    return f"{note.why}: {numbers}" + (f"; {names}" if names else "")


def _alert(note: Notification) -> str:
    each = note.transition
    critical = "!" if each.severity is Severity.CRITICAL else ""
    return f"{each.kind} {each.change}{critical}"


def _new(note: Notification, group: Group) -> str:
    changed = note.transition.change.value != "opened"
    return " (new)" if changed and note.transition.alert_id in group.new else ""
