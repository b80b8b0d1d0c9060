"""`python -m tests.chaos [STORY...]`: see `make help` and tests/chaos/__init__.py."""

import argparse
import asyncio
import logging
import shutil
import sys
import time
import traceback
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules
from random import SystemRandom
from typing import NamedTuple

from tests.chaos import stories
from tests.chaos.harness import Story, tell

KEPT = Path(".cache") / "chaos"


class Result(NamedTuple):
    """What came of a story with a seed."""

    story: str
    seed: int
    status: str
    seconds: float


def every_story() -> dict[str, Story]:
    """The stories by name, which is that of their file."""
    names = sorted(module.name for module in iter_modules(stories.__path__))
    return {name: import_module(f"{stories.__name__}.{name}").STORY for name in names}


def tell_one(name: str, story: Story, seed: int, scale: float) -> Result:
    """Tell a story, say how it went, and keep its logs when it went wrong."""
    if reason := story.unavailable():
        print(f"{name}: not told: {reason}", flush=True)
        return Result(name, seed, "not told", 0.0)
    home = (KEPT / f"{name}-{seed}-{time.strftime('%H%M%S')}").absolute()
    began = time.monotonic()
    try:
        chaos = asyncio.run(tell(story, seed=seed, scale=scale, home=home))
    except Exception:  # noqa: BLE001 - whatever it is, the next story is told
        seconds = time.monotonic() - began
        (home / "failure.txt").write_text(traceback.format_exc())
        print(traceback.format_exc(limit=-4)[-6000:])
        again = f"make chaos STORY={name} SEED={seed}" + (f" ARGS='--scale {scale:g}'" if scale != 1.0 else "")
        print(f"{name}: FAILED after {seconds:.0f} s. Again: {again}. Its logs: {home}", flush=True)
        return Result(name, seed, "failed", seconds)
    seconds = time.monotonic() - began
    print(f"{name}: green, seed {seed}, {seconds:.0f} s; {'; '.join(chaos.notes)}", flush=True)
    shutil.rmtree(home)
    return Result(name, seed, "green", seconds)


def main(arguments: Sequence[str] | None = None) -> int:
    """Tell the stories that the arguments name. Gives the exit status: 1 when one failed."""
    found = every_story()
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description="Stories of faults, on a real Kafka.")
    parser.add_argument("stories", nargs="*", metavar="STORY", help="all by default; see --list")
    parser.add_argument("--list", action="store_true", help="list the stories and tell none")
    parser.add_argument("--seed", type=int, help="the first seed; drawn by default")
    parser.add_argument("--rounds", type=int, default=1, help="so many seeds in a row")
    parser.add_argument("--scale", type=float, default=1.0, help="of times, waits and load; 1 is the full story")
    chosen = parser.parse_args(arguments)
    if unknown := [name for name in chosen.stories if name not in found]:
        parser.error(f"no story is called {unknown[0]!r}; there are {', '.join(found)}")
    if chosen.list:
        for name in found:
            print(f"{name:18s}{(import_module(f'{stories.__name__}.{name}').__doc__ or '').splitlines()[0]}")
        return 0
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)  # a broker that is away is no news here
    seed = SystemRandom().randrange(1, 100_000) if chosen.seed is None else chosen.seed
    results = [
        tell_one(name, found[name], number, chosen.scale)
        for number in range(seed, seed + chosen.rounds)
        for name in chosen.stories or found
    ]
    _table(results)
    return int(any(result.status == "failed" for result in results))


def _table(results: Sequence[Result]) -> None:
    print(f"\n{'story':18s}{'green':>8s}{'seconds each':>14s}  failed with seed")
    for name in dict.fromkeys(result.story for result in results):
        own = [result for result in results if result.story == name]
        green = [result for result in own if result.status == "green"]
        failed = ", ".join(str(result.seed) for result in own if result.status == "failed")
        mean = sum(result.seconds for result in green) / len(green) if green else 0.0
        print(f"{name:18s}{f'{len(green)}/{len(own)}':>8s}{mean:14.0f}  {failed}")


if __name__ == "__main__":
    sys.exit(main())
