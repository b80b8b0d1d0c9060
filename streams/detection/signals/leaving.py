"""Why a subscription is given up, for signals that tell of it: what was said, what that comes to, whether it may be."""

from streams.detection.reasons import ReasonClass
from streams.detection.rules import Rules
from streams.detection.state import Account
from streams.detection.subscription import Subscription


def reason_values(subscription: Subscription, rules: Rules) -> dict[str, bool | int | float | str]:
    """What is known of it, as values of a reason."""
    values: dict[str, bool | int | float | str] = {}
    if subscription.reason is not None:
        values["reason"] = subscription.reason
    of_class = _class(subscription, rules)
    if of_class is not None:
        values |= {"reason_class": of_class.value, "influenceable": of_class.influenceable}
    if subscription.comment is not None:
        values["comment"] = subscription.comment
    return values


def may_go(account: Account, subscription: Subscription, rules: Rules) -> bool:
    """Whether it is not to be held (see `LetGo`)."""
    return rules.let_go.covers(_class(subscription, rules), account.profile.text("tier"))


def _class(subscription: Subscription, rules: Rules) -> ReasonClass | None:
    return rules.reasons.class_of(subscription.reason, subscription.comment)
