"""What a route asks of an alert's account and reasons. Pure."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from alerting.words import money
from schemas.alerts import Transition


@dataclass(frozen=True, slots=True)
class Matchers:
    """Each is asked for only where it is given, and all that are have to be met. Raises `ValueError` for impossible
    ones.

    Names are compared without regard to case; `*` in one stands for any text. `reason_classes`, `influenceable`: what
    one of the reasons given for leaving has to be. `tags`: one of them is enough. `mrr_minor_from` and
    `mrr_minor_below`: a range of MRR in minor units of `currency`, without its end. What is not known of an account
    meets no matcher.
    """

    reason_classes: tuple[str, ...] = ()
    influenceable: bool | None = None
    teams: tuple[str, ...] = ()
    owners: tuple[str, ...] = ()
    tiers: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    currency: str | None = None
    mrr_minor_from: int | None = None
    mrr_minor_below: int | None = None

    def __post_init__(self) -> None:
        low, below = self.mrr_minor_from, self.mrr_minor_below
        if self.currency is None and (low is not None or below is not None):
            raise ValueError("mrr_minor_from and mrr_minor_below need currency: amounts in others are not compared")
        if below is not None and below <= (low or 0):
            raise ValueError(f"mrr_minor_below = {below} leaves nothing: it must be above mrr_minor_from, and above 0")

    def refusals(self, transition: Transition) -> Iterator[str]:
        """Why not, a few words for each matcher that is not met."""
        yield from _named("reason class", self.reason_classes, _said(transition, "reason_class"))
        if self.influenceable is not None:
            said = _said(transition, "influenceable")
            if self.influenceable not in said:
                yield f"influenceable is {_listed(map(_word, said))}, asked for is {_word(self.influenceable)}"
        for what, asked, known in (
            ("team", self.teams, transition.team),
            ("owner", self.owners, transition.owner),
            ("tier", self.tiers, transition.tier),
        ):
            yield from _named(what, asked, () if known is None else (known,))
        yield from _named("tag", self.tags, transition.tags)
        yield from self._money(transition)

    def covers(self, other: "Matchers") -> bool:
        """Whether all that meets the other's meets these as well, as far as can be told without looking at accounts."""
        return (
            all(
                _covers(getattr(self, name), getattr(other, name))
                for name in ("reason_classes", "teams", "owners", "tiers", "tags")
            )
            and self.influenceable in (None, other.influenceable)
            and self.currency in (None, other.currency)
            and (self.mrr_minor_from or 0) <= (other.mrr_minor_from or 0)
            and (
                self.mrr_minor_below is None
                or (other.mrr_minor_below is not None and other.mrr_minor_below <= self.mrr_minor_below)
            )
        )

    def _money(self, transition: Transition) -> Iterator[str]:
        if self.currency is None:
            return
        amount, currency = transition.mrr_minor, transition.currency
        if amount is None or currency is None:
            yield f"MRR is not known, asked for is {self.currency}"
        elif currency != self.currency:
            yield f"MRR is in {currency}, asked for is {self.currency}"
        elif self.mrr_minor_from is not None and amount < self.mrr_minor_from:
            yield f"MRR is {money(amount, currency)}, asked for is {money(self.mrr_minor_from, currency)} or more"
        elif self.mrr_minor_below is not None and amount >= self.mrr_minor_below:
            yield f"MRR is {money(amount, currency)}, asked for is less than {money(self.mrr_minor_below, currency)}"


def like(pattern: str, text: str) -> bool:
    """Whether a text is what a pattern says, without regard to case; `*` stands for any text.

    >>> like("usage_*", "usage_drop"), like("Ann@*", "ann@vendor.example"), like("emea", "emea-2")
    (True, True, False)
    """
    parts = (re.escape(part) for part in pattern.casefold().split("*"))
    return re.fullmatch(".*".join(parts), text.casefold(), re.DOTALL) is not None


def _said(transition: Transition, name: str) -> tuple[str | bool | float, ...]:
    """What the alert's reasons say of it, each thing once."""
    return tuple(dict.fromkeys(each.values[name] for each in transition.reasons if name in each.values))


def _named(what: str, asked: tuple[str, ...], known: Iterable[object]) -> Iterator[str]:
    names = tuple(map(str, known))
    if asked and not any(like(pattern, name) for pattern in asked for name in names):
        yield f"{what} is {_listed(names)}, asked for is {_listed(asked)}"


def _covers(asked: tuple[str, ...], other: tuple[str, ...]) -> bool:
    # A pattern stands for what it covers: its own `*` is a text that only another's `*` takes.
    return not asked or (bool(other) and all(any(like(one, each) for one in asked) for each in other))


def _listed(names: Iterable[str]) -> str:
    return " or ".join(names) or "not known"


def _word(value: object) -> str:
    return str(value).lower()
