"""Time of a clock tick with nothing due: a home partition with many accounts beside one with few."""

from statistics import median
from time import perf_counter
from typing import Final

from schemas.events import InputTopic
from schemas.shuffle import ShuffleRecord
from streams.detection.config import DetectionConfig
from streams.detection.engine import Engine
from streams.detection.home import Home
from streams.detection.merge import Merge, Progress
from tests.bench.options import Options
from tests.bench.table import Figures
from tests.bench.typical import Typical, typical

FEW: Final = 2_000
MANY: Final = 200_000
TICKS: Final = 5_000
ROUNDS: Final = 7
_ORIGIN: Final = "product-usage/0"


def run(_: Options) -> Figures:
    """Measure and print."""
    made = typical()
    homes = {accounts: _home(made, accounts) for accounts in (FEW, MANY)}
    # Turn by turn, so that a busy moment of the machine meets both.
    rounds = [{accounts: _tick(home, number, made) for accounts, home in homes.items()} for number in range(ROUNDS)]
    seconds = {accounts: median(each[accounts] for each in rounds) for accounts in homes}
    for accounts, each in seconds.items():
        print(f"{accounts:9,} accounts: {each * 1e6:6.1f} us a tick")
    return {"tick": seconds[MANY] / seconds[FEW], "tick_us": {str(n): each * 1e6 for n, each in seconds.items()}}


def _home(made: Typical, accounts: int) -> Home:
    progress = Progress(0, 0, made.at, {_ORIGIN: (-1, made.at)}, closed=made.closed)
    home = Home(Engine(DetectionConfig()), Merge(frozenset({_ORIGIN}), progress))
    home.enter(made.rows(accounts))
    return home


def _tick(home: Home, number: int, made: Typical) -> float:
    """Seconds of a tick: the origin's clock goes on by a millisecond, and what comes of it is taken."""
    started = perf_counter()
    for tick in range(number * TICKS, (number + 1) * TICKS):
        home.receive(tick, ShuffleRecord(InputTopic.USAGE, _ORIGIN, -1, made.at + tick, True, ()))
        for _ in home.step(idle=True):
            pass
        assert not list(home.take(pictures=0).rows)
    return (perf_counter() - started) / TICKS
