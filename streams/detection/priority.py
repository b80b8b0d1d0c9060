"""Money at risk: what orders alerts and accounts."""

from collections.abc import Iterable
from typing import Final

from schemas.alerts import Kind, Severity
from streams.detection.odds import Odds
from streams.detection.state import Account

_NO_ALERT: Final = 0.01


def money_at_risk(
    mrr_minor: int | None, alerts: Iterable[tuple[Kind, Severity]], odds: Odds, tier: str | None = None
) -> float:
    """MRR (minor units) times the probability of loss, the alerts taken as independent. Without an alert 1%; 0
    without MRR.

    >>> money_at_risk(10_000, [(Kind.CANCEL_SCHEDULED, Severity.WARNING)], Odds())
    7030.0
    """
    if mrr_minor is None:
        return 0.0
    stays = 1.0 - _NO_ALERT
    for kind, severity in alerts:
        stays *= 1.0 - odds.probability(kind, severity, tier)
    return round(mrr_minor * (1.0 - stays), 2)


def renewal_of(account: Account, at: int) -> int | None:
    """The nearest renewal from `at` on: of the paid subscriptions that are not cancelled, else from the account's
    record. None when nothing will be renewed, or it is not known."""
    live = list(account.subscriptions.live())
    paid = [each for each in live if each.paid] or live
    going_on = [each for each in paid if each.cancel_at is None]
    if account.loss is not None or (paid and not going_on):
        return None
    renewals = [each.renewal_at for each in going_on if each.renewal_at is not None]
    if not renewals:
        of_record = account.profile.number("renewal_at")
        renewals = [of_record] if of_record is not None else []
    return min((each for each in renewals if each >= at), default=None)
