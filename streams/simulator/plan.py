"""What to simulate: the size, the span and the habits of a fleet of accounts."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType

from schemas.instants import EARLIEST, LATEST
from streams.simulator.world import World

DAY_MS = 86_400_000
#: Monday, 6 January 2025, 00:00 UTC: far enough in the past that no record is ever "from the future".
DEFAULT_START = 1_736_121_600_000


class Change(StrEnum):
    """What happens to an account during the span; every account has at most one such story."""

    NONE = "none"
    STOP = "stop"  # activity ends from one day to the next
    DECAY = "decay"  # activity fades exponentially, then ends
    PARTIAL_DROP = "partial_drop"  # activity falls to a fraction of itself and stays there
    PAYMENT_RECOVERED = "payment_recovered"  # a payment fails and a later attempt succeeds
    PAYMENT_LOST = "payment_lost"  # every attempt fails and the subscription ends: involuntary churn
    CARD_REPLACED = "card_replaced"  # the card is about to end and is replaced in time
    CARD_LAPSED = "card_lapsed"  # the card ends, the charge fails, then a new card pays
    CANCEL = "cancel"  # cancelled for the period's end with no decline of activity before
    CANCEL_REVERTED = "cancel_reverted"  # cancelled, and taken back some days later
    PAUSE = "pause"  # paused for some weeks, in which nobody is active, and then resumed
    DOWNGRADE = "downgrade"  # a smaller plan, with no decline of activity
    FEWER_SEATS = "fewer_seats"  # fewer seats of the same plan
    CORE_STOPS = "core_stops"  # nothing is created or edited any more, though people go on looking
    PEOPLE_LEAVE = "people_leave"  # a quarter of the people do all there is to do
    CHAMPION_LEAVES = "champion_leaves"  # the most active person is gone, and others do their part
    INTENT = "intent"  # the page to cancel is opened, and all data is exported
    DETRACTOR = "detractor"  # a bad score, and a ticket that escalates
    NEVER_BEGINS = "never_begins"  # a new account looks around and never creates anything
    BEGINS_LATE = "begins_late"  # nobody comes to a new account for weeks, and then it is used as others are
    NEVER_USED = "never_used"  # nobody ever comes to a new account, and it cancels


#: Changes of activity: what the engagement signals are there to find.
DECLINES = frozenset({Change.STOP, Change.DECAY, Change.PARTIAL_DROP})
#: Stories of a new account's first weeks.
BEGINNINGS = frozenset({Change.BEGINS_LATE, Change.NEVER_USED})

DEFAULT_SHARES: Mapping[Change, float] = MappingProxyType(
    {
        Change.STOP: 0.06,
        Change.DECAY: 0.04,
        Change.PARTIAL_DROP: 0.04,
        Change.PAYMENT_RECOVERED: 0.04,
        Change.PAYMENT_LOST: 0.02,
        Change.CARD_REPLACED: 0.04,
        Change.CARD_LAPSED: 0.02,
        Change.CANCEL: 0.03,
        Change.CANCEL_REVERTED: 0.02,
        Change.PAUSE: 0.02,
        Change.DOWNGRADE: 0.02,
        Change.FEWER_SEATS: 0.02,
        Change.CORE_STOPS: 0.02,
        Change.PEOPLE_LEAVE: 0.02,
        Change.CHAMPION_LEAVES: 0.02,
        Change.INTENT: 0.02,
        Change.DETRACTOR: 0.02,
        Change.NEVER_BEGINS: 0.02,
    }
)

#: Of new accounts, those whose onboarding stalls; what the shares of all accounts leave of them.
NEW_SHARES: Mapping[Change, float] = MappingProxyType({Change.BEGINS_LATE: 0.05, Change.NEVER_USED: 0.15})


@dataclass(frozen=True, slots=True)
class FleetPlan:
    """A simulated fleet. The same plan gives the same events, byte by byte, on every machine.

    Rates are events per account and day; `start` is milliseconds since the epoch and must be a UTC midnight.
    Account i has the same life whatever the number of accounts: a larger fleet begins with the smaller one.

    Raises ValueError for impossible values.
    """

    accounts: int = 400
    days: int = 120
    seed: int = 1
    start: int = DEFAULT_START
    rate_median: float = 3.0
    rate_sigma: float = 1.5  # of the natural logarithm of the rate: 1.5 spans 0.15 to 60 for nine accounts in ten
    rate_min: float = 0.03
    rate_max: float = 150.0
    dispersion_median: float = 0.3  # 1/k of the negative binomial: variance = mean + mean^2 / k
    weekly_sigma: float = 0.12  # innovation of the weekly AR(1) of the logarithm of the rate
    vacations_per_year: float = 1.0
    growth_sigma: float = 0.10  # of the logarithm of a year's growth
    newcomers: float = 0.10  # share of accounts that start within the span instead of before it
    holidays: bool = False  # the whole fleet is quiet from 24 December to 1 January
    first_change_day: int = 45  # no story begins before this day ...
    last_change_day: int | None = None  # ... or after this one; default: ten days before the end
    shares: Mapping[Change, float] = field(default_factory=lambda: DEFAULT_SHARES)
    new_shares: Mapping[Change, float] = field(default_factory=dict)  # of new accounts that have none of these stories
    # Of declines, the least and how much more at most: a decay's half-life in days, what a partial drop leaves, and the
    # days until the customer cancels.
    decay_half_life: tuple[float, float] = (5.0, 10.0)
    drop_level: tuple[float, float] = (0.1, 0.25)
    decides_after: tuple[float, float] = (15.0, 45.0)
    world: World = field(default_factory=World)

    def __post_init__(self) -> None:
        if self.accounts < 1 or self.days < 1:
            raise ValueError(f"a fleet needs at least one account and one day, not {self.accounts} and {self.days}")
        if self.start % DAY_MS:
            raise ValueError(f"start must be a UTC midnight in milliseconds, not {self.start}")
        if not EARLIEST <= self.start <= LATEST - self.days * DAY_MS:
            raise ValueError(f"{self.days:,} days from the first one on do not lie from 1990 to 2099")
        if not 0 < self.rate_min <= self.rate_median <= self.rate_max:
            raise ValueError("rates must satisfy 0 < rate_min <= rate_median <= rate_max")
        if any(share < 0 for share in self.shares.values()) or sum(self.shares.values()) > 1 + 1e-9:
            raise ValueError("shares must not be negative, and their sum not above 1")
        if set(self.new_shares) - BEGINNINGS or any(share < 0 for share in self.new_shares.values()):
            raise ValueError(f"new_shares must not be negative, and name {', '.join(sorted(BEGINNINGS))} only")
        if sum(self.new_shares.values()) > 1 + 1e-9:
            raise ValueError("the sum of new_shares must not be above 1")
        if Change.NONE in self.shares:
            raise ValueError("the share of accounts with no change is what the other shares leave")
        if not 0 <= self.newcomers <= 1:
            raise ValueError("newcomers is a share from 0 to 1")

    @property
    def end(self) -> int:
        """The moment after the last simulated day, in milliseconds."""
        return self.start + self.days * DAY_MS

    @property
    def change_days(self) -> tuple[int, int]:
        """First and last day (0 is the first of the span) on which a story may begin."""
        last = self.days - 10 if self.last_change_day is None else self.last_change_day
        last = max(0, min(last, self.days - 1))
        return min(self.first_change_day, last), last
