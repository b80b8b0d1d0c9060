"""An alert's last change as others see it, with what they want to know of its account."""

from alerting import lifecycle
from alerting.lifecycle import Alert
from schemas.alerts import OpenAlert, Transition
from streams.detection.priority import renewal_of
from streams.detection.state import Account


def transition_of(account: Account, alert: Alert) -> Transition:
    """The last change of one of the account's alerts. Who the account is, its renewal, and what else is open are those
    of now."""
    profile = account.profile
    return lifecycle.transition(
        alert,
        account.id,
        profile.text("name"),
        profile.text("owner"),
        profile.text("team"),
        renewal_of(account),
        _others_open(account, alert),
    )


def _others_open(account: Account, alert: Alert) -> tuple[OpenAlert, ...]:
    if account.loss is not None or account.profile.internal:
        return ()  # all of them are being resolved
    others = [each for each in account.alerts.values() if each.is_open and each.kind is not alert.kind]
    others.sort(key=lambda each: -each.severity.rank)
    return tuple(OpenAlert(kind=each.kind, severity=each.severity) for each in others)
