"""An alert's last change as others see it, with what they want to know of its account."""

from alerting import lifecycle
from alerting.lifecycle import Alert
from alerting.words import money
from schemas.alerts import OpenAlert, Transition
from streams.detection.priority import renewal_of
from streams.detection.rules import Rules
from streams.detection.stall import FLEET_ID
from streams.detection.state import Account


def transition_of(account: Account, alert: Alert, rules: Rules) -> Transition:
    """The last change of one of the account's alerts. Who the account is, its renewal, what else is open, and what to
    do are those of now."""
    profile, renewal_at = account.profile, renewal_of(account, alert.at)
    changed = lifecycle.transition(
        alert,
        account.id,
        profile.text("name"),
        profile.text("owner"),
        profile.text("team"),
        renewal_at,
        _others_open(account, alert),
        _next_step(account, alert, renewal_at, rules) if alert.is_open else None,
    )
    return changed.model_copy(update={"tier": profile.text("tier"), "tags": profile.texts("tags")})


def fleet_transition(alert: Alert, rules: Rules) -> Transition:
    """The last change of an alert on the fleet itself."""
    play = rules.playbook.play(alert.kind, (), None) if alert.is_open else None
    return lifecycle.transition(alert, FLEET_ID, playbook=play.says({}) if play is not None else None)


def _next_step(account: Account, alert: Alert, renewal_at: int | None, rules: Rules) -> str | None:
    profile, day_text = account.profile, rules.calendar.day_text
    tier = profile.text("tier")
    play = rules.playbook.play(alert.kind, _reasons(alert), tier)
    if play is None:
        return None
    mrr_minor, currency = account.mrr
    plans = [each.plan for each in account.subscriptions.live() if each.plan is not None]
    values = {
        "account": profile.text("name") or account.id,
        "contact": profile.text("contact"),
        "mrr": money(mrr_minor, currency) if mrr_minor is not None and currency is not None else None,
        "owner": profile.text("owner"),
        "plan": ", ".join(plans[:3]) or profile.text("plan"),
        "renewal": day_text(renewal_at) if renewal_at is not None else None,
        "since": day_text(alert.finding.since),
        "team": profile.text("team"),
        "tier": tier,
    }
    return play.says({name: value for name, value in values.items() if value})


def _reasons(alert: Alert) -> list[str]:
    codes = [reason.code for reason in alert.finding.reasons]
    classes = (reason.values.get("reason_class") for reason in alert.finding.reasons)
    return codes + [each for each in classes if isinstance(each, str)]


def _others_open(account: Account, alert: Alert) -> tuple[OpenAlert, ...]:
    if account.loss is not None or account.profile.internal:
        return ()  # all of them are being resolved
    others = [each for each in account.alerts.values() if each.is_open and each.kind is not alert.kind]
    others.sort(key=lambda each: -each.severity.rank)
    return tuple(OpenAlert(kind=each.kind, severity=each.severity) for each in others)
