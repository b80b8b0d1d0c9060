"""Money at risk: what orders alerts and accounts."""

from collections.abc import Iterable
from typing import Final

from schemas.alerts import Kind, Severity
from streams.detection.state import Account

_LOSS: Final = {
    Kind.USAGE_DROP: (0.05, 0.12, 0.25),
    Kind.USAGE_SILENCE: (0.06, 0.18, 0.35),
    Kind.KEY_ACTION_STOPPED: (0.05, 0.12, 0.25),
    Kind.BREADTH_DECLINE: (0.04, 0.1, 0.2),
    Kind.PAYMENT_FAILED: (0.05, 0.12, 0.35),
    Kind.CARD_EXPIRING: (0.01, 0.03, 0.08),
    Kind.CANCEL_INTENT: (0.1, 0.2, 0.35),
    Kind.CHAMPION_GONE: (0.03, 0.08, 0.2),
    Kind.ONBOARDING_STALLED: (0.05, 0.15, 0.3),
    Kind.NEGATIVE_FEEDBACK: (0.03, 0.07, 0.15),
    Kind.CANCEL_SCHEDULED: (0.5, 0.7, 0.85),
    Kind.PAUSED: (0.15, 0.3, 0.5),
    Kind.DOWNGRADE: (0.04, 0.1, 0.2),
    Kind.SEATS_REDUCED: (0.04, 0.08, 0.15),
    Kind.RENEWAL_AT_RISK: (0.1, 0.2, 0.35),
}
_OTHER = (0.04, 0.1, 0.2)
_NO_ALERT: Final = 0.01


def probability_of_loss(kind: Kind, severity: Severity) -> float:
    """The prior probability that an account with such an alert is lost within 90 days: judgement, until outcomes
    replace it.

    >>> probability_of_loss(Kind.CANCEL_SCHEDULED, Severity.WARNING)
    0.7
    """
    return _LOSS.get(kind, _OTHER)[severity.rank]


def money_at_risk(mrr_minor: int | None, alerts: Iterable[tuple[Kind, Severity]]) -> float:
    """MRR (minor units) times the probability of loss, the alerts taken as independent. Without an alert 1%; 0
    without MRR.

    >>> money_at_risk(10_000, [(Kind.CANCEL_SCHEDULED, Severity.WARNING)])
    7030.0
    """
    if mrr_minor is None:
        return 0.0
    stays = 1.0 - _NO_ALERT
    for kind, severity in alerts:
        stays *= 1.0 - probability_of_loss(kind, severity)
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
