"""What less is paid for than before: lower terms, fewer seats, and a subscription that ends beside others.

The last is less for the account only as far as nothing makes up for it: what begins or goes up within a day before, or
at any time after. So who moves to another plan by a new subscription and the old one's end, in whatever order, has not
gone down.
"""

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from schemas.billing import SubscriptionTerms
from streams.detection.config import DAY_MS
from streams.detection.subscription import Subscription

REPLACED_WITHIN: Final = DAY_MS
"""What begins or goes up so soon before or after an end replaces what ended."""


def settled(known: Subscription, before: int) -> Subscription:
    """Lower terms of so long ago are what it has now."""
    if known.lowered_at is not None and known.lowered_at <= before:
        known = replace(known, lowered_at=None, plan_before=None, mrr_before=None)
    if known.fewer_at is not None and known.fewer_at <= before:
        known = replace(known, fewer_at=None, seats_before=None)
    if known.more_at is not None and known.more_at <= before:
        known = replace(known, more_at=None, more_minor=0)
    return known


def compared(known: Subscription, fact: SubscriptionTerms) -> Subscription:
    """With what it was before, where the new terms are lower. Fewer seats of the same plan cost less, which is told of
    the seats alone."""
    if not known.paid or known.mrr_minor is None or known.currency != fact.currency:
        return replace(known, lowered_at=None, plan_before=None, mrr_before=None, fewer_at=None, seats_before=None)
    fewer = known.seats is not None and fact.seats is not None and fact.seats < known.seats
    if fewer:
        before = known.seats_before if known.seats_before is not None else known.seats
        known = replace(known, fewer_at=fact.occurred_at, seats_before=before)
    elif known.seats_before is not None and fact.seats is not None and fact.seats >= known.seats_before:
        known = replace(known, fewer_at=None, seats_before=None)
    if known.mrr_minor is not None and fact.mrr_minor < known.mrr_minor and not (fewer and fact.plan == known.plan):
        if known.mrr_before is None:
            known = replace(known, plan_before=known.plan, mrr_before=known.mrr_minor)
        return replace(known, lowered_at=fact.occurred_at)
    if known.mrr_before is not None and fact.mrr_minor >= known.mrr_before:
        return replace(known, lowered_at=None, plan_before=None, mrr_before=None)
    return known


def ends(by_id: dict[str, Subscription], ended_id: str) -> None:
    """A subscription has just ended. With the last paid one the account is lost, which says all; an end that was
    announced has been told."""
    now = by_id[ended_id] = replace(by_id[ended_id], more_at=None, more_minor=0)
    if not any(each.paid for each in by_id.values()):
        for each in list(by_id.values()):
            if not each.live:
                by_id[each.subscription_id] = _made_up(each)
        return
    gone = now.mrr_minor or 0
    if now.trial or not now.ended_unannounced or gone == 0:
        return
    at = now.changed_at
    for each in list(by_id.values()):
        if gone > 0 and each.live and each.more_at is not None and each.more_at >= at - REPLACED_WITHIN:
            used = min(gone, each.more_minor) if each.currency == now.currency else each.more_minor
            gone = gone - used if each.currency == now.currency else 0
            by_id[each.subscription_id] = _with_more(each, each.more_at, each.more_minor - used)
    by_id[ended_id] = replace(now, lowered_at=at, mrr_before=gone, plan_before=None) if gone else _made_up(now)


def goes_on(by_id: dict[str, Subscription], id_: str, before: Subscription | None, told: int) -> None:
    """A subscription has just begun beside others, or changed. `before`: as it was, where it ended and begins again as
    that; None: it is new. What is paid more makes up for ends of which less than `told` (ms) has passed."""
    now = by_id[id_]
    more = _more(now, before)
    if more <= 0:
        return
    began = before is None or not before.paid
    at = now.changed_at
    for each in sorted(_unreplaced(by_id, at - told), key=_lowered_at):
        left = each.mrr_before or 0
        if each.currency == now.currency:
            used = min(more, left)
        elif began and at - _lowered_at(each) <= REPLACED_WITHIN:
            used = left = more  # it stands in for it, and what it pays cannot be compared
        else:
            continue
        more -= used
        by_id[each.subscription_id] = replace(each, mrr_before=left - used) if left > used else _made_up(each)
    if more > 0:
        recent = now.more_at is not None and now.more_at > at - REPLACED_WITHIN
        by_id[id_] = _with_more(now, at, more + now.more_minor if recent else more)


def _more(now: Subscription, before: Subscription | None) -> int:
    """What is paid for it beyond what was; that it is back at an earlier price is no more."""
    paid = now.mrr_minor or 0
    if not now.paid or before is None:
        return paid if now.paid else 0
    if not before.live:
        return paid - (before.mrr_before or 0 if before.gone else 0)
    if not before.paid or before.mrr_minor is None:
        return paid
    return paid - max(before.mrr_minor, before.mrr_before or 0) if before.currency == now.currency else 0


def _unreplaced(by_id: dict[str, Subscription], after: int) -> Iterator[Subscription]:
    """Those that ended since `after`, and whose price nothing has made up for."""
    return (each for each in by_id.values() if each.gone and _lowered_at(each) > after)


def _made_up(each: Subscription) -> Subscription:
    return replace(each, lowered_at=None, plan_before=None, mrr_before=None)


def _with_more(each: Subscription, at: int, more: int) -> Subscription:
    return replace(each, more_at=at if more else None, more_minor=more)


def _lowered_at(each: Subscription) -> int:
    return each.lowered_at if each.lowered_at is not None else -1
