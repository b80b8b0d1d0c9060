"""The worker in this process, however it is started: `slackwater worker`, or `faust -A streams.app worker`."""

import asyncio
import signal
import sys
from typing import TYPE_CHECKING, Any, NoReturn

import faust.worker
from mode.utils.futures import maybe_cancel

from schemas.errors import SlackwaterError
from streams.runtime import logs
from streams.runtime.stopping import Bound

if TYPE_CHECKING:
    from streams.runtime.application import App

_LEVELS = {"WARN": "WARNING", "CRIT": "CRITICAL"}
"""Faust's names for levels, where they are not Python's."""


class Worker(faust.worker.Worker):
    """Runs the application until a signal. What is in the way of that is told on stderr, in its own words and last."""

    def __init__(self, app: "App", *services: Any, loglevel: Any = None, logfile: Any = None, **options: Any) -> None:
        # WARN is what Faust's command line says when nobody said anything.
        level = app.settings.log_level if loglevel in (None, "WARN") else _LEVELS.get(loglevel, loglevel)
        options |= {
            "redirect_stdouts": False,  # what the console shows is no log
            "quiet": True,  # signals and progress as ornaments
            "logging_config": logs.config(level, logfile),
        }
        super().__init__(app, *services, loglevel=level, logfile=logfile, **options)
        self.spinner = None  # it has the root logger make a record of everything
        app.conf.web_enabled = False  # Faust's own pages, open to all; slackwater has its own
        self._refusal: SlackwaterError | None = None
        self._signalled = False
        self._bound = Bound(app.tasks.left_open, self._explain)

    async def start(self) -> None:
        """See Faust."""
        try:
            await super().start()
        except SlackwaterError as error:  # Faust would log where it came from
            self._refusal = error

    def install_signal_handlers(self) -> None:
        """See mode. The first SIGTERM or SIGINT asks the worker to end, the second ends it at once: also when the loop
        hangs, and so not by the loop's own handlers."""
        super().install_signal_handlers()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._asked_to_end)

    def _asked_to_end(self, number: int, _: Any) -> None:
        if self._signalled:
            self._bound.end(signal.Signals(number))
            return
        self._signalled = True
        self._bound.start()
        # mode would stop what is still being started, both at a time. The end of `start` leads to `stop` as well.
        self.loop.call_soon_threadsafe(maybe_cancel, self._starting_fut)

    async def stop(self) -> None:
        """See mode. Bounded, whatever the reason."""
        self._bound.start()
        await super().stop()

    def _shutdown_loop(self) -> None:
        """End what is left, and the loop. mode waits two seconds for it, and logs a crash again."""
        self.loop.run_until_complete(self._end_what_is_left())
        self.loop.close()

    async def _end_what_is_left(self) -> None:
        for _ in range(3):  # some begin others at their end
            left = asyncio.all_tasks() - {asyncio.current_task()}
            if not left:
                return
            for each in left:
                each.cancel()
            await asyncio.wait(left, timeout=0.5)

    def execute_from_commandline(self) -> NoReturn:
        """Never returns. Exit status: 0 stopped, 1 could not start, broke, or could not stop in order; 143 or 130 by a
        second SIGTERM or SIGINT."""
        try:
            super().execute_from_commandline()
        except SystemExit as stop:
            status = 1 if self._reason else stop.code
            self._bound.stopped(status if isinstance(status, int) else 0)
            self._explain()
            raise SystemExit(status) from None

    @property
    def _reason(self) -> BaseException | None:
        return self._refusal or self.crash_reason

    def _explain(self) -> None:
        if isinstance(self._reason, SlackwaterError):
            complain(self._reason)


def complain(error: SlackwaterError) -> None:
    """Say why there is no worker."""
    print(f"slackwater: {error}", file=sys.stderr)
