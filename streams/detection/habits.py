"""What is learnt of the accounts' habits, in columns: a row for each account, a column for each number.

Days of all accounts close together, and folding one in is arithmetic on whole columns (`fold.py`): a hundred times as
fast as account by account. One account's numbers are read as a `Habit`.
"""

from binascii import a2b_base64, b2a_base64
from math import log, sqrt
from struct import Struct, pack, unpack
from typing import Final

import numpy as np
import numpy.typing as npt

from streams.detection import facets
from streams.detection.facets import Facet
from streams.detection.fleet import FleetDay
from streams.detection.flow import Flow
from streams.detection.packing import from_short, short
from streams.detection.sequels import Sequels
from streams.detection.sources import MARK, Sources

Column = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]
Rows = npt.NDArray[np.intp]

# By the letters of the formulas; days are day numbers, -1 where there is none. `fold` writes them, but for what is said
# otherwise. What has a weekday takes seven columns from Monday on, and its total the eighth.
EVENTS: Final = 0
"""A: events of the baseline, a gamma estimate of the account's rate with a half-life of 60 days of exposure, shrunk to
the fleet's median."""
EXPOSURE: Final = 1
"""B: its days of exposure."""
PENDING_EVENTS: Final = 2
"""a, and with it b: what is not committed to the baseline while a drop is suspected, so that a slow decline cannot
teach that it is normal."""
PENDING_EXPOSURE: Final = 3
SCORE: Final = 4
"""S: the drop channel, nats."""
FLOOR: Final = 5
"""The level of S that is already accounted for: what a reported silence piled up is not charged again as a drop. Set
when activity is back."""
NUMERATOR: Final = 6
DENOMINATOR: Final = 7
"""Of 1/k: see `Habit.dispersion`."""
WEEK: Final = 8
"""wc: decayed counts by weekday, and wn, their sum."""
WEEK_TOTAL: Final = 15
ACTIVE: Final = 16
"""PA active days in PB days of exposure, half-life 720."""
ACTIVE_EXPOSURE: Final = 17
QUIET: Final = 18
"""L: the exposure since the last active day."""
ACTIVE_WEEK: Final = 19
"""As `WEEK`, of active days."""
ACTIVE_TOTAL: Final = 26
CLOCK: Final = 27
"""Operating days since the last active one."""
PEAK: Final = 28
"""The highest S, by the day before, since it last left 0."""
FIRST_DAY: Final = 29
"""The first active day that was folded in."""
CLOSED_ACTIVE_DAY: Final = 30
"""The newest active day that was folded in."""
MONITORED_DAY: Final = 31
"""The day from which the account is judged. Set by `monitoring`."""
READY_DAY: Final = 32
"""The day on which it will be monitored. Set by `monitoring`."""
LEFT_DAY: Final = 33
"""The day on which S last left 0: when the decline began, as estimated."""
CALM_DAY: Final = 34
"""The day from which the evidence has been below the opening threshold while `usage_drop` is open. Set by that
signal."""
REBASELINED: Final = 35
"""The last closed day made the decline the new normal."""
LAST_DAY: Final = 36
"""The newest active day, be it closed or not; late events do not count. Set as its first event comes."""
UNJUDGED: Final = 37
"""The account's days say nothing. This and the following are the account's, noted here: see `signals.gate.note`."""
MUTED: Final = 38
SILENCE_LEVEL: Final = 39
"""Severity of the open alert, from 1; 0 without one."""
DROP_LEVEL: Final = 40
ACTED: Final = 41
"""Somebody acknowledged such an alert, or recorded an action on the account while it was open: 1, and `SILENCE_OVER`
as soon as it has been active since. `fold` takes it back when the account is as it was."""
SILENCE_OVER: Final = 2.0
PEAK_TIER: Final = 42
"""The rate tier in which S last left 0, -1 where that is not known: to it belongs the peak."""
COLUMNS: Final = 43
SOURCE: Final = COLUMNS
"""Of a main source only: its number. Set by `source_days`, as is `LAST_DAY` there."""

_NUMBERS: Final = FIRST_DAY
"""Columns before this one are real numbers, those from it on whole ones: days, flags and levels."""
_FIXED: Final = Struct(f"<i{_NUMBERS}d{COLUMNS - _NUMBERS}h")
KEPT_DAYS: Final = 90
"""A row is packed again after so many days at the latest."""
_ROOM: Final = 64
HALF_LIFE: Final = 60.0
"""Of the baseline, in days of exposure."""
PRIOR: Final = 0.5
"""Events, and active days, that the fleet's median lends each account."""
_DISPERSION_PRIOR: Final = 20.0
_LEAST_DISPERSION: Final = 0.02
_MOST_DISPERSION: Final = 4.0
_LEAST_KNOWN: Final = 0.25
_WEEK_PRIOR: Final = 30.0
_ACTIVE_WEEK_PRIOR: Final = 15.0
_LEAST_WEIGHT: Final = 0.02


