"""Health: one number from 0 (lost) to 100, made of named factors that each say why."""

from math import sqrt
from typing import Final, NamedTuple

from alerting.words import count, money, number
from schemas.picture import Factor
from streams.detection.calendar import weekday
from streams.detection.complaints import active, complaints, worst
from streams.detection.config import DAY_MS
from streams.detection.facets import BREADTH
from streams.detection.fleet import FleetDay
from streams.detection.habits import Habit
from streams.detection.rules import Rules
from streams.detection.state import Account
from streams.detection.window import total

_WINDOW: Final = 28
_ENOUGH: Final = 0.85
"""No points are taken off while activity is at this share of normal or above."""
_CHANCE_FROM: Final = 1.0
_CHANCE_TO: Final = 3.0
"""Standard deviations of the count: a dip of less is chance, and takes off nothing; one of more is none."""
_SILENCE_FROM: Final = 0.3
"""None are taken off below this share of the E or the days that make a critical alert by themselves."""
_PAUSED: Final = 0.5
_TO_BE_TRIED: Final = 0.5
_COMPLAINED: Final = (0.25, 0.5, 1.0)
"""Shares of the weight: of a pause, of an invoice that another attempt is to be made for, and of complaints by how bad
they are."""


class Health(NamedTuple):
    """100 and the factors' points added up, from 0 to 100. `missing`: factors that there is no data for, left out."""

    value: int
    factors: tuple[Factor, ...]
    missing: tuple[str, ...]


def health(account: Account, rules: Rules, at: int) -> Health:
    """How the account stands at `at`."""
    if account.loss is not None:
        return Health(0, (Factor(name="lost", points=-100.0, text="The last paid subscription has ended."),), ())
    factors = [*_engagement(account, rules), *_people(account, rules), *_billing(account, rules, at)]
    factors += _feedback(account, rules, at)
    missing = [] if account.monitored else ["usage", "silence"]
    if account.champions is None:
        missing.append("people")
    if not account.subscriptions:
        missing.append("subscription")
    if not account.payments.settled and not account.payments.invoices:
        missing.append("payment")
    if account.payments.card is None:
        missing.append("card")
    if account.feedback is None:
        missing.append("feedback")
    points = sum(factor.points for factor in factors)
    return Health(max(0, int(100.0 + points + 0.5)), tuple(factors), tuple(missing))


def expected(account: Account, rules: Rules, first: int, last: int) -> float:
    """What the baseline leads to expect from day `first` to day `last`."""
    return _expected(account.habit, account.closed, rules, first, last)


def _expected(habit: Habit, closed: int, rules: Rules, first: int, last: int) -> float:
    fleet = rules.fleet(closed)
    weights = habit.weights(fleet)
    return habit.rate(fleet) * sum(weights[weekday(day)] * rules.fleet(day).factor for day in range(first, last + 1))


def _engagement(account: Account, rules: Rules) -> list[Factor]:
    if not account.monitored:
        return []
    closed, habit, weights = account.closed, account.habit, rules.health_weights
    first = max(closed - _WINDOW + 1, habit.first_day)
    observed = total(account.daily, first, closed)
    normal = _expected(habit, closed, rules, first, closed)
    lost = _gone(observed, normal, closed - first + 1, rules.fleet(closed))
    text = f"{count(observed, 'event')} in {count(closed - first + 1, 'day')}, about {number(normal)} are normal."
    factors = [Factor(name="usage", points=_points(weights["usage"] * lost), text=text)]
    fleet = rules.fleet(closed)
    rate = habit.rate(fleet)
    towards = habit.clock_days / rules.thresholds.days(rate)[2]
    if not rules.thresholds.is_seldom(rate):
        towards = max(towards, habit.silence(fleet) / rules.thresholds.of(rate).silence[2])
    quiet = _within((towards - _SILENCE_FROM) / (1.0 - _SILENCE_FROM))
    if habit.last_day > closed:
        quiet = 0.0
    days = max(closed - habit.last_day, 0)
    text = f"{count(days, 'day')} without activity." if days else "Active on the last day."
    factors.append(Factor(name="silence", points=_points(weights["silence"] * quiet), text=text))
    return factors


