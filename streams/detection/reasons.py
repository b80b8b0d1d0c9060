"""Why customers leave: classes of reasons, and which of them a team can do something about."""

import re
from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import Final


class ReasonClass(StrEnum):
    """What a stated reason comes to."""

    PRICE = "price"
    MISSING_FEATURE = "missing_feature"
    QUALITY = "quality"
    SWITCHED = "switched"
    NOT_USED_ENOUGH = "not_used_enough"
    TOO_COMPLEX = "too_complex"
    BAD_ONBOARDING = "bad_onboarding"
    OVER_PROMISED = "over_promised"
    SERVICE = "service"
    SPONSOR_LEFT = "sponsor_left"
    PROJECT_ENDED = "project_ended"
    MERGED = "merged"
    BUSINESS_CLOSED = "business_closed"
    OTHER = "other"
    """A reason was given, and nothing here knows it."""

    @property
    def influenceable(self) -> bool:
        """Whether a team can do something about it.

        >>> ReasonClass.PRICE.influenceable, ReasonClass.MERGED.influenceable
        (True, False)
        """
        return self not in _FATE

    @property
    def words(self) -> str:
        """For people.

        >>> ReasonClass.NOT_USED_ENOUGH.words
        'not used enough'
        """
        return self.value.replace("_", " ")


_FATE: Final = frozenset({ReasonClass.PROJECT_ENDED, ReasonClass.MERGED, ReasonClass.BUSINESS_CLOSED})
_KNOWN: Final = {each.value: each for each in ReasonClass} | {
    # What Stripe calls them: https://docs.stripe.com/api/subscriptions/object, cancellation_details.feedback
    "customer_service": ReasonClass.SERVICE,
    "low_quality": ReasonClass.QUALITY,
    "missing_features": ReasonClass.MISSING_FEATURE,
    "switched_service": ReasonClass.SWITCHED,
    "too_expensive": ReasonClass.PRICE,
    "unused": ReasonClass.NOT_USED_ENOUGH,
}
_OTHER_THAN_LETTERS: Final = re.compile(r"[\W_]+")


class Reasons:
    """Finds a reason's class: by its name, else by the first of the `keywords` (text to the name of a class) that
    stands in it or in the comment. Nothing else is guessed. Raises `ValueError` for a class that there is not.

    >>> reasons = Reasons({"budget": "price"})
    >>> reasons.class_of("Too expensive", None), reasons.class_of(None, "Our budget was cut")
    (<ReasonClass.PRICE: 'price'>, <ReasonClass.PRICE: 'price'>)
    >>> reasons.class_of("it is Tuesday", None), reasons.class_of(None, None)
    (<ReasonClass.OTHER: 'other'>, None)
    """

    def __init__(self, keywords: Mapping[str, str] | Iterable[tuple[str, str]] = ()) -> None:
        self._keywords = [(_normal(word), ReasonClass(name)) for word, name in dict(keywords).items()]

    def class_of(self, reason: str | None, comment: str | None) -> ReasonClass | None:
        """None: no reason is known."""
        said = _normal(reason or "")
        if said in _KNOWN:
            return _KNOWN[said]
        texts = (f"_{said}_", f"_{_normal(comment or '')}_")
        for word, of_class in self._keywords:
            if any(f"_{word}_" in text for text in texts):
                return of_class
        return ReasonClass.OTHER if said else None


def _normal(text: str) -> str:
    return _OTHER_THAN_LETTERS.sub("_", text.casefold()).strip("_")


class LetGo:
    """Which accounts may go: rules, each the name of a class of reasons, or with a tier behind a colon. Raises
    `ValueError` for a class that there is not.

    >>> rule = LetGo(["business_closed", "price:free"])
    >>> rule.covers(ReasonClass.PRICE, "free"), rule.covers(ReasonClass.PRICE, "gold"), rule.covers(None, "free")
    (True, False, False)
    """

    def __init__(self, rules: Iterable[str] = ()) -> None:
        parts = [rule.partition(":") for rule in rules]
        self._rules = frozenset((ReasonClass(name), tier or None) for name, _, tier in parts)

    def covers(self, of_class: ReasonClass | None, tier: str | None) -> bool:
        """Whether an account that leaves for this reason is not to be held."""
        return (of_class, None) in self._rules or (tier is not None and (of_class, tier) in self._rules)
