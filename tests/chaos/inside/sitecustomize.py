"""Loaded by a worker of a story before all else: on SIGUSR1 it tells where each of its coroutines stands."""

import asyncio
import gc
import signal
import sys
import traceback
from types import FrameType


def _tell(number: int, frame: FrameType | None) -> None:
    for name, stack in sys._current_frames().items():
        print(f"thread {name}", *traceback.format_stack(stack)[-4:], sep="\n", file=sys.stderr)
    for task in [each for each in gc.get_objects() if isinstance(each, asyncio.Task)]:  # of all threads' loops
        if not task.done():
            task.print_stack(limit=6, file=sys.stderr)
    sys.stderr.flush()


signal.signal(signal.SIGUSR1, _tell)
