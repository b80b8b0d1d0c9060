"""What an account is like: its rate, habits, people, plan and money. Drawn once, from the account's own source."""

from dataclasses import dataclass
from math import exp, log
from random import Random
from typing import TypeVar

from streams.simulator.draws import choice_table
from streams.simulator.names import EVENT_NAMES, FIRST, SECOND, SUFFIX
from streams.simulator.plan import DAY_MS, FleetPlan

T = TypeVar("T")

#: Weekday profiles, Monday first; each sums to 7, so that a rate is the mean over a week.
WEEKDAYS: dict[str, tuple[float, ...]] = {
    "office": (1.30, 1.40, 1.40, 1.35, 1.15, 0.20, 0.20),
    "six_days": (1.15, 1.15, 1.15, 1.15, 1.15, 0.90, 0.35),
    "every_day": (1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0),
    "leisure": (0.75, 0.75, 0.80, 0.90, 1.10, 1.40, 1.30),
}
_PROFILE_TABLE = choice_table(tuple(WEEKDAYS), (0.60, 0.15, 0.15, 0.10), 20)

#: Second of the day at which an hour starts, by the share of the day's events in it (UTC, an office in Europe).
HOUR_STARTS = choice_table(
    tuple(hour * 3600 for hour in range(24)),
    (1, 1, 1, 1, 1, 2, 6, 14, 24, 30, 30, 26, 18, 26, 30, 28, 24, 16, 9, 7, 6, 5, 3, 2),
    512,
)

_EVENT_WEIGHTS = (20, 22, 26, 12, 9, 9, 2)
EVENT_TABLE = choice_table(EVENT_NAMES, _EVENT_WEIGHTS, 128)

#: Longest table of people by activity; small accounts have shorter ones, so that a large fleet stays small in memory.
USER_SLOTS = 256

_OWNERS = ("mara", "jonas", "aisha", "tom", "lucia", "kenji", "freya", "sam")
_TEAMS = ("north", "south", "enterprise")
COUNTRIES = ("DE", "FR", "GB", "US", "SE", "NL", "ES", "IT")
_PLANS = (("starter", 4_900), ("team", 24_900), ("business", 99_900), ("enterprise", 390_000))
_CURRENCIES = choice_table(("EUR", "USD", "GBP"), (45, 40, 15), 20)


@dataclass(frozen=True, slots=True)
class Traits:
    """What does not change in an account's life. Rates are events a day; money is in minor units a month."""

    account_id: str
    name: str
    owner: str
    team: str
    country: str
    segment: str
    rate: float
    weekdays: tuple[float, ...]
    profile: str
    size: float  # k of the negative binomial
    yearly_growth: float  # factor
    vacation_level: float  # share of activity that is left during a vacation
    users: int
    user_table: tuple[str, ...]
    plan: str
    seats: int
    mrr_minor: int
    currency: str
    started_at: int  # milliseconds; before the span for old customers
    seen_from: int  # milliseconds; the first moment it can have events in the span


def pick(random: Random, items: tuple[T, ...] | list[T]) -> T:
    """One of the items, each as likely (`Random.choice` has changed its sequence between Python versions)."""
    return items[int(random.random() * len(items))]


def draw_traits(plan: FleetPlan, index: int, random: Random) -> Traits:
    """The traits of account number `index` (0 is the first)."""
    rate = plan.rate_median * exp(random.gauss(0.0, plan.rate_sigma))
    rate = min(max(rate, plan.rate_min), plan.rate_max)
    dispersion = min(max(plan.dispersion_median * exp(random.gauss(0.0, 0.5)), 0.02), 2.0)
    users = max(1, min(200, round(0.6 * rate**0.8 * exp(random.gauss(0.0, 0.5)))))
    profile = pick(random, _PROFILE_TABLE)
    tier = min(3, int(max(0.0, 0.6 + log(rate + 0.3) / 1.6 + random.gauss(0.0, 0.5))))
    plan_name, price = _PLANS[tier]
    newcomer = random.random() < plan.newcomers
    late = random.random()
    age = int(random.random() * 1000)
    second = int(random.random() * 86_400)
    if newcomer:
        started_at = seen_from = plan.start + int(late * 0.7 * plan.days) * DAY_MS + second * 1000
    else:
        started_at = plan.start - (30 + age) * DAY_MS + second * 1000
        seen_from = plan.start
    account_id = f"acct-{index + 1:05d}"
    return Traits(
        account_id=account_id,
        name=" ".join(word for word in (pick(random, FIRST), pick(random, SECOND), pick(random, SUFFIX)) if word),
        owner=f"{pick(random, _OWNERS)}@vendor.example",
        team=pick(random, _TEAMS),
        country=pick(random, COUNTRIES),
        segment="small" if users <= 5 else "medium" if users <= 40 else "large",
        rate=rate,
        weekdays=WEEKDAYS[profile],
        profile=profile,
        size=1.0 / dispersion,
        yearly_growth=exp(random.gauss(0.0, plan.growth_sigma)),
        vacation_level=0.05 if users <= 2 else 0.25 if users <= 8 else 0.75,
        users=users,
        user_table=choice_table(
            tuple(f"{account_id}-u{number + 1}" for number in range(users)),
            tuple(1.0 / (number + 1.5) for number in range(users)),
            1 if users == 1 else min(USER_SLOTS, max(16, 4 * users)),
        ),
        plan=plan_name,
        seats=users + int(random.random() * (1 + users * 0.4)),
        mrr_minor=round(price * exp(random.gauss(0.0, 0.3)) / 100) * 100,
        currency=pick(random, _CURRENCIES),
        started_at=started_at,
        seen_from=seen_from,
    )
