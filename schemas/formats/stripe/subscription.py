"""`customer.subscription.*`: https://docs.stripe.com/api/subscriptions/object."""

from typing import Any, Final

from schemas.formats.fields import Fields
from schemas.formats.outcome import Ignored, Outcome
from schemas.formats.stripe.happening import Happening
from schemas.formats.stripe.price import items_of, terms_of

_PENDING: Final = ("incomplete", "incomplete_expired")
"""The first payment has not come: nobody has a subscription yet."""
_INVOLUNTARY: Final = ("payment_failed", "payment_disputed")
_CANCELLING: Final = ("cancel_at_period_end", "cancel_at", "cancellation_details")


def created(happening: Happening) -> Outcome:
    """A subscription, with whatever was agreed on at its beginning."""
    if happening.object.text("status") in _PENDING:
        return Ignored.NOT_BEGUN
    _terms(happening, "subscription.started")
    if _ends_at(happening.object) is not None:
        _cancelled(happening)
    if _is_paused(happening.object):
        _paused(happening)
    return tuple(happening.events)


def updated(happening: Happening) -> Outcome:
    """The terms as they are now; with them a cancellation or a pause, when that is what has changed."""
    now, before = happening.object, happening.before
    status = now.text("status")
    if status in _PENDING:
        return Ignored.NOT_BEGUN
    if status == "canceled":
        return Ignored.OTHER_TYPE  # told by customer.subscription.deleted
    if before.text("status") in _PENDING:
        _terms(happening, "subscription.started")
    else:
        _terms(happening, "subscription.renewed" if _is_new_period(now, before) else "subscription.updated")
    if _ends_at(now) is not None:
        if any(name in before.values for name in _CANCELLING):
            _cancelled(happening)
    elif before.flag("cancel_at_period_end") or "cancel_at" in before:
        _tell(happening, "subscription.cancel_reverted")
    was_paused = _is_paused(before)
    if _is_paused(now):
        if was_paused or "pause_collection" in before.values or "status" in before:
            _paused(happening)
    elif was_paused:
        _tell(happening, "subscription.resumed")
    return tuple(happening.events)


def paused(happening: Happening) -> Outcome:
    """A trial ended, and there is nothing to charge."""
    _paused(happening)
    return tuple(happening.events)


def resumed(happening: Happening) -> Outcome:
    """It runs again."""
    _tell(happening, "subscription.resumed")
    return tuple(happening.events)


def deleted(happening: Happening) -> Outcome:
    """It is over. Who has decided that is said, where Stripe says it."""
    if happening.object.text("status") in _PENDING:
        return Ignored.NOT_BEGUN
    why = happening.object.object("cancellation_details").text("reason")
    voluntary = True if why == "cancellation_requested" else False if why in _INVOLUNTARY else None
    _tell(
        happening,
        "subscription.ended",
        voluntary=(voluntary, "cancellation_details.reason"),
        **_reason(happening.object),
    )
    return tuple(happening.events)


def _tell(happening: Happening, kind: str, **fields: tuple[Any, str]) -> None:
    happening.tell(kind, subscription_id=(happening.object.text("id"), "id"), **fields)


def _terms(happening: Happening, kind: str) -> None:
    now = happening.object
    terms, end = terms_of(now), _period_end(now)
    _tell(
        happening,
        kind,
        plan=(terms.plan, "items"),
        mrr_minor=(terms.mrr_minor, "items"),
        currency=(terms.currency, "currency"),
        seats=(terms.seats, "items"),
        interval=(terms.interval, "items"),
        current_period_end=(end, "current_period_end"),
        # Paid for a year, it is a contract, which ends or is renewed with the year.
        renewal_at=(end if terms.interval == "year" else None, "current_period_end"),
        trial=(now.text("status") == "trialing", "status"),
    )


def _cancelled(happening: Happening) -> None:
    _tell(
        happening,
        "subscription.cancel_scheduled",
        effective_at=(_ends_at(happening.object), "cancel_at"),
        **_reason(happening.object),
    )


def _paused(happening: Happening) -> None:
    resumes_at = happening.object.object("pause_collection").seconds("resumes_at")
    _tell(happening, "subscription.paused", resumes_at=(resumes_at, "pause_collection.resumes_at"))


def _reason(subscription: Fields) -> dict[str, tuple[Any, str]]:
    """What the customer chose and wrote. Stripe's choices are known by their names."""
    details = subscription.object("cancellation_details")
    return {
        "reason": (details.text("feedback"), "cancellation_details.feedback"),
        "comment": (details.text("comment"), "cancellation_details.comment"),
    }


def _period(subscription: Fields, name: str) -> list[str]:
    """Of the subscription itself in API versions before 2025-03-31, and of its items from then on."""
    owners = [subscription, *items_of(subscription)]
    return [found for each in owners if (found := each.seconds(name)) is not None]


def _period_end(subscription: Fields) -> str | None:
    """When money is next asked for: the first end of an item's period."""
    return min(_period(subscription, "current_period_end"), default=None)


def _is_new_period(now: Fields, before: Fields) -> bool:
    starts, old = _period(now, "current_period_start"), _period(before, "current_period_start")
    return bool(starts and old) and max(old) < max(starts)


def _ends_at(subscription: Fields) -> str | None:
    """When it is set to end."""
    end = subscription.seconds("cancel_at")
    if end is None and subscription.flag("cancel_at_period_end"):
        end = max(_period(subscription, "current_period_end"), default=None)
    return end


def _is_paused(subscription: Fields) -> bool:
    return "pause_collection" in subscription or subscription.text("status") == "paused"
