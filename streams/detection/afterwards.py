"""Judging what alerts were worth, some time after they were resolved and when the account is lost."""

from typing import Final

from alerting.lifecycle import Alert
from alerting.words import span
from schemas.alerts import Change, Kind, Severity
from streams.detection.config import DAY_MS
from streams.detection.following import HORIZON_MS, Following
from streams.detection.health import expected, health
from streams.detection.loss import DECISION, Loss
from streams.detection.odds import ALL, TIER_LENGTH
from streams.detection.outcomes import ANY, LOOKS, SETTLED_MS, Ended, Outcome, Pending
from streams.detection.priority import renewal_of
from streams.detection.rules import Rules
from streams.detection.signals.fallen_source import FALLEN
from streams.detection.signals.quiet_source import GIVEN_UP
from streams.detection.state import Account
from streams.detection.timeline import Entry
from streams.detection.window import total

_ON_USAGE: Final = frozenset({Kind.USAGE_DROP, Kind.USAGE_SILENCE})
_WORSE: Final = frozenset({Change.OPENED, Change.ESCALATED})
_OF_SOURCE: Final = frozenset({GIVEN_UP, FALLEN})
_WELL: Final = 60
"""Health of an account that is well."""
_BELOW: Final = 0.7
"""Of what was expected from the beginning of the decline to the judgement: who did as much was never really below."""


