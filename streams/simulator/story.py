"""What happens to an account: the story drawn for it, as changes of activity, extra billing events and the truth."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from random import Random
from typing import Any

from streams.simulator.names import INTENT
from streams.simulator.plan import BEGINNINGS, DAY_MS, DECLINES, Change, FleetPlan
from streams.simulator.traits import Traits, pick
from streams.simulator.truth import Cause

PERIOD_DAYS = 30  # a billing month
HOUR_MS = 3_600_000
#: Days after a failed charge at which it is tried again; the last failure ends the subscription.
RETRY_DAYS = (0, 3, 5, 7)

_MONTHLY = frozenset({Change.PAYMENT_RECOVERED, Change.PAYMENT_LOST, Change.CARD_REPLACED, Change.CARD_LAPSED})
_SOFT_CODES = ("insufficient_funds", "card_declined", "processing_error", "do_not_honor")
_HARD_CODES = ("stolen_card", "lost_card", "account_closed")
_REASONS = (
    "too_expensive",
    "unused",
    "missing_features",
    "switched_service",
    "too_complex",
    "low_quality",
    "customer_service",
    "other",
)


@dataclass(slots=True)
class Story:
    """The plot. Days count from the start of the span, times are milliseconds.

    From `fade_day` on the activity is `level` of what it was, or, with a `half_life` in days, fades towards nothing;
    from `back_day` on it is as before. From day `core_until` on nobody does what the product is for, and from day
    `users_until` on only `users_left` come. `terms` are what the ordinary cycle says of a subscription from its time
    on. `failed_charge` is the charge that does not go through at its time. `extra` are events besides usage and the
    ordinary cycle of billing, as (time, value) in order of time. Nothing at all happens at or after `ended_at`.
    """

    change: Change = Change.NONE
    changed_at: int | None = None
    fade_day: int | None = None
    level: float = 1.0
    half_life: float | None = None
    back_day: int | None = None
    terms: tuple[int, dict[str, Any]] | None = None
    core_until: int | None = None
    users_until: int | None = None
    users_left: tuple[str, ...] = ()
    ended_at: int | None = None
    voluntary: bool | None = None
    failed_charge: int | None = None
    card_end: tuple[int, int] | None = None  # (year, month) after which the first card is void
    extra: list[tuple[int, dict[str, Any]]] = field(default_factory=list)
    causes: list[Cause] = field(default_factory=list)

    def activity(self, day: int) -> float:
        """The share of the account's ordinary activity that is left on a day."""
        if self.fade_day is None or day < self.fade_day or (self.back_day is not None and day >= self.back_day):
            return 1.0
        if self.half_life is None:
            return self.level
        left: float = 0.5 ** ((day - self.fade_day + 1) / self.half_life)
        return left if left > 0.03 else 0.0


