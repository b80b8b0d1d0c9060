"""A process that hangs ends all the same, and says what is left open."""

from __future__ import annotations

import signal
import subprocess
import sys

import pytest

PROGRAM = """
import logging, signal, sys, time
from streams.runtime.stopping import Bound

def look():
    {look}

logging.basicConfig(format="%(message)s")
bound = Bound(look, lambda: print('slackwater: the topic is gone', file=sys.stderr), seconds=0.2)
{what}
time.sleep(60)
"""


def run(what: str, look: str = "return 'billing 0 1'") -> tuple[int, str]:
    """The exit status of a process that does nothing more, and what it said."""
    program = [sys.executable, "-c", PROGRAM.format(what=what, look=look)]
    ended = subprocess.run(program, capture_output=True, text=True, timeout=30, check=False)
    return ended.returncode, ended.stderr


@pytest.mark.parametrize("what", ["bound.start()", "bound.start(); bound.start()"])
def test_after_its_time_it_ends_and_names_what_is_not_committed(what: str) -> None:
    status, said = run(what)
    assert status == 1
    assert said == (
        "not stopped in order within 0.2 s (does the broker answer?): ended; "
        "not committed, and done again by the next owner: billing 0 1\n"
        "slackwater: the topic is gone\n"
    )


def test_a_second_signal_ends_it_at_once_with_the_signals_status() -> None:
    status, said = run("bound.start(); bound.end(signal.SIGINT)")
    assert status == 128 + signal.SIGINT
    assert said.startswith("a second signal (SIGINT): ended; ")


def test_it_says_so_when_everything_was_committed() -> None:
    assert run("bound.start()", look="return ''")[1].count("ended; everything was committed\n") == 1


@pytest.mark.parametrize("look", ["raise RuntimeError('dictionary changed size')", "time.sleep(60)"])
def test_last_words_that_fail_or_hang_do_not_keep_it(look: str) -> None:
    assert run("bound.start()", look=look)[0] == 1


def test_a_worker_that_has_stopped_is_left_alone() -> None:
    assert run("bound.start(); bound.stopped(0); sys.exit(0)") == (0, "")


@pytest.mark.parametrize("status", [0, 1])
def test_a_thread_that_never_ends_does_not_keep_a_worker_that_has_stopped(status: int) -> None:
    hangs = "import threading; threading.Thread(target=time.sleep, args=[60]).start()"
    assert run(f"{hangs}; bound.start(); bound.stopped({status}); sys.exit({status})") == (status, "")
