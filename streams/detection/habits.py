"""What is learnt of the accounts' habits, in columns: a row for each account, a column for each number.

Days of all accounts close together, and folding one in is arithmetic on whole columns (`fold.py`): a hundred times as
fast as account by account. One account's numbers are read as a `Habit`.
"""

from binascii import a2b_base64, b2a_base64
from math import log
from struct import Struct, pack, unpack
from typing import Final

import numpy as np
import numpy.typing as npt

from streams.detection.fleet import FleetDay

Column = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]
Rows = npt.NDArray[np.intp]

EVENTS: Final = 0
EXPOSURE: Final = 1
PENDING_EVENTS: Final = 2
PENDING_EXPOSURE: Final = 3
SCORE: Final = 4
FLOOR: Final = 5
NUMERATOR: Final = 6
DENOMINATOR: Final = 7
WEEK: Final = 8
WEEK_TOTAL: Final = 15
ACTIVE: Final = 16
ACTIVE_EXPOSURE: Final = 17
QUIET: Final = 18
ACTIVE_WEEK: Final = 19
ACTIVE_TOTAL: Final = 26
CLOCK: Final = 27
FIRST_DAY: Final = 28
CLOSED_ACTIVE_DAY: Final = 29
MONITORED_DAY: Final = 30
READY_DAY: Final = 31
LEFT_DAY: Final = 32
CALM_DAY: Final = 33
REBASELINED: Final = 34
LAST_DAY: Final = 35
UNJUDGED: Final = 36
MUTED: Final = 37
SILENCE_LEVEL: Final = 38
DROP_LEVEL: Final = 39
COLUMNS: Final = 40

_NUMBERS: Final = FIRST_DAY
"""Columns before this one are real numbers, those from it on whole ones: days (-1: none), flags and levels."""
_FIXED: Final = Struct(f"<i{_NUMBERS}d{COLUMNS - _NUMBERS}h")
KEPT_DAYS: Final = 90
"""A row is packed again after so many days at the latest."""
_ROOM: Final = 64
_PRIOR: Final = 0.5
_LEAST: Final = 0.02


class Habit:
    """One account's numbers, in the letters of the formulas; days are day numbers, -1 where there is none. Written by
    `fold` alone, but for what is said otherwise."""

    __slots__ = (
        "active",
        "active_exposure",
        "active_total",
        "active_week",
        "calm_day",
        "clock_days",
        "closed_active_day",
        "denominator",
        "drop_level",
        "events",
        "exposure",
        "first_day",
        "floor",
        "last_day",
        "left_day",
        "monitored_day",
        "muted",
        "numerator",
        "pending_events",
        "pending_exposure",
        "quiet",
        "ready_day",
        "rebaselined",
        "score",
        "silence_level",
        "unjudged",
        "week",
        "week_total",
    )

    def __init__(self, values: list[float]) -> None:
        self.events = values[EVENTS]
        """A: events of the baseline, a gamma estimate of the account's rate with a half-life of 60 days of exposure,
        shrunk to the fleet's median."""
        self.exposure = values[EXPOSURE]
        """B: its days of exposure."""
        self.pending_events = values[PENDING_EVENTS]
        """a, and with it b: what is not committed to the baseline while a drop is suspected, so that a slow decline
        cannot teach that it is normal."""
        self.pending_exposure = values[PENDING_EXPOSURE]
        self.score = values[SCORE]
        """S: the drop channel, nats."""
        self.floor = values[FLOOR]
        """The level of S that is already accounted for: what a reported silence piled up is not charged again as a
        drop. Set when activity is back."""
        self.numerator = values[NUMERATOR]
        self.denominator = values[DENOMINATOR]
        self.week = values[WEEK : WEEK + 7]
        """wc: decayed counts by weekday from Monday, and wn, their sum."""
        self.week_total = values[WEEK_TOTAL]
        self.active = values[ACTIVE]
        """PA active days in PB days of exposure, half-life 720."""
        self.active_exposure = values[ACTIVE_EXPOSURE]
        self.quiet = values[QUIET]
        """L: the exposure since the last active day."""
        self.active_week = values[ACTIVE_WEEK : ACTIVE_WEEK + 7]
        self.active_total = values[ACTIVE_TOTAL]
        self.clock_days = values[CLOCK]
        """Operating days since the last active one."""
        self.first_day = int(values[FIRST_DAY])
        """The first active day that was folded in."""
        self.last_day = int(values[LAST_DAY])
        """The newest active day, be it closed or not; late events do not count. Set as its first event comes."""
        self.closed_active_day = int(values[CLOSED_ACTIVE_DAY])
        """The newest active day that was folded in."""
        self.monitored_day = int(values[MONITORED_DAY])
        """The day from which the account is judged."""
        self.ready_day = int(values[READY_DAY])
        """The day on which it will be monitored."""
        self.left_day = int(values[LEFT_DAY])
        """The day on which S last left 0: when the decline began, as estimated."""
        self.calm_day = int(values[CALM_DAY])
        """The day from which the evidence has been below the opening threshold while `usage_drop` is open. Set by that
        signal."""
        self.rebaselined = values[REBASELINED] > 0
        """The last closed day made the decline the new normal."""
        self.unjudged = values[UNJUDGED] > 0
        """The account's days say nothing. This and the following are the account's, noted here: see `Engine.note`."""
        self.muted = values[MUTED] > 0
        self.silence_level = int(values[SILENCE_LEVEL])
        """Severity of the open alert, from 1; 0 without one."""
        self.drop_level = int(values[DROP_LEVEL])

    @property
    def evidence(self) -> float:
        """S above its floor."""
        return self.score - self.floor

    def rate(self, fleet: FleetDay) -> float:
        """lam: events on a day of weight 1."""
        return (_PRIOR + self.events) / (_PRIOR / fleet.median_rate + self.exposure)

    def active_rate(self, fleet: FleetDay) -> float:
        """Active days in a day of weight 1."""
        return (_PRIOR + self.active) / (_PRIOR / fleet.median_active_rate + self.active_exposure)

    def silence(self, fleet: FleetDay) -> float:
        """E: minus the log of the probability that an account with this history is quiet for this long, in nats."""
        return (_PRIOR + self.active) * log(
            1.0 + self.quiet / (_PRIOR / fleet.median_active_rate + self.active_exposure)
        )

    def weights(self, fleet: FleetDay) -> list[float]:
        """w: what share of a week's events falls on each weekday from Monday, as a multiple of a seventh."""
        prior = WEEK_PRIOR
        return [
            max((prior * wf + 7.0 * wc) / (prior + self.week_total), _LEAST)
            for wf, wc in zip(fleet.weekday_profile, self.week, strict=True)
        ]


