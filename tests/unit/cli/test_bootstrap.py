"""When history may be loaded, and what is said where it may not."""

import os
import re
import signal
from collections import Counter
from pathlib import Path

import pytest
from typer.testing import CliRunner

from schemas.errors import StateError
from schemas.events import InputTopic
from streams.backtest.reading import Reading, usage_item
from streams.cli import app
from streams.cli.bootstrap import _plan
from streams.cli.bootstrap.found import Begun, Found, Standing
from streams.cli.bootstrap.learn import Learnt
from streams.detection.merge import Progress
from streams.runtime.settings import Settings

T = 1_740_000_000_000
FRESH = Standing()
RESET = Standing(progress=Progress(7, 7, None, {}))
BEGUN = Standing(begun=Begun(T, 7, 3, "abc"))
HALF = Standing(accounts=4, begun=Begun(T, 7, 3, "abc"))
DONE = Standing(accounts=9, progress=Progress(7, 7, T, {}, known={"usage": T}))
RAN = Standing(accounts=9, progress=Progress(7, 7, T, {"product-usage/0": (5, T)}))


@pytest.mark.parametrize(
    ("standings", "refused"),
    [
        ((FRESH, FRESH), None),
        ((RESET, FRESH), None),
        ((BEGUN, FRESH), None),
        ((BEGUN, DONE), None),
        ((HALF, DONE, BEGUN), None),
        ((RAN, FRESH), r"home partition 0 has state already \(9 accounts, as of 2025-02-19T21:20:00Z\)"),
        ((FRESH, Standing(accounts=2)), r"home partition 1 has state already \(2 accounts\)"),
        ((DONE, DONE), "home partition 0 has state already"),
        ((BEGUN, RAN), "home partition 1 has state already"),
    ],
)
def test_history_comes_before_the_first_start(standings: tuple[Standing, ...], refused: str | None) -> None:
    said = Found((), standings).refusal(T)
    assert (said is None) is (refused is None)
    assert refused is None or re.match(refused, said or "")


def test_a_bootstrap_that_was_interrupted_goes_on_as_it_was_begun() -> None:
    said = Found((), (DONE, BEGUN)).refusal(T + 1)
    assert said is not None
    assert "a bootstrap until 2025-02-19T21:20:00Z was interrupted" in said


def test_a_worker_that_runs_is_named() -> None:
    assert "faust-1 at host (m-1)" in str(Found(("faust-1 at host (m-1)",), (FRESH,)).refusal(T))


def test_a_mark_is_read_as_it_was_written_and_one_of_a_newer_version_is_refused() -> None:
    mark = Begun(T, 7, 3, "abc")
    assert Begun.decode(mark.encode()) == mark
    with pytest.raises(StateError, match="newer version"):
        Begun.decode(mark.encode().replace(b"[1,", b"[2,", 1))


def test_the_plan_tells_of_events_that_are_written_twice() -> None:
    items = [usage_item("a", T + 1 + number // 2, "view", None, 1, "product", None) for number in range(40)]
    learnt = Learnt(Settings(), T + 1_000, frozenset({InputTopic.USAGE}))
    learnt.go_through([items[:15], items[15:]], lambda _events, _at: None)
    reading = Reading(rows=Counter(usage=len(items)), first_at=T + 1, last_at=T + 20)
    (warning,) = _plan(Settings(), learnt, reading, Found((), (FRESH,)))["warnings"]
    assert warning.startswith("20 of 40 usage events (50%) are, in account, ")


@pytest.mark.parametrize(
    ("number", "status", "said"),
    [
        (signal.SIGINT, 130, "interrupted: nothing was written"),
        (signal.SIGTERM, 143, "terminated: nothing was written"),
    ],
)
def test_one_that_is_told_to_stop_while_it_reads_leaves_nothing_behind(
    number: int, status: int, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def look(_: Settings) -> Found:
        return Found((), (FRESH,))

    def read(*_: object) -> None:
        assert any(tmp_path.glob("slackwater-bootstrap-*"))
        os.kill(os.getpid(), number)

    monkeypatch.setattr("streams.cli.bootstrap.found.look", look)
    monkeypatch.setattr("streams.cli.backtest.read_rows", read)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    file = tmp_path / "usage.csv"
    file.write_text("account_id,occurred_at\nacme,2025-01-01\n")
    # SIGTERM is not to end this process; and Ctrl-C means nothing to what a shell has put into the background.
    before = {each: signal.signal(each, signal.default_int_handler) for each in (signal.SIGTERM, signal.SIGINT)}
    try:
        result = CliRunner().invoke(app, ["bootstrap", str(file), "--until", "2025-02-01", "--yes"])
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)
    assert result.exit_code == status, result.output
    assert said in result.stderr
    assert list(tmp_path.iterdir()) == [file]


@pytest.mark.parametrize(("until", "said"), [("2090-01-01", "is in the future"), ("soon", "--until")])
def test_the_end_of_the_history_is_a_time_that_is_past(until: str, said: str, tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["bootstrap", str(tmp_path / "usage.csv"), "--until", until])
    assert result.exit_code == 2
    assert said in " ".join(result.stderr.replace("│", "").split())
