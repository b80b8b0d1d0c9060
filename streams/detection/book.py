"""The book of alerts: the one place where judgements and commands become changes of an account's alerts."""

from alerting import lifecycle
from alerting.lifecycle import Alert, Standing
from schemas.alerts import AlertState, Change, Kind, Resolution, Severity
from streams.detection.afterwards import Afterwards
from streams.detection.closing import closing_line
from streams.detection.config import DAY_MS
from streams.detection.health import health
from streams.detection.priority import money_at_risk
from streams.detection.results import Results
from streams.detection.rules import Rules
from streams.detection.signals.base import Calm, Firing, Judgement, Signal
from streams.detection.signals.gate import note
from streams.detection.state import NEVER, Account
from streams.detection.tally import Tally
from streams.detection.timeline import Entry
from streams.detection.transition import transition_of


class Book:
    """Opens, escalates, wakes and resolves. Every change is put into the account's timeline and into `out`."""

    def __init__(self, rules: Rules, tally: Tally) -> None:
        self._rules = rules
        self._tally = tally
        self._afterwards = Afterwards(rules)
        self._cool_down = rules.config.cool_down_days * DAY_MS

    def settle(self, account: Account, signal: Signal, at: int, judgement: Judgement, out: Results) -> None:
        """Bring the alert of a signal in line with the signal's judgement."""
        if judgement is None:
            return
        alert = account.alert(signal.kind)
        if isinstance(judgement, Calm):
            if alert is not None:
                self.resolve(account, alert, at, judgement.resolution, out)
        elif alert is None:
            self._open(account, signal, at, judgement, out)
        elif judgement.severity.rank > alert.severity.rank or judgement.step > alert.finding.step:
            finding = signal.describe(account, at, judgement)
            worst = max(alert.severity, finding.severity, key=lambda severity: severity.rank)
            standing = self.standing(account, at, alert.kind, worst)
            self.record(account, lifecycle.escalate(alert, at, finding, standing), out)

    def resolve(self, account: Account, alert: Alert, at: int, resolution: Resolution, out: Results) -> None:
        """Over."""
        standing = self.standing(account, at, alert.kind, alert.severity)
        lost, profile = account.loss is not None, account.profile
        headline = closing_line(alert.kind, resolution, lost=lost, internal=profile.internal, alias_of=profile.alias_of)
        self.record(account, lifecycle.resolve(alert, at, resolution, headline, standing), out)

    def resolve_all(self, account: Account, at: int, resolution: Resolution, out: Results) -> None:
        """Every open alert of the account."""
        for alert in list(account.alerts.values()):
            if alert.is_open:
                self.resolve(account, alert, at, resolution, out)

    def wake_due(self, account: Account, now: int, out: Results) -> None:
        """Wake what was snoozed until now."""
        for alert in list(account.alerts.values()):
            until = alert.snoozed_until
            if alert.state is AlertState.SNOOZED and until is not None and until <= now:
                standing = self.standing(account, until, alert.kind, alert.severity)
                self.record(account, lifecycle.wake(alert, until, None, standing), out)

    def wakes_at(self, account: Account) -> int:
        """When the next snoozed alert wakes; `NEVER` without one."""
        wakes = NEVER
        for alert in account.alerts.values():
            if alert.state is AlertState.SNOOZED and alert.snoozed_until is not None:
                wakes = min(wakes, alert.snoozed_until)
        return wakes

    def standing(self, account: Account, at: int, kind: Kind, severity: Severity) -> Standing:
        """The account's figures, with the money at risk by this alert alone."""
        mrr_minor, currency = account.mrr
        odds = self._rules.lessons(account.closed).odds
        at_risk = money_at_risk(mrr_minor, ((kind, severity),), odds, account.profile.text("tier"))
        return Standing(health(account, self._rules, at).value, mrr_minor, currency, at_risk)

    def record(self, account: Account, alert: Alert, out: Results) -> None:
        """Keep an alert that has changed, and tell of the change."""
        # Resolved alerts keep their place for the cool-down. The dict's order is that of changes.
        account.alerts.pop(alert.kind, None)
        account.alerts[alert.kind] = alert.kept()
        account.deadline = -1
        note(account)
        self._afterwards.follow(account, alert)
        entry = Entry(alert.at, f"alert.{alert.change.value}", _line(alert), alert.kind, alert.alert_id, alert.by)
        account.timeline.add(entry, self._rules.config.timeline_kept)
        self._tally.transitions += 1
        out.append(transition_of(account, alert, self._rules))

    def _open(self, account: Account, signal: Signal, at: int, firing: Firing, out: Results) -> None:
        finding = signal.describe(account, at, firing)
        before = account.alerts.get(signal.kind)
        standing = self.standing(account, at, signal.kind, finding.severity)
        if before is not None and self._same_episode(before, at):
            alert = lifecycle.reopen(before, at, finding, standing)
        else:
            alert = lifecycle.open_alert(account.id, signal.kind, at, finding, standing)
        self.record(account, alert, out)

    def _same_episode(self, before: Alert, at: int) -> bool:
        return before.resolution is not Resolution.LOST and at - before.at <= self._cool_down


def _line(alert: Alert) -> str:
    kind = alert.kind.value.replace("_", " ")
    if alert.change in (Change.OPENED, Change.ESCALATED, Change.RESOLVED):
        return alert.finding.headline
    return f"{kind}: {alert.change.value}" + (f" by {alert.by}" if alert.by is not None else "")
