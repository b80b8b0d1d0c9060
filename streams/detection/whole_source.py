"""A source that few accounts use, as one whole: how long has nothing come from it, of any of them?

The factor of a source (`source_learning.py`) asks for 50 accounts. Of fewer a day says little, but their silences
add up: a gamma-Poisson model, as the silence channel of an account is, of what all of them together do. What comes is
Poisson around what is expected of these accounts, times a level that is learnt, and its variance a learnt multiple of
that. So E is minus the log of the probability that nothing comes for so long, in nats. The account that says most is
left out each day: one customer's decline is never its source's. And E has to be as much higher than in silences that
came to nothing lately, as those of weekends do: what accounts have in common is not known to the model.
"""

from math import log
from typing import Any, Final

from streams.detection.fleet_learning import FEWEST
from streams.detection.source_sums import OfSource

LEAST: Final = 5
"""What fewer accounts use is their own doing: each is told of by itself."""
_EVIDENT: Final = 10.0
_KNOWN_DAYS: Final = 28
"""Days on which enough of its accounts are old enough to say something: four weekends."""
_PRIOR: Final = 0.5
_KEPT: Final = 0.5 ** (1.0 / 60.0)
_SPREAD_KEPT: Final = 0.98
_SPREAD_FROM: Final = 0.2
"""What is expected of a day that says something of the spread."""
_SPREAD_MOST: Final = 10_000.0
_ACTIVE_KEPT: Final = 0.95
_HIGHEST_KEPT: Final = 0.99
_HIGHEST_MOST: Final = 20.0
"""What a silence that was over teaches at most: a producer that was broken for weeks makes nobody deaf."""
_THERE: Final = 0.3
"""Flow is back when so many of the accounts that usually come on a day do: not with one late event."""
WITHDRAWN_DAYS: Final = 60
"""After so long a quiet source is none any more, and those who lived on it are judged by what else they do."""


class WholeSource:
    """What is learnt of one source, and how long it has been silent. Days come in order."""

    def __init__(self) -> None:
        self.accounts = 0
        """How many used it when something came last."""
        self.silent_days = 0
        """A few late events do not end them once it is quiet."""
        self.quiet: bool | None = None
        """It is silent beyond doubt; False: it is there; None: the day says neither."""
        self._days = 0
        self._came = self._expected = 0.0
        self._spread = 1.0
        self._active = 0.0
        """Accounts a day, decayed, over the days that have something to say."""
        self._exposure = 0.0
        """Since something came last."""
        self._highest = 0.0
        """E of the silences that came to nothing, decayed."""

    @property
    def withdrawn(self) -> bool:
        """It has been quiet for so long that nobody waits for it; where many use it, it is its factor that says so."""
        return self.silent_days >= WITHDRAWN_DAYS and (self.quiet is True or self.accounts >= FEWEST)

    @property
    def nats(self) -> float:
        """E."""
        a, b = _PRIOR + self._came / self._spread, _PRIOR + self._expected / self._spread
        return a * log(1.0 + self._exposure / self._spread / b)

    def add(self, today: OfSource, relative: float) -> None:
        """The next day. `relative`: what is usual of the source on such a weekday, times the fleet's factor."""
        there = today.active > 0 and today.active >= _THERE * self._active
        self.silent_days = 0 if there or (today.active and not self.quiet) else self.silent_days + 1
        self._highest *= _HIGHEST_KEPT
        if self.quiet:
            if there:
                self.quiet = False
                self._is_over()
            return
        self._days += today.accounts >= LEAST
        if today.active:
            self._is_over()
            self.accounts = today.accounts
        else:
            self._exposure += today.nats * relative
        silent = self._days > _KNOWN_DAYS and self.accounts >= LEAST and self.nats >= _EVIDENT + self._highest
        self.quiet = True if silent else False if there else None
        if not silent:
            self._learn(today, today.expected * relative)

    def _is_over(self) -> None:
        """A silence, if there was any."""
        self._highest = max(self._highest, min(self.nats, _HIGHEST_MOST))
        self._exposure = 0.0

    def _learn(self, today: OfSource, expected: float) -> None:
        level = (_PRIOR + self._came) / (_PRIOR + self._expected)
        if self._days > 7 and level * expected >= _SPREAD_FROM:
            excess = min((today.came - level * expected) ** 2 / (level * expected), _SPREAD_MOST)
            self._spread = max(1.0, _SPREAD_KEPT * self._spread + (1.0 - _SPREAD_KEPT) * excess)
        self._came = _KEPT * self._came + today.came
        self._expected = _KEPT * self._expected + expected
        self._active += (today.active - self._active) * max(1.0 - _ACTIVE_KEPT, 1.0 / max(self._days, 1))

    def pack(self) -> list[Any]:
        """As plain data."""
        known = [self._days, self._came, self._expected, self._spread, self._active, self._exposure, self._highest]
        return [self.accounts, self.silent_days, self.quiet, *known]

    @classmethod
    def unpack(cls, packed: list[Any]) -> "WholeSource":
        """What `pack` gave."""
        whole = cls()
        whole.accounts, whole.silent_days, whole.quiet, *known = packed
        whole._days, whole._came, whole._expected, whole._spread, whole._active, whole._exposure, whole._highest = known
        return whole
