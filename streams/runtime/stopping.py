"""The end of a worker has a bound: what has not stopped in order by then ends at once, and says what is left open.

A broker that hangs holds up everything that the clients do at their end (leave the group, flush, close), each for its
own request timeout. None of it has to be waited for: what is not committed, the next owner of the partition does again,
and the group gives the partitions away once the session is over.
"""

import logging
import os
import signal
from collections.abc import Callable
from threading import Thread, Timer
from typing import Final

log = logging.getLogger(__name__)

SECONDS: Final = 8.0
"""From the first signal, or from whatever else ended the worker, to the end of waiting. Whoever sent the signal counts
to ten, often to thirty, and then kills."""
FORCED: Final = 1
"""Exit status of a worker that did not stop in order."""
_SAYING_SECONDS: Final = 0.5
"""For so long the last words may take: stderr may be what hangs."""


class Bound:
    """`start` begins to count, once; `end` is the end at once. `left_open` says what is not committed, if anything;
    `explain` has the last word: what ended the worker in the first place.

    Threads count and speak: the event loop may be what hangs.
    """

    def __init__(self, left_open: Callable[[], str], explain: Callable[[], None], seconds: float = SECONDS) -> None:
        self._left_open = left_open
        self._explain = explain
        self._seconds = seconds
        self._timer: Timer | None = None

    def start(self) -> None:
        """Begin to count."""
        if self._timer is None:
            what = f"not stopped in order within {self._seconds:g} s (does the broker answer?)"
            self._timer = Timer(self._seconds, self._end, [what, FORCED])
            self._timer.daemon = True
            self._timer.start()

    def stopped(self, status: int) -> None:
        """The worker has stopped, with this exit status, and the process is to follow soon: the interpreter waits at
        its end for every thread that is no daemon, such as those of Faust and of name look-ups, and takes everything
        apart. None of it is of use, and any of it may hang."""
        self._cancel()
        self._timer = Timer(self._seconds / 4, os._exit, [status])
        self._timer.daemon = True
        self._timer.start()

    def _cancel(self) -> None:
        if self._timer is not None:
            self._timer.cancel()

    def end(self, number: signal.Signals) -> None:
        """End without waiting for anything: a second signal."""
        self._cancel()
        Thread(target=self._end, args=[f"a second signal ({number.name})", 128 + number], daemon=True).start()

    def _end(self, what: str, status: int) -> None:
        speaker = Thread(target=self._say, args=[what], daemon=True)
        speaker.start()
        speaker.join(_SAYING_SECONDS)
        os._exit(status)

    def _say(self, what: str) -> None:
        try:
            left_open = self._left_open()
        except RuntimeError:  # the tasks changed while they were looked at
            left_open = "the tasks' last flushes"
        if left_open:
            log.error("%s: ended; not committed, and done again by the next owner: %s", what, left_open)
        else:
            log.error("%s: ended; everything was committed", what)
        self._explain()
