"""All of an account's events that are no part of its ordinary usage, lazily and in order of time."""

from collections.abc import Iterator
from datetime import UTC, datetime
from heapq import merge
from operator import itemgetter
from random import Random
from typing import Any

from schemas.events import InputTopic
from schemas.instants import format_instant
from streams.simulator.event import SimulatedEvent
from streams.simulator.plan import DAY_MS, FleetPlan
from streams.simulator.story import Charges, Story
from streams.simulator.traits import Traits, pick

_TIMES = ("effective_at", "next_attempt_at", "current_period_end", "renewal_at", "resumes_at")
_Entry = tuple[int, dict[str, Any]]


def facts(plan: FleetPlan, traits: Traits, charges: Charges, story: Story, random: Random) -> Iterator[SimulatedEvent]:
    """Everything about the account that is not usage, until it is lost (and without end if it never is).

    The first events, just after `traits.seen_from`, tell its state as a CRM or billing system would on connecting.
    `random` is used up at once, before the first event is asked for.
    """
    opening = _opening(plan, traits, charges, story, random)
    changes = _changes(plan, traits, random)
    return _numbered(traits, story, merge(opening, _cycle(traits, charges, story), changes, story.extra, key=_time))


_time = itemgetter(0)


def _numbered(traits: Traits, story: Story, entries: Iterator[_Entry]) -> Iterator[SimulatedEvent]:
    number = 0
    for at, fields in entries:
        if story.ended_at is not None and at >= story.ended_at:
            if at > story.ended_at:
                return
            if not _is_end(fields):
                continue
        text = format_instant(at)
        topic = _topic_of(fields)
        if topic is InputTopic.ACCOUNTS:
            yield SimulatedEvent(
                at, InputTopic.ACCOUNTS, {"account_id": traits.account_id, "updated_at": text, **fields}
            )
            continue
        number += 1
        value = {"event_id": f"{traits.account_id}-b{number}", "account_id": traits.account_id, "occurred_at": text}
        for name, field in fields.items():
            value[name] = format_instant(field) if name in _TIMES else field
        yield SimulatedEvent(at, topic, value)


def _topic_of(fields: dict[str, Any]) -> InputTopic:
    if "event" in fields:
        return InputTopic.USAGE
    if fields.get("type") in ("nps", "ticket"):
        return InputTopic.FEEDBACK
    return InputTopic.BILLING if "type" in fields else InputTopic.ACCOUNTS


def _is_end(fields: dict[str, Any]) -> bool:
    return fields.get("type") == "subscription.ended"


def _terms(traits: Traits, charges: Charges, period_end: int) -> dict[str, Any]:
    return {
        "plan": traits.plan,
        "seats": traits.seats,
        "mrr_minor": traits.mrr_minor,
        "currency": traits.currency,
        "interval": "year" if charges.yearly else "month",
        "current_period_end": period_end,
        **({"renewal_at": period_end} if charges.yearly else {}),
    }


def _opening(plan: FleetPlan, traits: Traits, charges: Charges, story: Story, random: Random) -> list[_Entry]:
    at = traits.seen_from + (0 if traits.seen_from > plan.start else int(random.random() * 600) * 1000)
    account = {
        "name": traits.name,
        "owner": traits.owner,
        "team": traits.team,
        "tier": traits.plan,
        "segment": traits.segment,
        "country": traits.country,
        "seats": traits.seats,
        "mrr_minor": traits.mrr_minor,
        "currency": traits.currency,
        "started_at": format_instant(traits.started_at),
    }
    card: dict[str, Any] = {
        "type": "payment_method.updated",
        "payment_method_id": f"card-{traits.account_id}",
        "kind": "card",
    }
    # Every ordinary card outlives the span by months, so that only the stories' cards come to their end.
    far = datetime.fromtimestamp((plan.end + int((120 + random.random() * 1000) * DAY_MS)) / 1000, UTC)
    year, month = story.card_end or (far.year, far.month)
    if story.card_end is None and random.random() < 0.1:
        card["kind"] = "sepa_debit"
    else:
        card |= {"exp_month": month, "exp_year": year}
    card["default"] = True
    return [
        (at, account),
        (at, {"type": "subscription.started", **_terms(traits, charges, charges.first)}),
        (at + 1000, card),
    ]


def _cycle(traits: Traits, charges: Charges, story: Story) -> Iterator[_Entry]:
    at = charges.first
    while True:
        terms = _terms(traits, charges, at + charges.period)
        if story.terms is not None and at >= story.terms[0]:
            terms |= story.terms[1]
        yield at, {"type": "subscription.renewed", **terms}
        if at != story.failed_charge:
            months = 12 if charges.yearly else 1
            money = {"amount_minor": terms["mrr_minor"] * months, "currency": traits.currency}
            invoice = f"in-{traits.account_id}-{at // DAY_MS}"
            yield at + 1000, {"type": "payment.succeeded", "invoice_id": invoice, **money}
        at += charges.period


def _changes(plan: FleetPlan, traits: Traits, random: Random) -> list[_Entry]:
    """A new owner now and then: one account in ten within the span."""
    changes = random.random() < 0.1
    at = traits.seen_from + int((0.1 + 0.8 * random.random()) * (plan.end - traits.seen_from))
    owner = {"owner": pick(random, ["nadia@vendor.example", "oskar@vendor.example"])}
    return [(at, owner)] if changes else []
