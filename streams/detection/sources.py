"""Which sources an account's activity comes from: counts of open days by source, and what share each source has.

Names of sources are the users' to choose, and may be many. A name has its place in one of 1,024 buckets; two that fall
into one are one source. The fleet tracks the busiest few (`source_learning.py`); what comes from others is the rest.
What is not counted here is the default source's: of accounts whose events name no source nothing is kept.
"""

from binascii import a2b_base64, b2a_base64
from collections.abc import Iterable
from functools import lru_cache
from struct import Struct
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from schemas.shuffle import hash64

DEFAULT: Final = "product"
"""The source of events that name none."""
BUCKETS: Final = 1_024
TRACKED: Final = 8
REST: Final = TRACKED + 1
"""Sources by number: 0 is the default, from 1 on are those that the fleet tracks, and this is all others together."""
SOURCES: Final = REST + 1
NAME_LENGTH: Final = 64
"""So much of a name counts."""
HALF_LIFE: Final = 28.0
"""Days after which what an account did counts half for its shares."""
MARK: Final = ";"
"""Where what is packed here begins in a packed row."""
_TOO_MANY: Final = BUCKETS
"""Where an account has more sources on a day than are told apart."""
_OF_ACCOUNT: Final = 16
_SHARES: Final = Struct(f"<{SOURCES}d")
_COUNT: Final = Struct("<HHI")
_MOST: Final = (1 << 32) - 1

Layout = tuple[int, ...]
"""The bucket of each tracked source, number 1 first; -1 where there is none."""
UNTRACKED: Final[Layout] = (-1,) * TRACKED
Top = list[Any]
"""A count and a name."""
Columns = npt.NDArray[np.float64]
Rows = npt.NDArray[np.intp]

WHOLE: Final = -1
"""All sources together; each by itself goes by its bucket, see `key_of`."""
DEFAULT_KEY: Final = -2
REST_KEY: Final = -3


def key_of(source: int, layout: Layout) -> int:
    """By what a source (its number) is known, also after others are tracked."""
    if source == 0:
        return DEFAULT_KEY
    return REST_KEY if source == SOURCES - 1 else layout[source - 1]


@lru_cache(maxsize=4_096)
def bucket_of(name: str) -> int:
    """Where a source's name has its place."""
    return hash64(name) % BUCKETS


