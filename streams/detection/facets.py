"""Parts of an account's activity that are judged apart, by the channels by which the whole is: *facets*.

A facet has columns as the whole has them (`habits.py`), and a row for each account that has shown it. Its days are
those on which the account was active, and one counts for as much as the account did on it (`facet_days.py`). So what
the whole says already is no evidence here, and a day without activity leaves a facet as it is.
"""

from binascii import a2b_base64, b2a_base64
from struct import Struct, pack
from typing import Final

import numpy as np
import numpy.typing as npt

from schemas.alerts import Kind
from streams.detection.packing import from_short, short
from streams.detection.sources import Rows

KEY_ACTIONS: Final = 0
"""The configured core actions: how many."""
BREADTH: Final = 1
"""Distinct users a week, counted on its Sunday. It begins with an account's second user."""
USER: Final = 8
"""For so much a user counts: how many come in a week varies less than events do, and by more of them it is judged more
sharply, as far as the learnt dispersion allows."""
SOURCES: Final = 2
"""From this number on an account's main sources, a facet for each: see `source_days.py`. One calibration is theirs."""
MAIN_SOURCES: Final = 3
"""So many of an account at most."""
FACETS: Final = SOURCES + MAIN_SOURCES
CALIBRATED: Final = SOURCES + 1
"""So many calibrations there are."""
KIND_OF: Final = (Kind.KEY_ACTION_STOPPED, Kind.BREADTH_DECLINE, *[Kind.USAGE_DROP] * MAIN_SOURCES)
"""What speaks of each."""
MARK: Final = ":"
"""Where each facet begins in a packed row; its number is next."""
_BITS: Final = Struct("<Q")
_COUNT: Final = Struct("<HI")
_MOST: Final = (1 << 32) - 1
_ROOM: Final = 64

Values = npt.NDArray[np.float32]


class Facet:
    """One facet of a partition's accounts. `blank` is a column of what an account has that has shown nothing; those
    from `numbers` on are whole numbers. A facet may have more columns than the whole, at the end.

    Its numbers are of single precision all along, so that they are stored in half the space and read back as they were.
    """

    def __init__(self, blank: list[float], numbers: int, last_day: int) -> None:
        self._blank = blank
        self._numbers = numbers
        self._last_day = last_day
        self.values: Values = np.empty((len(blank), _ROOM), np.float32)
        self.whose: Rows = np.empty(_ROOM, np.intp)
        """Which row an account has of the whole."""
        self.rows: dict[int, int] = {}
        """The other way round."""
        self.open: dict[int, dict[int, int]] = {}
        """Counts of days that are not closed: by day, then by row."""

    def __len__(self) -> int:
        return len(self.rows)

    def count(self, whole: int, day: int, quantity: int) -> bool:
        """Count something of an open day, by the account's row of the whole. Gives whether it is the day's first."""
        row = self._row(whole)
        counts = self.open.get(day)
        if counts is None:
            counts = self.open[day] = {}
        if row in counts:
            counts[row] += quantity
            return False
        counts[row] = quantity
        self.values[self._last_day, row] = max(day, self.values[self._last_day, row])
        return True

    def counted(self, whole: int, day: int) -> int:
        """What is counted of an open day so far."""
        counts = self.open.get(day)
        return 0 if counts is None else counts.get(self.rows.get(whole, -1), 0)

    def of(self, whole: int) -> list[float] | None:
        """An account's numbers; None where it has shown nothing."""
        row = self.rows.get(whole)
        return None if row is None else self.values[:, row].tolist()

    def get(self, whole: int, column: int) -> float:
        """One number of an account that has shown something."""
        return float(self.values[column, self.rows[whole]])

    def set(self, whole: int, column: int, value: float) -> None:
        """Change one number, where there are any."""
        row = self.rows.get(whole)
        if row is not None:
            self.values[column, row] = value

    def counts(self, day: int) -> npt.NDArray[np.float64]:
        """What is counted of an open day, by row."""
        found = np.zeros(len(self))
        counts = self.open.get(day)
        if counts:
            found[np.fromiter(counts, np.intp, len(counts))] = np.fromiter(counts.values(), np.float64, len(counts))
        return found

    def close(self, day: int) -> None:
        """A day is over, and those before it."""
        for each in [each for each in self.open if each <= day]:
            del self.open[each]

    def clear(self, whole: int) -> None:
        """Forget what was learnt, but for when it was active last, and what is noted of its alert."""
        row = self.rows.get(whole)
        if row is not None:
            self.values[: self._last_day, row] = self._blank[: self._last_day]

    def pack(self, whole: int) -> bytes:
        """What there is of an account; nothing of most."""
        row = self.rows.get(whole)
        if row is None:
            return b""
        values = self.values[:, row].tolist()
        counts = [(day, rows[row]) for day, rows in sorted(self.open.items()) if row in rows]
        if values[self._numbers] < 0 and not counts:
            return b""
        # Many are blank: of breadth all that other weekdays have, of a calm account what a fall has.
        shown = [column for column, value in enumerate(values) if value != self._blank[column]]
        real = [values[column] for column in shown if column < self._numbers]
        whole_ones = [short(int(values[column])) for column in shown if column >= self._numbers]
        bits = sum([1 << column for column in shown])
        fixed = _BITS.pack(bits) + pack(f"<{len(real)}f{len(whole_ones)}h", *real, *whole_ones)
        return fixed + b"".join([_COUNT.pack(day, min(count, _MOST)) for day, count in counts])

    def unpack(self, whole: int, packed: bytes) -> None:
        """Take in what `pack` gave."""
        row = self._row(whole)
        (bits,) = _BITS.unpack_from(packed)
        shown = [column for column in range(len(self._blank)) if bits >> column & 1]
        real = sum([column < self._numbers for column in shown])
        form = Struct(f"<{real}f{len(shown) - real}h")
        self.values[:, row] = self._blank
        numbers = form.unpack_from(packed, _BITS.size)
        self.values[shown, row] = (*numbers[:real], *map(from_short, numbers[real:]))
        for day, count in _COUNT.iter_unpack(packed[_BITS.size + form.size :]):
            self.open.setdefault(day, {})[row] = count

    def begin(self, whole: int) -> int:
        """An account's row, in which nothing is learnt yet."""
        row = self._row(whole)
        self.values[:, row] = self._blank
        return row

    def _row(self, whole: int) -> int:
        row = self.rows.get(whole)
        if row is None:
            row = self.rows[whole] = len(self.rows)
            if row == self.whose.size:
                self.values = np.concatenate((self.values, np.empty_like(self.values)), axis=1)
                self.whose = np.concatenate((self.whose, np.empty_like(self.whose)))
            self.values[:, row] = self._blank
            self.whose[row] = whole
        return row


def pack_all(facets: tuple[Facet, ...], whole: int) -> str:
    """What there is of an account in all facets, as text; nothing of most."""
    text = ""
    for number, facet in enumerate(facets):
        packed = facet.pack(whole)
        if packed:
            text += f"{MARK}{number}{b2a_base64(packed, newline=False).decode()}"
    return text


def unpack_all(facets: tuple[Facet, ...], whole: int, packed: list[str]) -> None:
    """Take in what `pack_all` gave, cut at the marks."""
    for each in packed:
        facets[int(each[0])].unpack(whole, a2b_base64(each[1:]))