@dataclass(frozen=True, slots=True)
class Charges:
    """The times at which an account is charged: `first`, then every `period` milliseconds."""

    first: int
    period: int

    @property
    def yearly(self) -> bool:
        """Whether the account pays once a year."""
        return self.period > 300 * DAY_MS

    def at_or_after(self, at: int) -> int:
        """The first charge at or after a time."""
        return self.first + max(0, -(-(at - self.first) // self.period)) * self.period


def draw_change(plan: FleetPlan, traits: Traits, random: Random) -> Change:
    """Which story, by the plan's shares."""
    left, of_all = random.random(), 1.0
    for change in Change:
        share = plan.shares.get(change, 0.0)
        left, of_all = left - share, of_all - share
        if left < 0:
            return change
    for change, share in plan.new_shares.items() if traits.started_at >= plan.start else ():
        left -= share * of_all
        if left < 0:
            return change
    return Change.NONE


def draw_charges(plan: FleetPlan, traits: Traits, change: Change, random: Random) -> Charges:
    """When the account is charged; old customers are somewhere within their period when the span begins.

    Accounts whose story is about a payment or a card pay monthly, so that the story fits into the span.
    """
    days = 365 if random.random() < 0.15 and change not in _MONTHLY else PERIOD_DAYS
    offset = int(random.random() * days * DAY_MS)
    newcomer = traits.started_at >= plan.start
    return Charges(traits.started_at + days * DAY_MS if newcomer else plan.start + HOUR_MS + offset, days * DAY_MS)


def draw_story(plan: FleetPlan, traits: Traits, change: Change, charges: Charges, random: Random) -> Story:
    """The account's story; one that does not fit into its time in the span becomes no story at all."""
    if change in BEGINNINGS:
        return _beginning(change, plan, traits, charges, random)
    return _of_any_age(plan, traits, change, charges, random)


def _of_any_age(plan: FleetPlan, traits: Traits, change: Change, charges: Charges, random: Random) -> Story:
    first, last = plan.change_days
    day = first + int(random.random() * (last - first + 1))
    if traits.started_at >= plan.start:
        day = max(day, (traits.started_at - plan.start) // DAY_MS + first)
    if change is Change.NONE or day > last:
        return Story()
    at = plan.start + day * DAY_MS
    if change in DECLINES:
        story = _decline(plan, change, at, day, charges, random)
    elif change in (Change.PAYMENT_RECOVERED, Change.PAYMENT_LOST):
        story = _payment(change, traits, charges.at_or_after(at), random)
    elif change in (Change.CARD_REPLACED, Change.CARD_LAPSED):
        story = _card(change, traits, charges, at, random)
    elif change is Change.PAUSE:
        story = _pause(at, day, random)
    elif change in _BEHAVIOUR:
        story = _behaviour(plan, change, traits, at + int((8 + random.random() * 9) * HOUR_MS), day, random)
    elif change in (Change.DOWNGRADE, Change.FEWER_SEATS):
        story = _contraction(change, traits, charges, at + int((8 + random.random() * 9) * HOUR_MS), random)
    else:
        story = _cancellation(change, charges, at + int((8 + random.random() * 9) * HOUR_MS), random)
    if story.changed_at is None or not plan.start <= story.changed_at < plan.end:
        return Story()
    return story


def _decline(plan: FleetPlan, change: Change, at: int, day: int, charges: Charges, random: Random) -> Story:
    story = Story(change, changed_at=at, fade_day=day, causes=[Cause("engagement", at)])
    if change is Change.STOP:
        story.level = 0.0
    elif change is Change.DECAY:
        story.half_life = _between(plan.decay_half_life, random)
    else:
        story.level = _between(plan.drop_level, random)
    leaves = change is not Change.PARTIAL_DROP or random.random() < 0.5
    if leaves:
        decided = at + int(_between(plan.decides_after, random) * DAY_MS)
        _cancel(story, charges, decided, "unused" if random.random() < 0.4 else pick(random, _REASONS))
    return story


def _beginning(change: Change, plan: FleetPlan, traits: Traits, charges: Charges, random: Random) -> Story:
    """Nobody comes, from the start on; for some weeks, after which somebody has seen to it, or until it cancels.
    None where the account is not new."""
    if traits.started_at < plan.start:
        return Story()
    day = (traits.started_at - plan.start) // DAY_MS
    story = Story(change, changed_at=traits.started_at, fade_day=day, level=0.0)
    if change is Change.BEGINS_LATE:
        story.back_day = day + 25 + int(random.random() * 30)
        story.causes.append(Cause("onboarding_stalled", traits.started_at, plan.start + story.back_day * DAY_MS))
    else:
        story.causes.append(Cause("onboarding_stalled", traits.started_at))
        _cancel(story, charges, traits.started_at + int((30 + random.random() * 45) * DAY_MS), "bad_onboarding")
    return story


def _between(least_and_more: tuple[float, float], random: Random) -> float:
    least, more = least_and_more
    return least + random.random() * more


def _cancellation(change: Change, charges: Charges, at: int, random: Random) -> Story:
    story = Story(change, changed_at=at)
    reason = pick(random, _REASONS)
    if change is Change.CANCEL:
        _cancel(story, charges, at, reason)
        story.causes.append(Cause("engagement", at))
        return story
    effective_at = charges.at_or_after(at + DAY_MS)
    reverted_at = at + int((0.1 + 0.7 * random.random()) * min(effective_at - at, 14 * DAY_MS))
    story.extra += [
        (at, {"type": "subscription.cancel_scheduled", "effective_at": effective_at, "reason": reason}),
        (reverted_at, {"type": "subscription.cancel_reverted"}),
    ]
    story.causes.append(Cause("cancel_scheduled", at, reverted_at))
    return story


_BEHAVIOUR = frozenset(
    {
        Change.CORE_STOPS,
        Change.PEOPLE_LEAVE,
        Change.CHAMPION_LEAVES,
        Change.INTENT,
        Change.DETRACTOR,
        Change.NEVER_BEGINS,
    }
)
_MANY = 8
"""So many people an account has at least, of whom some can leave and be missed."""


def _behaviour(plan: FleetPlan, change: Change, traits: Traits, at: int, day: int, random: Random) -> Story:
    """What people do and say, with as much activity as ever. None where the account has not the people for it."""
    people = tuple(dict.fromkeys(traits.user_table))
    story = Story(change, changed_at=at)
    if change is Change.NEVER_BEGINS:
        if traits.started_at < plan.start:
            return Story()
        story.changed_at, story.core_until = traits.started_at, 0
        story.causes.append(Cause("onboarding_stalled", traits.started_at))
    elif change is Change.CORE_STOPS:
        story.changed_at, story.core_until = plan.start + day * DAY_MS, day
        story.causes.append(Cause("key_action_stopped", story.changed_at))
    elif change in (Change.PEOPLE_LEAVE, Change.CHAMPION_LEAVES):
        if len(people) < _MANY:
            return Story()
        story.changed_at, story.users_until = plan.start + day * DAY_MS, day
        leaves = change is Change.CHAMPION_LEAVES
        story.users_left = people[1:] if leaves else people[: len(people) // 4]
        kinds = ("champion_gone",) if leaves else ("breadth_decline", "seats_reduced")
        story.causes += [Cause(kind, story.changed_at) for kind in kinds]
    elif change is Change.INTENT:
        for number, event in enumerate(INTENT):
            story.extra.append((at + number * HOUR_MS, {"event": event, "user_id": people[0]}))
        story.causes.append(Cause("cancel_intent", at, at + 30 * DAY_MS))
    else:
        ticket = {"type": "ticket", "ticket_id": f"t-{traits.account_id}", "user_id": people[-1]}
        story.extra += [
            (at, {"type": "nps", "score": int(random.random() * 7), "user_id": people[0]}),
            (at + 2 * DAY_MS, {**ticket, "status": "open"}),
            (at + 4 * DAY_MS, {**ticket, "status": "escalated"}),
        ]
        story.causes.append(Cause("negative_feedback", at, at + 60 * DAY_MS))
    return story


def _pause(at: int, day: int, random: Random) -> Story:
    days = 21 + int(random.random() * 25)
    resumed_at = at + days * DAY_MS
    story = Story(Change.PAUSE, changed_at=at, fade_day=day, level=0.0, back_day=day + days)
    story.extra += [
        (at, {"type": "subscription.paused", "resumes_at": resumed_at}),
        (resumed_at, {"type": "subscription.resumed"}),
    ]
    story.causes.append(Cause("paused", at, resumed_at))
    return story


def _contraction(change: Change, traits: Traits, charges: Charges, at: int, random: Random) -> Story:
    """A smaller plan for half of the money or less, or a part of the seats for a part of it."""
    left = 0.2 + 0.4 * random.random()
    terms: dict[str, Any] = {"mrr_minor": max(100, int(traits.mrr_minor * left) // 100 * 100)}
    if change is Change.FEWER_SEATS and traits.seats > 1:
        terms["seats"] = max(1, int(traits.seats * left))
    else:
        change = Change.DOWNGRADE
        terms["plan"] = "basic"
    story = Story(change, changed_at=at, terms=(at, terms))
    full = {"plan": traits.plan, "seats": traits.seats, "currency": traits.currency}
    full |= {"current_period_end": charges.at_or_after(at)} | terms
    story.extra.append((at, {"type": "subscription.updated", **full}))
    story.causes.append(Cause("downgrade" if change is Change.DOWNGRADE else "seats_reduced", at, at + 30 * DAY_MS))
    return story


def _cancel(story: Story, charges: Charges, at: int, reason: str) -> None:
    """The customer cancels for the end of the paid period; that is the end."""
    ended_at = charges.at_or_after(at + HOUR_MS)
    story.ended_at, story.voluntary = ended_at, True
    story.extra += [
        (at, {"type": "subscription.cancel_scheduled", "effective_at": ended_at, "reason": reason}),
        (ended_at, {"type": "subscription.ended", "reason": reason, "voluntary": True}),
    ]
    story.causes.append(Cause("cancel_scheduled", at, ended_at))


def _payment(change: Change, traits: Traits, charge: int, random: Random) -> Story:
    lost = change is Change.PAYMENT_LOST
    hard = lost and random.random() < 0.2
    story = Story(change, changed_at=charge, failed_charge=charge)
    failures = len(RETRY_DAYS) if lost else 1 + int(random.random() * 3)
    resolved_at = _fail(story, traits, charge, failures, pick(random, _HARD_CODES if hard else _SOFT_CODES), hard, lost)
    if lost:
        story.ended_at, story.voluntary = resolved_at, False
        story.extra.append(
            (resolved_at, {"type": "subscription.ended", "reason": "payment_failed", "voluntary": False})
        )
        story.causes.append(Cause("engagement", charge))
    return story


def _fail(story: Story, traits: Traits, charge: int, failures: int, code: str, hard: bool, lost: bool) -> int:
    """Add failed attempts at a charge and, unless lost, the one that succeeds; returns when it is settled."""
    money = {"invoice_id": _invoice(traits, charge), "amount_minor": traits.mrr_minor, "currency": traits.currency}
    for attempt in range(1, failures + 1):
        value = {"type": "payment.failed", **money, "attempt": attempt, "failure_code": code, "hard": hard}
        if attempt < len(RETRY_DAYS):
            value["next_attempt_at"] = charge + RETRY_DAYS[attempt] * DAY_MS
        story.extra.append((charge + RETRY_DAYS[attempt - 1] * DAY_MS, value))
    settled_at = charge + (RETRY_DAYS[-1] * DAY_MS + HOUR_MS if lost else RETRY_DAYS[failures] * DAY_MS)
    if not lost:
        story.extra.append((settled_at, {"type": "payment.succeeded", **money}))
    story.causes.append(Cause("payment_failed", charge, settled_at))
    return settled_at


def _card(change: Change, traits: Traits, charges: Charges, at: int, random: Random) -> Story:
    """The card ends with the month `at` lies in; from the charge before on its end can be foreseen."""
    day = datetime.fromtimestamp(at / 1000, UTC)
    following = datetime(day.year + day.month // 12, day.month % 12 + 1, 1, tzinfo=UTC)
    card_end = int(following.timestamp()) * 1000
    next_charge = charges.at_or_after(card_end)
    foreseen_at = next_charge - charges.period
    story = Story(change, changed_at=foreseen_at, card_end=(day.year, day.month))
    if change is Change.CARD_REPLACED:
        replaced_at = foreseen_at + int((0.3 + 0.5 * random.random()) * (next_charge - foreseen_at))
    else:
        story.failed_charge = next_charge
        settled_at = _fail(story, traits, next_charge, 1 + int(random.random() * 2), "expired_card", False, False)
        replaced_at = settled_at - HOUR_MS
    value = {
        "type": "payment_method.updated",
        "payment_method_id": f"card-{traits.account_id}-2",
        "kind": "card",
        "exp_month": day.month,
        "exp_year": day.year + 3,
        "default": True,
    }
    story.extra.append((replaced_at, value))
    story.extra.sort(key=lambda entry: entry[0])
    story.causes.insert(0, Cause("card_expiring", foreseen_at, replaced_at))
    return story


def _invoice(traits: Traits, charge: int) -> str:
    return f"in-{traits.account_id}-{charge // DAY_MS}"
