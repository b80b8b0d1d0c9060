"""The machine's clock jumps: a day ahead, an hour back, and so on (libfaketime; Debian: apt-get install libfaketime).

In clock mode `events` nothing may come of it, and nothing may hang. What the kernel calls the monotonic clock is left
alone, as by a real jump. The broker's clock does not jump: a jump of the workers is the harder case, since theirs and
the broker's then differ.
"""

from glob import glob
from pathlib import Path

from tests.chaos.harness import Chaos, Story

_JUMPS = ("+1d", "-1h", "+0", "+30d", "-2d", "+59m", "-400d")
_LIBRARIES = ("/usr/lib/*/faketime/libfaketimeMT.so.1", "/usr/local/lib/faketime/libfaketimeMT.so.1")


def library() -> str | None:
    """Where libfaketime is."""
    found = [path for pattern in _LIBRARIES for path in glob(pattern)]  # noqa: PTH207 - a pattern from the root
    return found[0] if found else None


def unavailable() -> str | None:
    """Without the library there are no jumps."""
    return None if library() else "no libfaketime on this machine (Debian: apt-get install libfaketime)"


async def tell(chaos: Chaos) -> None:
    """A running worker's clock jumps, and one that starts finds it wrong."""
    times = chaos.times(12)
    clock = chaos.app.home / "clock"
    _set(clock, "+0")
    preload = library()
    assert preload is not None
    faked = {
        "LD_PRELOAD": preload,
        "FAKETIME_TIMESTAMP_FILE": str(clock),
        "FAKETIME_CACHE_DURATION": "1",  # seconds; without a cache every look at the clock reads the file
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
    }
    chaos.fleet.start("a", **faked)
    await chaos.fleet.ready("a")
    for number in range(times):
        _set(clock, chaos.random.choice(_JUMPS))
        if chaos.random.random() < 0.3:
            await chaos.fleet.stop("a")
            chaos.fleet.start("a")
        await chaos.part(number, times)
    await chaos.fleet.ready("a")
    assert not chaos.fleet.ended, chaos.fleet.ended


def _set(clock: Path, offset: str) -> None:
    new = clock.with_suffix(".new")
    new.write_text(f"{offset}\n")
    new.replace(clock)  # never read half


STORY = Story(tell, limit=400, unavailable=unavailable)