class Sources:
    """Of one partition's accounts, by their rows."""

    def __init__(self) -> None:
        self.shares: Columns = np.zeros((SOURCES, 0))
        """Decayed counts by source, of the accounts that have had any but the default; 0 for all others."""
        self.open: dict[int, dict[int, dict[int, int]]] = {}
        """Counts of days that are not closed: by day, bucket and row."""
        self.names: dict[int, dict[int, Top]] = {}
        """By day and bucket, whose name it goes by: the most that one account did on the day, and under which name."""
        self._day = -1
        self._lately: dict[str, tuple[dict[int, int], Top]] = {}
        """Counts of a day, and whose name they go by, by name."""

    @property
    def any(self) -> bool:
        """Some account has had a source that is not the default."""
        return self.shares.shape[1] > 0 or bool(self.open)

    def count(self, row: int, day: int, source: str, quantity: int) -> None:
        """Count an event of an open day that names another source than the default."""
        if day == self._day and source in self._lately:  # nearly always
            counts, top = self._lately[source]
            before = counts.get(row)
            if before is not None or len(self.open[day]) < _OF_ACCOUNT:
                counts[row] = now = quantity if before is None else before + quantity
                if now >= top[0]:
                    top[:] = max(top, [now, source[:NAME_LENGTH]])
                return
        name = source[:NAME_LENGTH]
        bucket = bucket_of(name)
        buckets = self.open.setdefault(day, {})
        if row not in buckets.get(bucket, ()) and sum(row in each for each in buckets.values()) >= _OF_ACCOUNT:
            bucket = _TOO_MANY
        counts = buckets.setdefault(bucket, {})
        counts[row] = now = counts.get(row, 0) + quantity
        top = self.names.setdefault(day, {}).setdefault(bucket, [0, ""])
        top[:] = max(top, [now, name])
        if day != self._day:
            self._day, self._lately = day, {}
        if len(self._lately) < BUCKETS and bucket < BUCKETS:
            self._lately[source] = (counts, top)

    def clear(self, row: int) -> None:
        """Forget what was learnt."""
        if row < self.shares.shape[1]:
            self.shares[:, row] = 0.0

    def counts(self, day: int, y: Columns, layout: Layout) -> Columns | None:
        """The events of each source [source, row] on an open day, on which all rows had `y`. None where no account has
        ever had another source than the default."""
        if not self.any:
            return None
        found = np.zeros((SOURCES, y.size))
        numbers = {bucket: number for number, bucket in enumerate(layout, 1) if bucket >= 0}
        for bucket, counts in self.open.get(day, {}).items():
            whose = np.fromiter(counts, np.intp, len(counts))
            found[numbers.get(bucket, REST), whose] += np.fromiter(counts.values(), np.float64, len(counts))
        rest = y.copy()
        for each in found[1:]:
            rest -= each
        found[0] = np.maximum(rest, 0.0)
        return found

    def fold(self, rows: Rows, counts: Columns, baseline: Columns, day: int, active_day: Columns) -> None:
        """Fold a day with these `counts` [source, row] into `rows`. `baseline` is what each has had before, for those
        that show another source for the first time; `active_day` is when each was active before."""
        shows = (counts[1:] > 0.0).sum(axis=0) > 0
        if rows.size and (shows.any() or self.shares.shape[1]):
            self._widen(int(rows[-1]) + 1)
        else:
            return
        had = (self.shares[1:, rows] > 0.0).sum(axis=0) > 0
        begins = (shows & ~had).nonzero()[0]
        self.shares[0, rows[begins]] = baseline[begins]
        learns = (shows | (had & (counts[0] > 0.0))).nonzero()[0]
        mine, before = rows[learns], active_day[learns]
        kept = np.where(before >= 0.0, np.exp2((before - day) / HALF_LIFE), 1.0)
        self.shares[:, mine] = self.shares[:, mine] * kept + counts[:, learns]

    def relay(self, rows: Rows, before: Layout, layout: Layout) -> None:
        """The fleet tracks others from now on: what was learnt of those it does not is the rest's."""
        if before == layout or not self.shares.shape[1]:
            return
        mine = rows[rows < self.shares.shape[1]]
        for number, (old, new) in enumerate(zip(before, layout, strict=True), 1):
            if old != new:
                self.shares[REST, mine] += self.shares[number, mine]
                self.shares[number, mine] = 0.0

    def of(self, rows: Rows) -> Columns:
        """The share of each source [source, row]; each row sums to 1."""
        found = np.zeros((SOURCES, rows.size))
        found[0] = 1.0
        known = (rows < self.shares.shape[1]).nonzero()[0]
        shares = self.shares[:, rows[known]]
        total = np.zeros(known.size)
        for each in shares:  # one by one: a sum over an axis depends on who stands beside
            total += each
        some = (total > 0.0).nonzero()[0]
        found[:, known[some]] = shares[:, some] / total[some]
        return found

    def close(self, day: int) -> None:
        """A day is over, and those before it."""
        for each in [each for each in self.open if each <= day]:
            del self.open[each]
            self.names.pop(each, None)
        self._day = -1

    def pack_names(self) -> list[list[Any]]:
        """Whose names the buckets of open days go by, as plain data."""
        return [[day, [[bucket, *each] for bucket, each in names.items()]] for day, names in self.names.items()]

    def unpack_names(self, packed: Iterable[Any]) -> None:
        """What `pack_names` gave."""
        for day, names in packed:
            self.names[day] = {bucket: [most, name] for bucket, most, name in names}

    def pack(self, row: int) -> str:
        """What there is of a row, as text; nothing of most."""
        counts = b"".join(
            _COUNT.pack(day, bucket, min(rows[row], _MOST))
            for day, buckets in sorted(self.open.items())
            for bucket, rows in sorted(buckets.items())
            if row in rows
        )
        shares = self.shares[:, row].tolist() if row < self.shares.shape[1] else []
        if not counts and not any(shares):
            return ""
        packed = _SHARES.pack(*(shares or [0.0] * SOURCES)) + counts
        return MARK + b2a_base64(packed, newline=False).decode()

    def unpack(self, row: int, packed: str | bytes) -> None:
        """Take in what `pack` gave, without the mark."""
        raw = a2b_base64(packed)
        shares = _SHARES.unpack_from(raw)
        if any(shares):
            self._widen(row + 1)
            self.shares[:, row] = shares
        else:
            self.clear(row)
        for day, bucket, count in _COUNT.iter_unpack(raw[_SHARES.size :]):
            self.names.setdefault(day, {})
            self.open.setdefault(day, {}).setdefault(bucket, {})[row] = count

    def _widen(self, rows: int) -> None:
        if rows > self.shares.shape[1]:
            wider = np.zeros((SOURCES, max(rows, 2 * self.shares.shape[1])))
            wider[:, : self.shares.shape[1]] = self.shares
            self.shares = wider
