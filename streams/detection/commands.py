"""What people do about alerts: acknowledge, snooze, record. A command that cannot be carried out is refused, with the
reason, and changes nothing."""

from dataclasses import replace

from alerting import lifecycle
from alerting.lifecycle import Alert, ImpossibleChangeError, Standing
from alerting.words import money
from schemas.commands import Acknowledge, CommandBase, RecordAction, RecordOutcome, Snooze, Unsnooze
from schemas.errors import Reason
from streams.detection.actions import NAME_LENGTH, Action, Row
from streams.detection.afterwards import Afterwards
from streams.detection.book import Book
from streams.detection.outcomes import ANY, Outcome
from streams.detection.results import Refusal, Results
from streams.detection.rules import Rules
from streams.detection.signals.gate import note_action
from streams.detection.state import Account
from streams.detection.timeline import Entry


class Commands:
    """Carries commands out on an account's alerts."""

    def __init__(self, rules: Rules, book: Book) -> None:
        self._rules = rules
        self._book = book
        self._afterwards = Afterwards(rules)

    def carry_out(self, account: Account, command: CommandBase, now: int, out: Results) -> Refusal | None:
        """Carry it out, at its own time; `now` is its place in the order of events. Returns a refusal, or None."""
        alerts = self._targets(account, command)
        if isinstance(command, RecordAction | RecordOutcome):
            return self._note(account, command, alerts)
        alerts = [alert for alert in alerts if alert.is_open]
        if not alerts:
            return self._no_target(account, command)
        if isinstance(command, Snooze) and command.until <= now:
            return refused("until", "the time until which the alert was to be snoozed is past")
        refusal: str | None = None
        done = 0
        for alert in alerts:
            try:
                changed = change(command, alert, self._book.standing(account, now, alert.kind, alert.severity))
            except ImpossibleChangeError as error:
                refusal = str(error)
                continue
            self._book.record(account, changed, out)
            done += 1
        # For the whole account it is enough that it could be done to one of its alerts.
        return None if done or refusal is None else refused("command", refusal)

    def _targets(self, account: Account, command: CommandBase) -> list[Alert]:
        if command.alert_id is not None:
            return [alert for alert in account.alerts.values() if alert.alert_id == command.alert_id]
        return [alert for alert in account.alerts.values() if command.kind in ("*", alert.kind)]

    def _no_target(self, account: Account, command: CommandBase) -> Refusal:
        if command.alert_id is not None:
            known = any(alert.alert_id == command.alert_id for alert in account.alerts.values())
            detail = "the alert is already resolved" if known else "the account has no such alert"
            return refused("alert_id", detail)
        what = "open alert" if command.kind == "*" else f"open alert of kind {command.kind}"
        return refused("kind", f"the account has no {what}")

    def _note(self, account: Account, command: RecordAction | RecordOutcome, alerts: list[Alert]) -> Refusal | None:
        one = command.alert_id is not None or command.kind != "*"
        if not alerts and one:
            field = "alert_id" if command.alert_id is not None else "kind"
            return refused(field, "the account has had no such alert lately")
        about = alerts[0] if len(alerts) == 1 else None
        if isinstance(command, RecordAction):
            for alert in alerts:
                if alert.is_open:
                    account.alerts[alert.kind] = replace(alert, acted=True)
            line = f"{command.action}: {command.result}"
            _, currency = account.mrr
            account.outcomes.act(self._action(account, command, alerts))
            if command.cost_minor is not None:
                cost = (
                    money(command.cost_minor, currency)
                    if currency is not None
                    else f"{command.cost_minor} (minor units)"
                )
                line += f", at a cost of {cost}"
            code = "action"
            note_action(account)
        else:
            pending = account.outcomes.pending
            for alert in alerts:
                if alert.warned_at is not None and (one or alert.is_open or alert.alert_id in pending):
                    self._afterwards.overrule(account, alert, Outcome(command.outcome))
            line, code = f"Outcome: {command.outcome.replace('_', ' ')}", "outcome"
        line += f". {command.note}" if command.note else "."
        kind = about.kind if about is not None else None
        entry = Entry(command.at, code, line, kind, about.alert_id if about is not None else None, command.by)
        account.timeline.add(entry, self._rules.config.timeline_kept)
        return None

    def _action(self, account: Account, command: RecordAction, alerts: list[Alert]) -> Action:
        """What was done, about one alert: of several, the most severe that is open, and of these the oldest."""
        open_ = [alert for alert in alerts if alert.is_open]
        if command.kind != "*" or command.alert_id is not None:
            open_ = open_ or alerts
        about = min(open_, key=lambda alert: (-alert.severity.rank, alert.opened_at, alert.kind), default=None)
        _, currency = account.mrr
        row = Row(
            about.kind.value if about is not None else ANY,
            command.action[:NAME_LENGTH],
            command.result,
            self._reason(account, about),
            "",
            currency if currency is not None and command.cost_minor else "",
        )
        return Action(about.alert_id if about is not None else "", row, command.cost_minor or 0)

    def _reason(self, account: Account, about: Alert | None) -> str:
        """The class of what the account leaves for, as far as that is known by now."""
        for reason in about.finding.reasons if about is not None else ():
            of_alert = reason.values.get("reason_class")
            if isinstance(of_alert, str):
                return of_alert
        class_of = self._rules.reasons.class_of
        cancelled = [each for each in account.subscriptions.live() if each.cancel_at is not None]
        found = [each for each in (class_of(each.reason, each.comment) for each in cancelled) if each is not None]
        survey = account.feedback.survey if account.feedback is not None else None
        if not found and survey is not None:
            found = [each for each in (class_of(survey.reason, survey.comment),) if each is not None]
        return found[0].value if found else ""


def change(command: CommandBase, alert: Alert, standing: Standing) -> Alert:
    """The alert after a command. Raises `ImpossibleChangeError`."""
    if isinstance(command, Acknowledge):
        return lifecycle.acknowledge(alert, command.at, command.by, standing)
    if isinstance(command, Snooze):
        return lifecycle.snooze(alert, command.at, command.by, command.until, standing)
    if isinstance(command, Unsnooze):
        return lifecycle.wake(alert, command.at, command.by, standing)
    raise TypeError(f"not a command: {type(command).__name__}")


def refused(field: str, detail: str) -> Refusal:
    """Of an impossible command."""
    return Refusal(Reason.IMPOSSIBLE_COMMAND, field, detail)
