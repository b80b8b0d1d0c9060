"""Whatever ends a process of a backtest ends all of them, with one line."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from streams.backtest.crew import Crew, ProcessError
from streams.backtest.home import Course
from streams.backtest.job import Job
from streams.backtest.reading import parts_of
from streams.detection.config import DetectionConfig
from streams.produce import Source

pytestmark = pytest.mark.slow

ROWS = 60_000


def made(folder: Path) -> Source:
    file = folder / "f.csv"
    rows = (f"a{number % 50},2025-{1 + number // 7_000:02d}-{1 + number // 250 % 28:02d}" for number in range(ROWS))
    file.write_text("\n".join(["account_id,occurred_at", *rows]))
    return Source(file)


def test_a_process_that_is_killed_is_named_with_what_may_have_been_the_reason(tmp_path: Path) -> None:
    parts = parts_of([made(tmp_path)])
    with Crew(Job(DetectionConfig(), {}, 0, tmp_path, 2)) as crew:
        processes = [process for process in crew._processes if process.pid is not None]
        os.kill(processes[1].pid or 0, signal.SIGKILL)
        with pytest.raises(ProcessError, match="process 2 of 2 was ended by SIGKILL: perhaps there was not enough mem"):
            crew.read(parts * 3, lambda _rows: None)
    assert not any(process.is_alive() for process in processes)


def test_a_process_that_breaks_says_how(tmp_path: Path) -> None:
    parts = parts_of([made(tmp_path)])
    with Crew(Job(DetectionConfig(), {}, 0, tmp_path, 2)) as crew:  # without the topics' names
        crew.read(parts, lambda _rows: None)
        with pytest.raises(ProcessError, match=r"process \d of 2 broke: KeyError: .* Nothing was written."):
            crew.judge(Course(1_735_689_600_000, 1_800_000_000_000, (0,)), lambda _events, _at: None)


@pytest.mark.parametrize(
    ("sent", "status", "said"),
    [
        (signal.SIGINT, 130, "interrupted: nothing was written"),
        pytest.param(signal.SIGTERM, 143, "terminated: nothing was written", marks=pytest.mark.thorough),
    ],
)
def test_a_signal_ends_it_and_leaves_nothing_behind(
    tmp_path: Path, sent: signal.Signals, status: int, said: str
) -> None:
    source = made(tmp_path)
    temporary = tmp_path / "tmp"
    temporary.mkdir()
    command = [
        sys.executable,
        "-m",
        "streams",
        "backtest",
        str(source.path),
        "--jobs",
        "2",
        "--out",
        str(tmp_path / "o"),
    ]
    environment = {**os.environ, "TMPDIR": str(temporary)}
    run = subprocess.Popen(
        command,
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
        start_new_session=True,
        # What a shell starts in the background ignores it.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # noqa: PLW1509 - no thread holds a lock here
    )
    deadline = time.monotonic() + 60
    while not list(temporary.glob("slackwater-backtest-*/rows-*")) and time.monotonic() < deadline:
        time.sleep(0.05)
    os.killpg(run.pid, sent) if sent is signal.SIGINT else run.send_signal(sent)
    _, error = run.communicate(timeout=60)
    assert (run.returncode, error.strip()) == (status, said)
    assert list(temporary.iterdir()) == []
    assert list((tmp_path / "o").iterdir()) == []
    while _alive(run.pid) and time.monotonic() < deadline:  # Python's own helper goes when its pipe is closed
        time.sleep(0.05)
    assert not _alive(run.pid)


def _alive(group: int) -> bool:
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True
