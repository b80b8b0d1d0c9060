"""A task that keeps failing ends the worker, whatever the others get done meanwhile."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from aiokafka.errors import KafkaTimeoutError, ProducerFenced, TopicAuthorizationFailedError
from faust.types import TP

from schemas.errors import StartError
from streams.runtime.metrics import Metrics
from streams.runtime.settings import Settings
from streams.runtime.task import ReplacedError
from streams.runtime.tasks import FAILURES, Tasks
from tests.unit.runtime.fake_broker import until


class App(SimpleNamespace):
    """Notes what the tasks ask for."""

    def __init__(self) -> None:
        super().__init__(asked=[])
        thread = SimpleNamespace(rejoin=lambda: self.asked.append("rejoin"))
        self.consumer = SimpleNamespace(thread=thread)

    async def crash(self, _: Exception) -> None:
        self.asked.append("crash")


def counted(tasks: Tasks) -> float | None:
    """The failures of notify on the metrics."""
    return tasks.metrics.registry.get_sample_value("slackwater_task_failures_total", {"stage": "notify"})


def task(tasks: Tasks, topic: str) -> Any:
    """The task of a topic's partition 0, which this worker has."""
    tp = TP(topic, 0)
    each = SimpleNamespace(stage="notify", tp=tp, closing=False, flushed_position=0, skip=lambda _: None)
    return tasks.by_tp.setdefault(tp, each)  # type: ignore[arg-type]


@pytest.fixture
def app() -> App:
    return App()


@pytest.fixture
def tasks(app: App) -> Tasks:
    return Tasks(app, Settings(), Metrics())  # type: ignore[arg-type]


async def test_what_others_get_done_does_not_help_it(app: App, tasks: Tasks) -> None:
    for _ in range(FAILURES):
        tasks.failed(task(tasks, "poisoned"), ValueError("no"))
        tasks.succeeded(task(tasks, "fine"))
    assert app.asked == ["rejoin"] * (FAILURES - 1)
    for work in list(tasks._background):
        await work
    assert app.asked[-1] == "crash"
    assert counted(tasks) == FAILURES


async def test_what_the_broker_forbids_is_not_tried_again(app: App, tasks: Tasks) -> None:
    told: list[Exception] = []

    async def crash(error: Exception) -> None:
        told.append(error)

    app.crash = crash  # type: ignore[assignment, method-assign]
    one = task(tasks, "alerts")
    one.settings = Settings(app_id="ours")
    tasks.failed(one, TopicAuthorizationFailedError("alerts"))
    for work in list(tasks._background):
        await work
    (error,) = told
    assert isinstance(error, StartError)
    assert "notify of alerts/0" in str(error)
    assert "'ours-'" in str(error)
    assert app.asked == []


async def test_a_seek_or_a_new_beginning_that_fails_is_told_and_everything_begins_anew(
    app: App, tasks: Tasks, caplog: pytest.LogCaptureFixture
) -> None:
    async def fails(*_: TP) -> Any:
        raise KafkaTimeoutError("slow")

    app.consumer.earliest_offsets = app.consumer.thread.rejoin_knowing = fails
    one = task(tasks, "usage")
    tasks.seek_back(one)
    tasks.replaced(one, "is another one")
    tasks.failed(one, ReplacedError("usage was created anew"))
    await until(lambda: len(app.asked) == 3)
    assert set(app.asked) == {"rejoin"}
    assert caplog.text.count("all begin anew: KafkaTimeoutError") == 3
    assert not tasks._background


async def test_what_a_seek_fails_of_when_all_was_let_go_disturbs_nobody(app: App, tasks: Tasks) -> None:
    async def fails(*_: TP) -> Any:
        tasks.by_tp.clear()
        raise KafkaTimeoutError("slow")

    app.consumer.earliest_offsets = fails
    tasks.seek_back(task(tasks, "usage"))
    await until(lambda: not tasks._background)
    assert app.asked == []


async def test_what_it_gets_done_itself_does(app: App, tasks: Tasks) -> None:
    for _ in range(3 * FAILURES):
        tasks.failed(task(tasks, "shaky"), ValueError("no"))
        tasks.succeeded(task(tasks, "shaky"))
    assert set(app.asked) == {"rejoin"}


async def test_a_task_that_is_another_workers_by_now_is_a_line_of_the_log_and_no_traceback(
    tasks: Tasks, caplog: pytest.LogCaptureFixture
) -> None:
    tasks.failed(task(tasks, "taken"), ProducerFenced("no"))
    (record,) = caplog.records
    assert record.getMessage() == "notify of taken/0 is another worker's by now"
    assert not record.exc_info
    assert not counted(tasks)


async def test_what_a_task_fails_of_when_it_was_let_go_disturbs_nobody(
    app: App, tasks: Tasks, caplog: pytest.LogCaptureFixture
) -> None:
    gone = task(tasks, "taken")
    tasks.by_tp.clear()
    for _ in range(FAILURES):
        tasks.failed(gone, ConnectionError("no"))
    assert app.asked == []
    assert "could not be flushed when it was let go" in caplog.text
