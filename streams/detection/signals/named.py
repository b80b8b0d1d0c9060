"""Which subscriptions an alert is about."""

from schemas.alerts import Kind
from streams.detection.state import Account
from streams.detection.subscription import Subscription


def named(account: Account, kind: Kind) -> list[Subscription]:
    """Those that the reasons of the account's open alert of this kind name, as they are by now; none without one."""
    alert = account.alert(kind)
    if alert is None:
        return []
    ids = [str(reason.values.get("subscription_id")) for reason in alert.finding.reasons]
    return [account.subscriptions.by_id[id_] for id_ in ids if id_ in account.subscriptions.by_id]