class Habit:
    """One account's numbers, as far as they are asked for one at a time: see the columns."""

    __slots__ = (
        "_active",
        "_active_exposure",
        "_active_total",
        "_active_week",
        "_denominator",
        "_events",
        "_exposure",
        "_numerator",
        "_week",
        "calm_day",
        "clock_days",
        "closed_active_day",
        "first_day",
        "floor",
        "last_day",
        "left_day",
        "monitored_day",
        "pending_events",
        "pending_exposure",
        "quiet",
        "rebaselined",
        "score",
        "week_total",
    )

    def __init__(self, values: list[float]) -> None:
        self._events = values[EVENTS]
        self._exposure = values[EXPOSURE]
        self._active = values[ACTIVE]
        self._active_exposure = values[ACTIVE_EXPOSURE]
        self._active_week = values[ACTIVE_WEEK:ACTIVE_TOTAL]
        self._active_total = values[ACTIVE_TOTAL]
        self._numerator = values[NUMERATOR]
        self._denominator = values[DENOMINATOR]
        self.pending_events = values[PENDING_EVENTS]
        self.pending_exposure = values[PENDING_EXPOSURE]
        self.score = values[SCORE]
        self.floor = values[FLOOR]
        self._week = values[WEEK:WEEK_TOTAL]
        self.week_total = values[WEEK_TOTAL]
        self.quiet = values[QUIET]
        self.clock_days = values[CLOCK]
        self.first_day = int(values[FIRST_DAY])
        self.closed_active_day = int(values[CLOSED_ACTIVE_DAY])
        self.last_day = int(values[LAST_DAY])
        self.monitored_day = int(values[MONITORED_DAY])
        self.left_day = int(values[LEFT_DAY])
        self.calm_day = int(values[CALM_DAY])
        self.rebaselined = values[REBASELINED] > 0

    @property
    def evidence(self) -> float:
        """S above its floor."""
        return self.score - self.floor

    def rate(self, fleet: FleetDay) -> float:
        """lam: events on a day of weight 1."""
        return (PRIOR + self._events) / (PRIOR / fleet.median_rate + self._exposure)

    def learnt_before(self, exposure: float, fleet: FleetDay) -> float:
        """What share of the baseline is older than the newest days of so much exposure; what is pending is in none."""
        newer: float = 1.0 - 0.5 ** (max(exposure - self.pending_exposure, 0.0) / HALF_LIFE)
        return 1.0 - HALF_LIFE / log(2.0) * newer / (PRIOR / fleet.median_rate + self._exposure)

    def active_rate(self, fleet: FleetDay) -> float:
        """Active days in a day of weight 1."""
        return (PRIOR + self._active) / (PRIOR / fleet.median_active_rate + self._active_exposure)

    def silence(self, fleet: FleetDay) -> float:
        """E: minus the log of the probability that an account with this history is quiet for this long, in nats."""
        return self.silence_at(self.quiet, fleet)

    def silence_at(self, quiet: float, fleet: FleetDay) -> float:
        """E at another exposure since the last active day."""
        exposure = PRIOR / fleet.median_active_rate + self._active_exposure
        return (PRIOR + self._active) * log(1.0 + quiet / exposure)

    def weights(self, fleet: FleetDay) -> list[float]:
        """w: what share of a week's events falls on each weekday from Monday, as a multiple of a seventh."""
        return _week(self._week, self.week_total, _WEEK_PRIOR, fleet.weekday_profile)

    def active_weights(self, fleet: FleetDay) -> list[float]:
        """As `weights`, of active days."""
        return _week(self._active_week, self._active_total, _ACTIVE_WEEK_PRIOR, fleet.active_profile)

    def dispersion(self, fleet: FleetDay) -> float:
        """1/k."""
        value = (self._numerator + _DISPERSION_PRIOR * fleet.dispersion) / (self._denominator + _DISPERSION_PRIOR)
        return min(max(value, _LEAST_DISPERSION), _MOST_DISPERSION)

    @property
    def known_share(self) -> float:
        """What share of what is expected the drop channel expects, as the baseline is uncertain."""
        return max(1.0 - 1.0 / sqrt(PRIOR + self._events), _LEAST_KNOWN)