class Afterwards:
    """Follows alerts that people may have been told of: of what was never more than a watch it is only learnt how often
    a loss comes after it."""

    def __init__(self, rules: Rules) -> None:
        self._rules = rules

    def follow(self, account: Account, alert: Alert) -> None:
        """An alert has changed."""
        outcomes = account.outcomes
        if alert.change in _WORSE and account.loss is None and not account.profile.internal:
            account.following = account.following or Following()
            account.following.add(alert.kind, alert.severity, alert.at)
        if alert.is_open:
            outcomes.pending.pop(alert.alert_id, None)  # reopened: the episode goes on
        elif alert.warned_at is not None and account.loss is None and not _nobodys(account):
            standing = alert.standing
            judge_at = self._judge_at(account, alert)
            outcomes.wait(
                Pending(
                    alert.kind,
                    alert.alert_id,
                    alert.finding.since,
                    alert.warned_at,
                    alert.at,
                    judge_at,
                    alert.acted,
                    standing.mrr_minor,
                    standing.currency,
                    of_source=any(reason.code in _OF_SOURCE for reason in alert.finding.reasons[:1]),
                )
            )

    def lost(self, account: Account) -> None:
        """The account is lost: what stands, or was still to be judged, saw it, and in vain."""
        loss, outcomes = account.loss, account.outcomes
        assert loss is not None
        money = (loss.mrr_minor or 0, loss.currency or "")
        foreseen = loss.foreseen_at is not None
        lead = loss.decided_at - loss.foreseen_at if loss.foreseen_at is not None else -1
        current, reason = _current(account), self._rules.reasons.class_of(loss.reason, loss.comment)
        left_for = reason.value if reason is not None else ""
        outcomes.count(ANY, Ended(_id_of(loss), Outcome.LOST if foreseen else Outcome.MISSED, *money, lead), current)
        told = [
            (alert.kind, alert.alert_id, alert.warned_at)
            for alert in account.alerts.values()
            if alert.is_open and alert.warned_at is not None
        ]
        told += [(each.kind, each.alert_id, each.warned_at) for each in outcomes.pending.values()]
        seen: set[Kind] = set()
        for kind, alert_id, warned_at in told:
            if kind not in seen and (warned_at < loss.decided_at or kind in DECISION):
                seen.add(kind)
                ahead = max(loss.decided_at - warned_at, -1)
                outcomes.count(kind.value, Ended(alert_id, Outcome.LOST, *money, ahead), current, left_for)
        outcomes.pending.clear()

    def not_lost(self, account: Account, loss: Loss) -> None:
        """The account was not lost after all."""
        account.outcomes.take_back(_id_of(loss))

    def returned(self, account: Account) -> None:
        """A lost account is back as a customer: every alert that is still followed came before that loss."""
        for kind, severity in account.following.since if account.following is not None else ():
            self._followed(account, kind, severity, lost=True)
        account.following = None

    def judge(self, account: Account, at: int) -> None:
        """Judge what is due at `at`."""
        following, loss = account.following, account.loss
        for kind, severity, since in following.over(at) if following is not None else ():
            self._followed(account, kind, severity, lost=loss is not None and loss.at <= since + HORIZON_MS)
        pending = account.outcomes.pending
        for alert_id, each in list(pending.items()):
            if each.judge_at > at:
                continue
            outcome = self._outcome(account, each, at)
            if outcome is None and each.looks + 1 < LOOKS:
                pending[alert_id] = each._replace(looks=each.looks + 1, judge_at=each.judge_at + SETTLED_MS)
                continue
            del pending[alert_id]
            if outcome is not None:
                self._settle(account, each, outcome, at)

    def overrule(self, account: Account, alert: Alert, outcome: Outcome) -> None:
        """A person's word on an alert, which counts more than what follows from events."""
        account.outcomes.pending.pop(alert.alert_id, None)
        standing = alert.standing
        money = (0, "") if outcome is Outcome.FALSE_ALARM else (standing.mrr_minor or 0, standing.currency or "")
        ended = Ended(alert.alert_id, outcome, *money, by_person=True)
        account.outcomes.count(alert.kind.value, ended, _current(account))

    def _followed(self, account: Account, kind: Kind, severity: Severity, *, lost: bool) -> None:
        tier = (account.profile.text("tier") or ALL)[:TIER_LENGTH]
        account.habits.sequels.follow((kind.value, severity.rank, tier), lost=lost)

    def _judge_at(self, account: Account, alert: Alert) -> int:
        """Some time after its end; where somebody acted on an annual contract, when that was to be renewed."""
        settled = alert.at + SETTLED_MS
        yearly = any(each.interval == "year" for each in account.subscriptions.live())
        renewal_at = renewal_of(account, alert.at)
        if alert.acted and yearly and renewal_at is not None and settled < renewal_at + DAY_MS <= alert.at + _YEAR:
            return renewal_at + DAY_MS
        return settled

    def _outcome(self, account: Account, each: Pending, at: int) -> Outcome | None:
        """None: it is not clear, as the account is not well."""
        troubled = any(alert.is_open and alert.warned_at is not None for alert in account.alerts.values())
        if troubled or account.subscriptions.paused or health(account, self._rules, at).value < _WELL:
            return None
        if each.acted:
            return Outcome.SAVED
        if each.kind in _ON_USAGE and not each.of_source and self._never_below(account, each, at):
            return Outcome.FALSE_ALARM
        return Outcome.RECOVERED_UNAIDED

    def _never_below(self, account: Account, each: Pending, at: int) -> bool:
        calendar = self._rules.calendar
        last = min(calendar.day_of(at), account.closed)
        first = max(calendar.day_of(each.since), last - self._rules.config.kept_days + 1, account.habit.first_day)
        normal = expected(account, self._rules, first, last)
        return normal > 0 and total(account.daily, first, last) >= _BELOW * normal

    def _settle(self, account: Account, each: Pending, outcome: Outcome, at: int) -> None:
        money = (each.mrr_minor or 0, each.currency or "") if outcome is Outcome.SAVED else (0, "")
        if not account.outcomes.count(each.kind.value, Ended(each.alert_id, outcome, *money), _current(account)):
            return
        name = each.kind.value.replace("_", " ").capitalize()
        text = f"{name}: {_WORDS[outcome]}, {span(at - each.resolved_at)} after it was resolved."
        entry = Entry(at, f"outcome.{outcome.value}", text, each.kind, each.alert_id)
        account.timeline.add(entry, self._rules.config.timeline_kept)


def _current(account: Account) -> set[str]:
    """Ids of which more may be said: of the last alert of each kind, and of the loss."""
    current = {alert.alert_id for alert in account.alerts.values()}
    return current | {_id_of(account.loss)} if account.loss is not None else current


def _id_of(loss: Loss) -> str:
    return f"loss.{loss.at}"


_YEAR: Final = 366 * DAY_MS
_WORDS: Final = {
    Outcome.SAVED: "saved",
    Outcome.RECOVERED_UNAIDED: "well again by itself",
    Outcome.FALSE_ALARM: "a false alarm",
}


def _nobodys(account: Account) -> bool:
    """Whether it is no customer: the company's own account, or an alias of another one."""
    return account.profile.internal or account.profile.alias
