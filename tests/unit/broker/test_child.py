"""A child process never outlives its parent, however that ends."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from streams.broker.child import ChildProcess

_IGNORES_SIGTERM = "trap '' TERM; echo ready; while true; do sleep 0.1; done"
_TICKS = "import time\nwhile True: print('tick', flush=True); time.sleep(0.01)"
_LISTENS_TO_SIGTERM = """
import signal, sys, time
signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
print("ready", flush=True)
time.sleep(60)
"""
_PARENT = """
import sys, time
from pathlib import Path
from streams.broker.child import ChildProcess
child = ChildProcess(["sh", "-c", "echo up; exec sleep 60"], output=Path(sys.argv[1]))
while not child.output_tail():
    time.sleep(0.01)
print(child.pid, flush=True)
{ending}
"""


def alive(pid: int) -> bool:
    """Whether a process runs; one that has ended and was not waited for yet does not."""
    state = subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True, check=False).stdout
    return state.strip() != "" and not state.startswith("Z")


def gone_within(seconds: float, pid: int) -> bool:
    deadline = time.monotonic() + seconds
    while alive(pid) and time.monotonic() < deadline:
        time.sleep(0.02)
    return not alive(pid)


@pytest.fixture
def output(tmp_path: Path) -> Path:
    return tmp_path / "output.log"


async def test_one_that_ends_by_itself_leaves_its_status_and_its_last_lines(output: Path) -> None:
    child = ChildProcess(["sh", "-c", "seq 1 9; echo oops >&2; exit 3"], output=output)
    assert await child.wait(patience=10) == 3
    assert child.output_tail(lines=2) == "9\noops"


async def test_waiting_ends_when_patience_does(output: Path) -> None:
    child = ChildProcess(["sleep", "60"], output=output)
    try:
        assert await child.wait(patience=0.1) is None
        assert alive(child.pid)
    finally:
        child.kill()


async def test_stop_asks_first_and_a_willing_child_ends_by_itself(output: Path) -> None:
    child = ChildProcess(["sh", "-c", "trap 'echo bye; exit 0' TERM; echo ready; sleep 60 & wait"], output=output)
    await _until_ready(child)
    await child.stop(patience=10)
    assert child.exit_status == 0
    assert child.output_tail(lines=1) == "bye"


async def test_stop_kills_the_child_that_does_not_listen(output: Path) -> None:
    child = ChildProcess(["sh", "-c", _IGNORES_SIGTERM], output=output)
    await _until_ready(child)
    await child.stop(patience=0.3)
    assert child.exit_status == -signal.SIGKILL


async def test_a_paused_process_can_still_be_asked_to_end(output: Path) -> None:
    child = ChildProcess([sys.executable, "-c", _LISTENS_TO_SIGTERM], output=output)
    await _until_ready(child)
    child.pause()
    await child.stop(patience=10)
    assert child.exit_status == 0


async def test_a_paused_process_stands_until_it_is_resumed(output: Path) -> None:
    child = ChildProcess([sys.executable, "-c", _TICKS], output=output)
    try:
        for _ in range(3):
            while not child.output_tail():
                await child.wait(patience=0.02)
            child.pause()
            size = output.stat().st_size
            await child.wait(patience=0.1)
            assert output.stat().st_size == size
            child.resume()
            await child.wait(patience=0.2)
            assert output.stat().st_size > size
    finally:
        child.kill()


def test_kill_ends_the_grandchildren_too(output: Path) -> None:
    child = ChildProcess(["sh", "-c", "sleep 60 & echo $!; wait"], output=output)
    while not (text := child.output_tail()):
        time.sleep(0.01)
    child.kill()
    assert gone_within(5, int(text))


def test_killing_twice_and_signalling_the_dead_do_nothing(output: Path) -> None:
    child = ChildProcess(["true"], output=output)
    child.kill()
    child.kill()
    child.signal(signal.SIGTERM)


def test_a_parent_that_exits_takes_its_child_with_it(output: Path) -> None:
    assert gone_within(5, _child_of_a_parent_that("sys.exit(0)", output, status=0))


def test_a_parent_that_fails_takes_its_child_with_it(output: Path) -> None:
    assert gone_within(5, _child_of_a_parent_that("raise RuntimeError", output, status=1))


@pytest.mark.skipif(shutil.which("setpriv") is None, reason="only Linux kills a child with its parent")
def test_a_parent_that_is_killed_takes_its_child_with_it(output: Path) -> None:
    ending = "import os, signal; os.kill(os.getpid(), signal.SIGKILL)"
    assert gone_within(5, _child_of_a_parent_that(ending, output, status=-signal.SIGKILL))


def _child_of_a_parent_that(ending: str, output: Path, *, status: int) -> int:
    parent = subprocess.run(
        [sys.executable, "-c", _PARENT.format(ending=ending), str(output)],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).resolve().parents[3])},
    )
    assert parent.returncode == status, parent.stderr
    return int(parent.stdout)


async def _until_ready(child: ChildProcess) -> None:
    while "ready" not in child.output_tail():
        await child.wait(patience=0.02)