WEEK_PRIOR: Final = 30.0
ACTIVE_WEEK_PRIOR: Final = 15.0


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
            self.clear(row)
            self.values[LAST_DAY, row] = -1.0
            self.values[UNJUDGED:, row] = 0.0
            self.stored[row] = self.closed
        return row

    def clear(self, row: int) -> None:
        """Forget what was learnt: the habits begin anew."""
        values = self.values
        values[:_NUMBERS, row] = 0.0
        values[_NUMBERS:LAST_DAY, row] = -1.0
        values[REBASELINED, row] = 0.0
        self.recent[:, row] = -1.0

    def left_behind(self) -> list[str]:
        """Accounts whose rows were last packed so long ago that what the fleet was like since then will soon be
        forgotten."""
        rows = (self.stored[: len(self)] < self.closed - KEPT_DAYS).nonzero()[0]
        return [self.ids[row] for row in rows.tolist()]

    def of(self, row: int) -> Habit:
        """One account's numbers."""
        return Habit(self.values[:, row].tolist())

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
        whole = [int(value) for value in values[_NUMBERS:]]
        fixed = _FIXED.pack(self.closed, *values[:_NUMBERS], *whole)
        return b2a_base64(fixed + pack(f"<{len(rest)}q", *rest), newline=False).decode()

    def unpack(self, account: str, packed: str | bytes) -> int:
        """Take a row in, as it was packed; gives its number. Until `fold` has brought it to the closed day of all, it
        stands at the day that it was packed at. Raises `ValueError` and `struct.error` for what is none."""
        raw = a2b_base64(packed)
        closed, *values = _FIXED.unpack_from(raw)
        rest = unpack(f"<{(len(raw) - _FIXED.size) // 8}q", raw[_FIXED.size :])
        row = self.row(account)
        self.values[:, row] = values
        self.stored[row] = closed
        recent = rest[1 : 1 + rest[0]][-len(self.recent) :]
        if recent:
            self.recent[-len(recent) :, row] = recent
        for day, count in zip(rest[1 + rest[0] :: 2], rest[2 + rest[0] :: 2], strict=True):
            self.open.setdefault(day, {})[row] = count
        return row


def rates(v: Column, fleet: FleetDay) -> Column:
    """`Habit.rate` of rows `v` (columns as above)."""
    rate: Column = (_PRIOR + v[EVENTS]) / (_PRIOR / fleet.median_rate + v[EXPOSURE])
    return rate


def active_rates(v: Column, fleet: FleetDay) -> Column:
    """`Habit.active_rate` of rows."""
    rate: Column = (_PRIOR + v[ACTIVE]) / (_PRIOR / fleet.median_active_rate + v[ACTIVE_EXPOSURE])
    return rate


def silences(v: Column, fleet: FleetDay) -> Column:
    """`Habit.silence` of rows."""
    nats: Column = (_PRIOR + v[ACTIVE]) * np.log(
        1.0 + v[QUIET] / (_PRIOR / fleet.median_active_rate + v[ACTIVE_EXPOSURE])
    )
    return nats


def _wider(columns: Column) -> Column:
    return np.concatenate((columns, np.empty_like(columns)), axis=1)