def _gone(observed: int, normal: float, days: int, fleet: FleetDay) -> float:
    """What share of the usage of so many days is gone, as far as that is more than chance."""
    if normal <= 0.0:
        return 0.0
    lost = (_ENOUGH - observed / normal) / _ENOUGH
    chance = (normal - observed) / sqrt(normal + fleet.dispersion * normal * normal / days)
    return _within(lost) * _within((chance - _CHANCE_FROM) / (_CHANCE_TO - _CHANCE_FROM))


def _within(share: float) -> float:
    return min(max(share, 0.0), 1.0)


def _people(account: Account, rules: Rules) -> list[Factor]:
    """Those who carry the account, and how many use it in a week, whichever is worse."""
    champions, weight, days = account.champions, rules.health_weights["people"], rules.config.champion_days
    if champions is None:
        return []
    gone = champions.gone(days)
    if not gone:
        lost, text = _breadth(account, rules)
    elif any(each.reported for each in gone):
        lost, text = 1.0, "A champion is reported to have left."
    else:
        missed = max(each.missed for each in gone)
        lost, text = min(missed / (2.0 * days), 1.0), f"A champion has stayed away on {count(missed, 'day')}."
    return [Factor(name="people", points=_points(weight * lost), text=text)]


def _breadth(account: Account, rules: Rules) -> tuple[float, str]:
    fleet, habit = rules.fleet(account.closed), account.habits.facet(BREADTH, account.row)
    if habit is not None and habit.monitored_day >= 0:
        levels = rules.learnt.facets.thresholds[BREADTH].of(habit.rate(fleet)).drop
        if habit.evidence >= levels[0]:
            return min(habit.evidence / levels[2], 1.0), "Fewer people use it in a week than before."
    return 0.0, "The people who use it are there."


def _feedback(account: Account, rules: Rules, at: int) -> list[Factor]:
    if account.feedback is None:
        return []
    config, weight = rules.config, rules.health_weights["feedback"]
    counting = active(complaints(account.feedback, config), at, config)
    if not counting:
        return [Factor(name="feedback", points=0.0, text="Nobody has complained lately.")]
    lost = _COMPLAINED[worst(counting).rank]
    subjects = len({each.subject for each in counting})
    text = f"{count(subjects, 'complaint')} in {count(config.feedback_days, 'day')}."
    return [Factor(name="feedback", points=_points(weight * lost), text=text)]


def _billing(account: Account, rules: Rules, at: int) -> list[Factor]:
    subscriptions, payments, weights = account.subscriptions, account.payments, rules.health_weights
    factors: list[Factor] = []
    cancelled = [each.cancel_at for each in subscriptions.live() if each.cancel_at is not None]
    if cancelled:
        text = f"Cancellation is set for {rules.calendar.day_text(min(cancelled))}."
        factors.append(Factor(name="subscription", points=_points(weights["subscription"]), text=text))
    elif subscriptions.paused:
        points = _points(_PAUSED * weights["subscription"])
        factors.append(Factor(name="subscription", points=points, text="The subscription is paused."))
    elif subscriptions:
        factors.append(Factor(name="subscription", points=0.0, text="The subscription runs."))
    if payments.invoices:
        final = any(invoice.final for invoice in payments.invoices.values())
        owed = next(iter(payments.invoices.values()))
        owed_text = money(owed.amount_minor, owed.currency)
        text = f"{count(len(payments.invoices), 'invoice')} unpaid, the first of {owed_text}."
        lost = 1.0 if final else _TO_BE_TRIED
        factors.append(Factor(name="payment", points=_points(lost * weights["payment"]), text=text))
    elif payments.settled:
        factors.append(Factor(name="payment", points=0.0, text="The last invoice is settled."))
    card = payments.card
    if card is not None:
        end = rules.calendar.start_of(card.ends_on) if card.ends_on is not None else None
        ending = end is not None and at >= end - rules.config.card_notice_days * DAY_MS
        text = (
            f"The default card ends on {rules.calendar.day_text(end - 1)}." if ending and end else "The card is good."
        )
        factors.append(Factor(name="card", points=_points(weights["card"] if ending else 0.0), text=text))
    return factors


def _points(lost: float) -> float:
    return -round(lost, 1) if lost > 0.05 else 0.0