class Habits:
    """The columns of one partition's accounts. All rows stand at the same closed day.

    `monitored_days`: so many active days are remembered of an account until it is monitored.
    """

    def __init__(self, monitored_days: int = 1) -> None:
        self.values: Column = np.empty((COLUMNS, _ROOM))
        self.recent: Column = np.empty((monitored_days, _ROOM))
        """The last active days, the oldest first, of accounts that are not monitored yet."""
        self.stored: npt.NDArray[np.int32] = np.empty(_ROOM, np.int32)
        """The closed day at which a row stood when it was last packed."""
        self.ids: list[str] = []
        """Account ids by row."""
        self.rows: dict[str, int] = {}
        self.closed = -1
        """The newest closed day."""
        self.open: dict[int, dict[int, int]] = {}
        """Events of days that are not closed: by day, then by row."""
        self.flow = Flow()
        self.sources = Sources()
        """Where they come from."""
        self.sequels = Sequels()
        """What accounts have come to since the last day was closed."""
        blank = [0.0] * COLUMNS
        blank[_NUMBERS:UNJUDGED] = [-1.0] * (UNJUDGED - _NUMBERS)
        blank[REBASELINED], blank[PEAK_TIER] = 0.0, -1.0
        of_source = [*blank, -1.0]
        parts = [blank] * facets.SOURCES + [of_source] * facets.MAIN_SOURCES
        self.facets = tuple([Facet(each, _NUMBERS, LAST_DAY) for each in parts])
        """What is judged apart, by number."""

    def __len__(self) -> int:
        return len(self.ids)

    def row(self, account: str) -> int:
        """The account's row; a new one if it has none."""
        row = self.rows.get(account)
        if row is None:
            row = self.rows[account] = len(self.ids)
            self.ids.append(account)
            if row == self.values.shape[1]:
                self.values = _wider(self.values)
                self.recent = _wider(self.recent)
                self.stored = np.concatenate((self.stored, np.empty_like(self.stored)))
            self.values[LAST_DAY, row] = -1.0
            self.values[UNJUDGED:, row] = 0.0
            self.clear(row)
            self.stored[row] = self.closed
        return row

    def clear(self, row: int) -> None:
        """Forget what was learnt: the habits begin anew."""
        values = self.values
        values[:_NUMBERS, row] = 0.0
        values[_NUMBERS:LAST_DAY, row] = -1.0
        values[REBASELINED, row] = values[ACTED, row] = 0.0
        values[PEAK_TIER, row] = -1.0
        self.recent[:, row] = -1.0
        self.sources.clear(row)
        for facet in self.facets:
            facet.clear(row)
            facet.set(row, ACTED, 0.0)
            facet.set(row, PEAK_TIER, -1.0)

    def left_behind(self) -> list[str]:
        """Accounts whose rows were last packed so long ago that what the fleet was like since then will soon be
        forgotten."""
        rows = (self.stored[: len(self)] < self.closed - KEPT_DAYS).nonzero()[0]
        return [self.ids[row] for row in rows.tolist()]

    def of(self, row: int) -> Habit:
        """One account's numbers."""
        return Habit(self.values[:, row].tolist())

    def facet(self, number: int, row: int) -> Habit | None:
        """One account's numbers in a facet; None where it has shown nothing of it."""
        values = self.facets[number].of(row)
        return None if values is None else Habit(values)

    def get(self, row: int, column: int) -> float:
        """One number."""
        return float(self.values[column, row])

    def set(self, row: int, column: int, value: float) -> None:
        """Change one number."""
        self.values[column, row] = value

    def pack(self, row: int) -> str:
        """A row as text, with the day at which it stands and what is counted of open days."""
        self.stored[row] = self.closed
        values = self.values[:, row].tolist()
        rest: list[int] = []
        if values[MONITORED_DAY] < 0:
            rest = [int(day) for day in self.recent[:, row].tolist() if day >= 0]
        rest.insert(0, len(rest))
        for day, counts in self.open.items():
            if row in counts:
                rest += (day, counts[row])
        whole = [short(int(value)) for value in values[_NUMBERS:]]
        fixed = _FIXED.pack(self.closed, *values[:_NUMBERS], *whole)
        numbers = b2a_base64(fixed + pack(f"<{len(rest)}q", *rest), newline=False).decode()
        return numbers + self.sources.pack(row) + facets.pack_all(self.facets, row)

    def unpack(self, account: str, packed: str | bytes) -> int:
        """Take a row in, as it was packed; gives its number. Until `fold` has brought it to the closed day of all, it
        stands at the day that it was packed at. Raises `ValueError` and `struct.error` for what is none."""
        text = packed if isinstance(packed, str) else packed.decode()
        text, *by_facet = text.split(facets.MARK)
        numbers, _, by_source = text.partition(MARK)
        raw = a2b_base64(numbers)
        closed, *values = _FIXED.unpack_from(raw)
        values[_NUMBERS:] = map(from_short, values[_NUMBERS:])
        rest = unpack(f"<{(len(raw) - _FIXED.size) // 8}q", raw[_FIXED.size :])
        row = self.row(account)
        self.values[:, row] = values
        self.stored[row] = closed
        recent = rest[1 : 1 + rest[0]][-len(self.recent) :]
        if recent:
            self.recent[-len(recent) :, row] = recent
        for day, count in zip(rest[1 + rest[0] :: 2], rest[2 + rest[0] :: 2], strict=True):
            self.open.setdefault(day, {})[row] = count
        if by_source:
            self.sources.unpack(row, by_source)
        facets.unpack_all(self.facets, row, by_facet)
        return row


