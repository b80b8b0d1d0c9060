"""Running the worker in this process, as `slackwater worker` does."""

import asyncio
import sys

from faust.worker import Worker

from schemas.errors import BrokerError
from streams.runtime import topics
from streams.runtime.application import create_app
from streams.runtime.settings import Settings


def run(settings: Settings) -> int:
    """Run until a signal. Gives the exit status: 0 stopped, 1 could not start or broke, with the reason on stderr."""
    try:
        problems = asyncio.run(_look(settings))
    except BrokerError as error:
        print(error, file=sys.stderr)
        return 1
    if problems:
        for problem in problems:
            print(f"topic {problem.topic!r} {problem.text}\n  {problem.remedy}", file=sys.stderr)
        return 1
    worker = Worker(create_app(settings), loglevel=settings.log_level, quiet=False, redirect_stdouts=False)
    try:
        worker.execute_from_commandline()
    except SystemExit as stop:
        return int(stop.code or 0)


async def _look(settings: Settings) -> list[topics.Problem]:
    await topics.create(settings, roles=("output", "internal"))
    return await topics.verify(settings)
