"""What happens around the accounts besides their own stories: habits that a detector does not model, and mishaps.

Everything is off by default. None of it is a reason for an alert, save the second product that an account gives up.
"""

from dataclasses import dataclass

from streams.simulator.names import EVENT_NAMES

#: The source of an account's ordinary usage (events that name no source have it), and that of a second product.
PRODUCT, SECOND = "product", "mobile"


@dataclass(frozen=True, slots=True)
class Outage:
    """Events that are lost on their way: from `first_day` on (0 is the span's first), for `days` days, the share `kept`
    arrives; of one source, or of all (None)."""

    first_day: int
    days: int = 5
    kept: float = 0.05
    source: str | None = None

    def __post_init__(self) -> None:
        if not 0 <= self.kept <= 1:
            raise ValueError("what an outage keeps is a share from 0 to 1")
        if self.source not in (None, PRODUCT, SECOND):
            raise ValueError(f"the sources are {PRODUCT!r} and {SECOND!r}, not {self.source!r}")


@dataclass(frozen=True, slots=True)
class Rename:
    """A release that calls an event otherwise from a day on."""

    event: str
    renamed: str
    day: int

    def __post_init__(self) -> None:
        if self.event not in EVENT_NAMES or self.renamed in EVENT_NAMES:
            raise ValueError(f"one of {', '.join(EVENT_NAMES)} takes a new name, not {self.event!r} {self.renamed!r}")


@dataclass(frozen=True, slots=True)
class World:
    """Shares are of accounts, from 0 to 1. Raises ValueError for impossible values."""

    user_turnover: float = 0.0  # times a year that a user leaves; the successor comes some weeks later
    bursts: float = 0.0  # share with a program of theirs that floods for a day, six times a year
    month_end: float = 0.0  # share that works mostly on the last three days of a month and the first
    quarter_end: float = 0.0  # share that works mostly in the last two weeks of a quarter
    school: float = 0.0  # share that is quiet in the school holidays of its country
    yearly_trend: float = 1.0  # what the whole fleet's activity is multiplied by in a year
    second_product: float = 0.0  # share that has a second product, a source of its own ...
    second_product_stops: float = 0.0  # ... and of those with no other story, the share that gives it up
    outages: tuple[Outage, ...] = ()
    renames: tuple[Rename, ...] = ()

    def __post_init__(self) -> None:
        shares = (self.bursts, self.second_product, self.second_product_stops)
        calendars = (self.month_end, self.quarter_end, self.school)
        if not all(0 <= share <= 1 for share in (*shares, *calendars)) or sum(calendars) > 1 + 1e-9:
            raise ValueError("shares are from 0 to 1, and month_end, quarter_end and school together at most 1")
        if self.user_turnover < 0 or self.yearly_trend <= 0:
            raise ValueError("user_turnover must not be negative, and yearly_trend must be above 0")

    @property
    def has_habits(self) -> bool:
        """Whether any account is different for it."""
        return max(self.user_turnover, self.bursts, self.month_end, self.quarter_end, self.school) > 0
