"""What a decision of the customer takes in: alerts on usage that stand beside it, as a reason and no second message."""

from schemas.alerts import AlertReason, Kind
from streams.detection.state import Account


def usage_before(account: Account) -> tuple[AlertReason, ...]:
    """The open alerts on the account's usage, each as a reason."""
    alerts = (account.alert(kind) for kind in (Kind.USAGE_SILENCE, Kind.USAGE_DROP))
    return tuple(
        AlertReason(code=alert.kind.value, text=alert.finding.headline, values={"since": alert.finding.since})
        for alert in alerts
        if alert is not None
    )
