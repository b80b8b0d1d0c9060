"""`slackwater demo` as a newcomer runs it: a process that starts everything, ends with a score card, leaves nothing."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from schemas.codec import decode
from schemas.errors import Rejected
from schemas.events import identity
from schemas.shuffle import Fact, Usage, hash64
from schemas.usage import UsageEvent
from streams.cli.demo.show import Show
from streams.detection.engine import Engine
from streams.produce.simulated import records
from streams.runtime.settings import Settings
from streams.simulator import simulate, truths
from streams.simulator.names import CORE, INTENT
from streams.simulator.score import score
from tests.plain import in_order

SMALL = ("--accounts", "40", "--seconds", "10", "--seed", "4")
SHOW = Show(broker="embedded", accounts=40, days=120, seconds=10, seed=4)


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """Temporary files go where the test can see what is left of them."""
    (tmp_path / "tmp").mkdir()
    return {**os.environ, "TMPDIR": str(tmp_path / "tmp"), "PYTHONPATH": str(Path(__file__).parents[2])}


def start(environment: dict[str, str], *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "streams", "demo", *arguments],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        # As from a terminal: what a shell starts in the background ignores Ctrl-C, and so would the demo.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # noqa: PLW1509 - no thread holds a lock here
    )


def descendants(pid: int) -> dict[int, str]:
    """Command lines of the processes below one (Linux)."""
    found: dict[int, str] = {}
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        for child in map(int, task.read_text().split()):
            found[child] = Path(f"/proc/{child}/cmdline").read_text().replace("\0", " ")
            found |= descendants(child)
    return found


def until_worker(process: subprocess.Popen[str]) -> tuple[int, dict[int, str]]:
    """The worker's pid, and all processes of the demo, once the worker is there."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and process.poll() is None:
        children = descendants(process.pid)
        for pid, command in children.items():
            if command.rstrip().endswith("streams worker"):
                return pid, children
        time.sleep(0.1)
    process.kill()
    raise AssertionError("the demo has started no worker")


def gone(pids: dict[int, str], patience: float = 5.0) -> bool:
    deadline = time.monotonic() + patience
    while time.monotonic() < deadline:
        if not any(Path(f"/proc/{pid}").exists() for pid in pids):
            return True
        time.sleep(0.05)
    return False


def score_of_the_pure_engine() -> dict[str, Any]:
    """What the engine finds in the same fleet when the events are put into it one by one."""
    events: list[tuple[int, str, int, Usage | Fact]] = []
    for offset, (at, topic, name, raw) in enumerate(records(simulate(SHOW.plan))):
        event = decode(topic, raw)
        assert not isinstance(event, Rejected)
        given = identity(event)
        event_id = None if given is None else hash64(given)
        if isinstance(event, UsageEvent):
            user = None if event.user_id is None else hash64(event.user_id)
            row: Usage | Fact = Usage(offset, at, name, at, event.event, user, event.quantity, event.source, event_id)
        else:
            row = Fact(offset, at, name, at, event, event_id)
        events.append((at, "", offset, row))
    plain = in_order(events, Engine(Settings(key_actions=CORE, intent_events=INTENT).detection()), SHOW.plan.end)
    found = [each for told in plain.told.values() for each in told]
    card = score(truths(SHOW.plan), found, since=SHOW.plan.start, until=SHOW.plan.end)
    return card.as_dict()


@pytest.mark.slow
def test_the_demo_ends_by_itself_with_the_score_that_the_pure_engine_has(environment: dict[str, str]) -> None:
    process = start(environment, *SMALL, "--json")
    output, told = process.communicate(timeout=100)
    assert process.returncode == 0, told
    card = json.loads(output)
    assert card == score_of_the_pure_engine()
    assert sum(change["found"] for change in card["changes"].values()) > 5
    assert "slackwater" in told  # messages as Slack would show them
    assert "/metrics" in told
    assert list(Path(environment["TMPDIR"]).iterdir()) == []


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="looks for processes in /proc")
@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_an_interrupted_demo_leaves_no_process_and_no_file(
    environment: dict[str, str], number: signal.Signals, status: int
) -> None:
    process = start(environment, *SMALL)
    _, children = until_worker(process)
    time.sleep(1.5)
    process.send_signal(number)
    process.communicate(timeout=30)
    assert process.returncode == status
    assert len(children) >= 2
    assert gone(children)
    assert list(Path(environment["TMPDIR"]).iterdir()) == []


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="looks for processes in /proc")
def test_a_worker_that_dies_ends_the_demo_with_1_and_says_so(environment: dict[str, str]) -> None:
    process = start(environment, *SMALL)
    worker, children = until_worker(process)
    time.sleep(1.5)
    os.kill(worker, signal.SIGKILL)
    _, told = process.communicate(timeout=30)
    assert process.returncode == 1
    assert "the worker ended with exit status -9; the end of its log:" in told
    assert gone(children)
    assert list(Path(environment["TMPDIR"]).iterdir()) == []
