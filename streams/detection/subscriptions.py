"""An account's subscriptions: what it pays for, until when, and how it ended."""

from collections.abc import Iterator
from dataclasses import fields, replace
from typing import Any, Final

from schemas.base import MONEY_LIMIT
from schemas.billing import (
    CancelReverted,
    CancelScheduled,
    SubscriptionEnded,
    SubscriptionFact,
    SubscriptionPaused,
    SubscriptionRenewed,
    SubscriptionResumed,
    SubscriptionStarted,
    SubscriptionTerms,
)
from streams.detection.bounded import put
from streams.detection.contraction import compared, ends, goes_on, settled
from streams.detection.subscription import Subscription

_LIMIT: Final = 32


_FIELDS: Final = tuple(field.name for field in fields(Subscription))


class Subscriptions:
    """All subscriptions that are known of, the ended ones included, by id in order of appearance; at most 32."""

    __slots__ = ("by_id",)

    def __init__(self) -> None:
        self.by_id: dict[str, Subscription] = {}

    def __bool__(self) -> bool:
        return bool(self.by_id)

    def live(self) -> Iterator[Subscription]:
        """Those that have not ended."""
        return (each for each in self.by_id.values() if each.live)

    @property
    def newest(self) -> Subscription | None:
        """The one that changed last."""
        return max(self.by_id.values(), key=lambda each: each.changed_at, default=None)

    @property
    def paused(self) -> bool:
        """Whether every one that is left is paused, and there is one."""
        paused = False
        for each in self.by_id.values():
            if each.live:
                if not each.paused:
                    return False
                paused = True
        return paused

    @property
    def mrr(self) -> tuple[int, str] | None:
        """Monthly recurring revenue of the paid ones: minor units, and their currency. Where there are several
        currencies, that of the first counts, as they cannot be added. More than any amount may be is no amount."""
        paid = [(each.mrr_minor, each.currency) for each in self.live() if each.paid]
        known = [(mrr, currency) for mrr, currency in paid if mrr is not None and currency is not None]
        if not known:
            return None
        first = known[0][1]
        return min(sum(mrr for mrr, currency in known if currency == first), MONEY_LIMIT), first

    def apply(self, fact: SubscriptionFact, *, unpaid: bool, told: int) -> bool:
        """Fold one event in. `unpaid`: an invoice of the account is overdue. `told`: after so long (ms) lower terms are
        what later ones are compared with. Returns False, and does nothing, for an event that is older than what is
        known, or that changes a subscription after its end."""
        known = self.by_id.get(fact.subscription_id)
        if known is not None and fact.occurred_at < known.changed_at:
            return False
        running = known if known is not None and known.live else None
        if known is None:
            self._make_room()
        elif running is None and not isinstance(fact, BEGINS):
            return False
        at = fact.occurred_at
        before = Subscription(fact.subscription_id, at) if running is None else replace(running, changed_at=at)
        before = settled(before, at - told)
        put(self.by_id, fact.subscription_id, _after(before, fact, unpaid=unpaid), _LIMIT)
        if isinstance(fact, SubscriptionEnded):
            ends(self.by_id, fact.subscription_id)
        elif len(self.by_id) > 1:
            goes_on(self.by_id, fact.subscription_id, known if running is None else before, told)
        return True

    def end_pauses(self, at: int) -> bool:
        """Go on with what was paused until then: not every system says that a pause is over whose end it had told.
        Returns whether there was any."""
        over = [each for each in self.live() if each.paused and each.resumes_at is not None and each.resumes_at <= at]
        for each in over:
            self.by_id[each.subscription_id] = replace(each, paused=False, resumes_at=None, paused_at=None)
        return bool(over)

    def _make_room(self) -> None:
        # An ended one goes first; without this the oldest would, be it what the account lives on.
        if len(self.by_id) >= _LIMIT:
            ended = next((each.subscription_id for each in self.by_id.values() if not each.live), None)
            if ended is not None:
                del self.by_id[ended]

    def encode(self) -> list[Any]:
        """Lists of JSON values."""
        return [_shortened([getattr(each, name) for name in _FIELDS]) for each in self.by_id.values()]

    @classmethod
    def decode(cls, values: list[Any]) -> "Subscriptions":
        """The inverse of `encode`."""
        subscriptions = cls()
        subscriptions.by_id = {each[0]: Subscription(*each) for each in values}
        return subscriptions


BEGINS = (SubscriptionStarted, SubscriptionRenewed, SubscriptionResumed)
"""Events after which an ended subscription runs again."""


def _after(now: Subscription, fact: SubscriptionFact, *, unpaid: bool) -> Subscription:
    match fact:
        case SubscriptionTerms():
            now = _with_terms(now, fact)
            renewed = isinstance(fact, SubscriptionRenewed)
            if renewed and now.renewal_at is not None and now.renewal_at <= fact.occurred_at:
                now = replace(now, renewal_at=now.period_end if now.interval == "year" else None)
            if renewed and now.cancel_at is not None and fact.occurred_at >= now.cancel_at:
                now = _not_cancelled(now)  # it went on past its end
        case CancelScheduled():
            first = now.cancelled_at if now.cancelled_at is not None else fact.occurred_at
            now = replace(now, cancel_at=fact.effective_at, cancelled_at=first)
            now = replace(now, reason=fact.reason, comment=fact.comment)
        case CancelReverted():
            now = _not_cancelled(now)
        case SubscriptionPaused():
            since = now.paused_at if now.paused and now.paused_at is not None else fact.occurred_at
            now = replace(now, paused=True, resumes_at=fact.resumes_at, paused_at=since)
        case SubscriptionResumed():
            now = replace(now, paused=False, resumes_at=None, paused_at=None)
        case SubscriptionEnded():
            # Said by the event, or told by what came before: cancelling is a decision, an unpaid invoice is none.
            decided = fact.voluntary if fact.voluntary is not None else now.cancel_at is not None or not unpaid
            reason = fact.reason if fact.reason is not None else now.reason
            now = replace(now, live=False, paused=False, resumes_at=None, paused_at=None)
            comment = fact.comment if fact.comment is not None else now.comment
            now = replace(now, reason=reason, comment=comment, voluntary=decided)
    return now


def _not_cancelled(now: Subscription) -> Subscription:
    return replace(now, cancel_at=None, cancelled_at=None, reason=None, comment=None)


def _with_terms(known: Subscription, fact: SubscriptionTerms) -> Subscription:
    """The terms that the event names; what it leaves out is as before."""
    return replace(
        compared(known, fact),
        plan=fact.plan,
        mrr_minor=fact.mrr_minor,
        currency=fact.currency,
        seats=fact.seats if fact.seats is not None else known.seats,
        interval=fact.interval if fact.interval is not None else known.interval,
        period_end=fact.current_period_end if fact.current_period_end is not None else known.period_end,
        renewal_at=fact.renewal_at if fact.renewal_at is not None else known.renewal_at,
        trial=fact.trial if fact.trial is not None else known.trial,
    )


_DEFAULTS: Final = [each.default for each in fields(Subscription)]


def _shortened(values: list[Any]) -> list[Any]:
    """Without the defaults at the end, which is most of a subscription's fields."""
    while values[-1] is _DEFAULTS[len(values) - 1]:
        values.pop()
    return values