def rates(v: Column, fleet: FleetDay) -> Column:
    """`Habit.rate` of rows `v` (columns as above)."""
    rate: Column = (PRIOR + v[EVENTS]) / (PRIOR / fleet.median_rate + v[EXPOSURE])
    return rate


def active_rates(v: Column, fleet: FleetDay) -> Column:
    """`Habit.active_rate` of rows."""
    rate: Column = (PRIOR + v[ACTIVE]) / (PRIOR / fleet.median_active_rate + v[ACTIVE_EXPOSURE])
    return rate


def silences(v: Column, fleet: FleetDay) -> Column:
    """`Habit.silence` of rows."""
    nats: Column = (PRIOR + v[ACTIVE]) * np.log(
        1.0 + v[QUIET] / (PRIOR / fleet.median_active_rate + v[ACTIVE_EXPOSURE])
    )
    return nats


def weights(v: Column, weekday: int, fleet: FleetDay) -> Column:
    """w: what share of a week's events falls on the weekday, as a multiple of a seventh."""
    return _weights(v[WEEK + weekday], v[WEEK_TOTAL], _WEEK_PRIOR, fleet.weekday_profile[weekday])


def active_weights(v: Column, weekday: int, fleet: FleetDay) -> Column:
    """As `weights`, of active days."""
    return _weights(v[ACTIVE_WEEK + weekday], v[ACTIVE_TOTAL], _ACTIVE_WEEK_PRIOR, fleet.active_profile[weekday])


def expected(v: Column, weekday: int, fleet: FleetDay) -> Column:
    """Events on such a weekday, to be added up: `rates` times `weights`, but for the least of these, which of many
    accounts comes to a lot where nobody ever works on the day."""
    of_fleet = fleet.weekday_profile[weekday]
    return rates(v, fleet) * _share(v[WEEK + weekday], v[WEEK_TOTAL], _WEEK_PRIOR, of_fleet)


def expected_active(v: Column, weekday: int, fleet: FleetDay) -> Column:
    """As `expected`, of active days."""
    of_fleet = fleet.active_profile[weekday]
    return active_rates(v, fleet) * _share(v[ACTIVE_WEEK + weekday], v[ACTIVE_TOTAL], _ACTIVE_WEEK_PRIOR, of_fleet)


def dispersions(v: Column, fleet: FleetDay) -> Column:
    """`Habit.dispersion` of rows."""
    value = (v[NUMERATOR] + _DISPERSION_PRIOR * fleet.dispersion) / (v[DENOMINATOR] + _DISPERSION_PRIOR)
    clipped: Column = np.clip(value, _LEAST_DISPERSION, _MOST_DISPERSION)
    return clipped


def known_shares(v: Column) -> Column:
    """`Habit.known_share` of rows."""
    share: Column = np.maximum(1.0 - 1.0 / np.sqrt(PRIOR + v[EVENTS]), _LEAST_KNOWN)
    return share


def _weights(counts: Column, total: Column, prior: float, of_fleet: float) -> Column:
    weight: Column = np.maximum(_share(counts, total, prior, of_fleet), _LEAST_WEIGHT)
    return weight


def _share(counts: Column, total: Column, prior: float, of_fleet: float) -> Column:
    share: Column = (prior * of_fleet + 7.0 * counts) / (prior + total)
    return share


def _week(counts: list[float], total: float, prior: float, profile: tuple[float, ...]) -> list[float]:
    """`_weights` of one account, of each weekday."""
    return [
        max((prior * of_fleet + 7.0 * own) / (prior + total), _LEAST_WEIGHT)
        for of_fleet, own in zip(profile, counts, strict=True)
    ]


def _wider(columns: Column) -> Column:
    return np.concatenate((columns, np.empty_like(columns)), axis=1)
