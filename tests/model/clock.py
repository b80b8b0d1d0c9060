"""Time that goes on only when it is told to, and a loop that turns only when it is told to."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any
from unittest.mock import patch

from streams.runtime import deliver, engagement, ingest, notify, task, tasks


class Clock:
    """The time of all workers, which goes on only when it is told to."""

    def __init__(self) -> None:
        self.seconds = 1_000.0

    def __call__(self) -> float:
        return self.seconds

    def wall(self) -> float:
        """What people call the time."""
        return 1_740_000_000.0 + self.seconds

    @contextmanager
    def told(self) -> Iterator[None]:
        """Everything in the runtime that looks at a clock looks at this one."""
        with ExitStack() as stack:
            for each in (task, tasks, ingest, engagement):
                stack.enter_context(patch.object(each, "monotonic", self))
            for each in (ingest, notify, deliver, tasks):
                stack.enter_context(patch.object(each, "time", self.wall))
            yield


class Loop(asyncio.SelectorEventLoop):
    """A loop on that clock."""

    def __init__(self, clock: Clock) -> None:
        super().__init__()
        self._clock = clock

    def time(self) -> float:
        """See asyncio."""
        return self._clock()

    @property
    def busy(self) -> bool:
        """Whether something is to be done at this moment."""
        waiting: Any = self._scheduled  # type: ignore[attr-defined]
        due = any(not each.cancelled() and each.when() <= self.time() for each in waiting)
        return bool(self._ready) or due  # type: ignore[attr-defined]

    def turn(self) -> None:
        """Once around."""
        self.call_soon(self.stop)
        self.run_forever()
