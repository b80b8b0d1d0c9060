"""A source that few accounts use, and from which less comes: how often it is called so while it lives, and how soon
once 70% of its events are lost. Not in the engine: see RESEARCH.md. Run as a module."""

from math import log
from typing import Final

import numpy as np

from tests.bench.detection.small_sources import ACCOUNTS, WORLDS, YEARS, Numbers, World, drawn

_LOST: Final = 0.7
_RATIO: Final = 0.5
_EVIDENT: Final = 10.0
_KNOWN_DAYS: Final = 28
_KEPT: Final = 0.5 ** (1.0 / 60.0)
_WAITED: Final = 60


class Less:
    """A cumulative sum over what a source's accounts do on a day, of which the variance is a learnt multiple of what is
    expected. As a silence has to (`whole_source.py`), it has to stand 10 nats higher than lately for nothing."""

    def __init__(self) -> None:
        self.low = False
        self._days = 0
        self._came = self._expected = self._sum = self._peak = self._highest = 0.0
        self._spread = 1.0
        self._week: Numbers = np.zeros((7, 2))

    def add(self, came: float, expected: float) -> None:
        """The next day, without the account that says most."""
        of_week = self._week[self._days % 7]
        expected *= (of_week[0] + 5.0) / (of_week[1] + 5.0)
        usual = (0.5 + self._came) / (0.5 + self._expected) * expected
        self._days += 1
        self._highest *= 0.99
        if self._days > _KNOWN_DAYS:
            self._sum = max(0.0, self._sum + (came * log(_RATIO) + usual * (1.0 - _RATIO)) / self._spread)
        if self._sum == 0.0:
            self._highest = max(self._highest, min(self._peak, 20.0))
        self._peak = max(self._peak, self._sum) if self._sum else 0.0
        self.low = self._sum >= _EVIDENT + self._highest
        if self.low:
            return
        if self._days > 7 and usual >= 0.2:
            self._spread = max(1.0, 0.98 * self._spread + 0.02 * min((came - usual) ** 2 / usual, 10_000.0))
        self._came = _KEPT * self._came + came
        self._expected = _KEPT * self._expected + expected
        of_week *= 0.97
        of_week += (came, expected)


def losses(world: World, accounts: int, rate: float, sources: int, seed: int = 1) -> tuple[float, float]:
    """False alarms in a source-year, and after how many days in the mean a loss is found that begins on the last day
    (at most 60 are waited for)."""
    random = np.random.default_rng(seed)
    false, delays = 0, []
    for _ in range(sources):
        mu, counts = drawn(world, accounts, rate, random)
        less = Less()
        for came, expected in zip(*_without_most(mu, counts), strict=True):
            before = less.low
            less.add(came, expected)
            false += less.low and not before
        left = random.binomial(counts[-56:].astype(np.int64), 1.0 - _LOST).astype(float)
        days = list(zip(*_without_most(mu[-56:], left), strict=True))
        delay = 0
        while not less.low and delay < _WAITED:
            less.add(*days[delay % 56])
            delay += 1
        delays.append(delay)
    return false / (sources * YEARS), float(np.mean(delays))


def _without_most(mu: Numbers, counts: Numbers) -> tuple[list[float], list[float]]:
    omega = 1.0 / (1.0 + mu)
    expected, came = omega * mu, omega * np.minimum(counts, 4.0 * mu + 4.0)
    days, most = np.arange(len(mu)), expected.argmax(axis=1)
    return (came.sum(axis=1) - came[days, most]).tolist(), (expected.sum(axis=1) - expected[days, most]).tolist()


if __name__ == "__main__":
    for world in WORLDS:
        for rate in (0.5, 5.0):
            row = [losses(world, accounts, rate, 15) for accounts in ACCOUNTS]
            cells = " | ".join(f"{false:.2f}, {delay:.1f}" for false, delay in row)
            print(f"| {world.name} | {rate} | {cells} |", flush=True)
