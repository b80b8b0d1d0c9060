"""When engagement may not be alerted, however low it is."""

from schemas.alerts import Kind
from streams.detection.state import Account


def unjudged(account: Account) -> bool:
    """Whether the account's days say nothing: it is lost, paused, or the company's own."""
    return account.loss is not None or account.profile.internal or account.subscriptions.paused


def muted(account: Account) -> bool:
    """Whether engagement alerts neither open nor escalate: the account is not known well enough yet, its days say
    nothing, or a scheduled cancellation says it all."""
    return account.monitored_day < 0 or account.alert(Kind.CANCEL_SCHEDULED) is not None or unjudged(account)
