"""When engagement may not be alerted, however low it is."""

from alerting.lifecycle import Alert
from schemas.alerts import AlertState, Kind
from streams.detection.facets import KIND_OF
from streams.detection.habits import ACTED, DROP_LEVEL, MUTED, SILENCE_LEVEL, UNJUDGED
from streams.detection.state import Account


def unjudged(account: Account) -> bool:
    """Whether the account's days say nothing: it is lost, paused, the company's own, or an alias of another."""
    profile = account.profile
    return account.loss is not None or profile.internal or profile.alias or account.subscriptions.paused


def muted(account: Account) -> bool:
    """Whether engagement alerts neither open nor escalate: the account is not known well enough yet, its days say
    nothing, or a scheduled cancellation says it all."""
    return not account.monitored or account.alert(Kind.CANCEL_SCHEDULED) is not None or unjudged(account)


def said_already(account: Account) -> int:
    """How severe the alerts on the account's activity as a whole are, from 1; 0 without one. What a part of it says at
    no more than that is no news."""
    return max(severity_of(account.alert(Kind.USAGE_SILENCE)), severity_of(account.alert(Kind.USAGE_DROP)))


def _acknowledged(alert: Alert | None) -> bool:
    return alert is not None and alert.state is AlertState.ACKNOWLEDGED


def severity_of(alert: Alert | None) -> int:
    """How severe an alert is, from 1 for a watch; 0 without one."""
    return 0 if alert is None else alert.severity.rank + 1


def note(account: Account) -> None:
    """Note in its row what closing days has to know of the account. To be called when any of it has changed."""
    habits, row = account.habits, account.row
    silent = unjudged(account)
    silence, drop = account.alert(Kind.USAGE_SILENCE), account.alert(Kind.USAGE_DROP)
    habits.set(row, UNJUDGED, silent)
    habits.set(row, MUTED, silent or account.alert(Kind.CANCEL_SCHEDULED) is not None)
    habits.set(row, SILENCE_LEVEL, severity_of(silence))
    habits.set(row, DROP_LEVEL, severity_of(drop))
    if _acknowledged(silence) or (_acknowledged(drop) and not habits.get(row, ACTED)):
        habits.set(row, ACTED, 1)
    for facet, kind in zip(habits.facets, KIND_OF, strict=True):
        alert = account.alert(kind)
        facet.set(row, DROP_LEVEL, severity_of(alert))
        if _acknowledged(alert):
            facet.set(row, ACTED, 1)


def note_action(account: Account) -> None:
    """Note in its row that somebody did something about it, if an alert on its usage is open."""
    if account.alert(Kind.USAGE_SILENCE) is not None or account.alert(Kind.USAGE_DROP) is not None:
        account.habits.set(account.row, ACTED, 1)
    for facet, kind in zip(account.habits.facets, KIND_OF, strict=True):
        if account.alert(kind) is not None:
            facet.set(account.row, ACTED, 1)
