"""A source that few accounts use, as one whole: how often it is called quiet while it lives, and how soon once it is
dead. Counts of whole sources, many at a time; the accounts' normals are as they are drawn. Run as a module."""

from collections.abc import Callable, Iterator
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from streams.detection.source_sums import OfSource
from streams.detection.whole_source import WholeSource

YEARS: Final = 2
DAYS: Final = 365 * YEARS
ACCOUNTS: Final = (5, 10, 20, 40)
_SIZE: Final = 2.0
"""k of the counts, and what the fleet is taken to know of it."""
_WEEK_END: Final = 0.3

Numbers = npt.NDArray[np.float64]


class World(NamedTuple):
    """What a source is like, besides its accounts' rates."""

    name: str
    level: Callable[[np.random.Generator], Numbers]
    """What all of its accounts do on each day, against their normal."""


def _steady(_: np.random.Generator) -> Numbers:
    return np.ones(DAYS)


def _mondays(_: np.random.Generator) -> Numbers:
    return np.where(np.arange(DAYS) % 7 == 0, 7.0, 0.0)


def _month_ends(_: np.random.Generator) -> Numbers:
    return np.where(np.arange(DAYS) % 30 >= 27, 10.0, 0.0)


def _together(random: np.random.Generator) -> Numbers:
    """A level that wanders, with a week now and then on which all of them are away together."""
    wanders = np.empty(DAYS)
    state = 0.0
    for day, noise in enumerate(random.normal(size=DAYS)):
        state = 0.9 * state + 0.3 * noise
        wanders[day] = np.exp(state - 0.24)
    for first in np.flatnonzero(random.random(DAYS) < 1.0 / 180.0):
        wanders[first : first + 7] = 0.05
    return wanders


WORLDS: Final = (
    World("steady", _steady),
    World("on Mondays", _mondays),
    World("at the month's end", _month_ends),
    World("away together", _together),
)


def drawn(world: World, accounts: int, rate: float, random: np.random.Generator) -> tuple[Numbers, Numbers]:
    """Of a source's days and accounts [day, account]: what is normal, and what came."""
    normal = np.maximum(rate * np.exp(random.normal(size=accounts)), 0.03)
    week = np.where(np.arange(DAYS) % 7 < 5, 1.0, _WEEK_END)
    level = world.level(random)
    mu = week[:, None] * normal
    return mu, random.poisson(mu * level[:, None] * random.gamma(_SIZE, 1.0 / _SIZE, mu.shape)).astype(float)


def days_of(world: World, accounts: int, rate: float, random: np.random.Generator) -> Iterator[tuple[OfSource, float]]:
    """A source's days, with its accounts' normals as known: an account has its own weekdays, and the source's are what
    its factor of the weekday makes up for. Gives what is usual of the weekday, too."""
    mu, counts = drawn(world, accounts, rate, random)
    omega = 1.0 / (1.0 + mu)
    came, expected = (omega * np.minimum(counts, 4.0 * mu + 4.0)).sum(axis=1), (omega * mu).sum(axis=1)
    nats = _SIZE * np.log1p(mu / _SIZE)
    nats = nats.sum(axis=1) - nats.max(axis=1)
    active = (counts > 0).sum(axis=1)
    had = np.zeros((7, 2))
    for day in range(DAYS):
        of_week = had[day % 7]
        yield (
            OfSource(came[day], expected[day], accounts, nats[day], int(active[day])),
            float((of_week[0] + 20.0) / (of_week[1] + 20.0)),
        )
        of_week *= 0.97
        of_week += (came[day], expected[day])


def silences(world: World, accounts: int, rate: float, sources: int, seed: int = 1) -> tuple[float, float]:
    """False alarms in a source-year, and after how many days in the mean one that dies on its last day is called so
    (at most 60 are waited for)."""
    random = np.random.default_rng(seed)
    false, delays = 0, []
    for _ in range(sources):
        whole = WholeSource()
        days = list(days_of(world, accounts, rate, random))
        for today, usual in days:
            before = whole.quiet
            whole.add(today, usual)
            false += whole.quiet is True and before is not True
        dead = [(each._replace(came=0.0, active=0), usual) for each, usual in days[-56:]]
        delay = 0
        while not whole.quiet and delay < 60:
            whole.add(*dead[delay % 56])
            delay += 1
        delays.append(delay)
    return false / (sources * YEARS), float(np.mean(delays))


if __name__ == "__main__":
    for world in WORLDS:
        for rate in (0.1, 0.5, 5.0):
            row = [silences(world, accounts, rate, 30) for accounts in ACCOUNTS]
            cells = " | ".join(f"{false:.2f}, {delay:.1f}" for false, delay in row)
            print(f"| {world.name} | {rate} | {cells} |", flush=True)
