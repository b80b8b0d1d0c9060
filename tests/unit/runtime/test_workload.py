"""What the metrics say of the tasks that a worker has at the moment of a scrape."""

from __future__ import annotations

import time
from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any

import pytest
from faust.types import TP

from alerting.outbox import RouteStatus
from streams.runtime.application import App, create_app
from streams.runtime.settings import Settings

USAGE, NOTES = TP("product-usage", 0), TP("slackwater-notifications", 1)


class Worker:
    """An application with tasks that are only what the metrics ask of them."""

    def __init__(self) -> None:
        self.app: App = create_app(Settings())

    def has(
        self,
        tp: TP,
        *routes: RouteStatus,
        position: int | None,
        log_end: int = 0,
        held: Mapping[str, int] | None = None,
        parked: int | None = None,
    ) -> None:
        """Give it a task."""
        task = SimpleNamespace(
            position=position,
            log_end=log_end,
            closing=False,
            routes=lambda: routes,
            held=lambda: held or {},
            parked_records=parked,
        )
        self.app.tasks.by_tp[tp] = task  # type: ignore[assignment]

    def says(self, name: str, **labels: Any) -> float | None:
        """A sample of its page."""
        samples = {name: str(value) for name, value in labels.items()}
        return self.app.metrics.registry.get_sample_value(f"slackwater_{name}", samples)


@pytest.fixture
def worker() -> Worker:
    return Worker()


def status(
    route: str, *, pending: int = 0, oldest_at: int | None = None, broken_since: int | None = None
) -> RouteStatus:
    return RouteStatus(route, pending, oldest_at, None, broken_since, 0, "")


def test_it_is_ready_once_every_task_stands_where_it_goes_on(worker: Worker) -> None:
    assert worker.says("ready") == 0
    worker.app.tasks._assigned_at = 1.0
    worker.has(USAGE, position=5)
    worker.has(NOTES, position=None)
    assert worker.says("ready") == 0
    worker.has(NOTES, position=0)
    assert worker.says("ready") == 1


def test_lag_is_what_is_not_worked_yet_and_goes_with_the_partition(worker: Worker) -> None:
    worker.has(USAGE, position=40, log_end=100)
    worker.has(NOTES, position=7, log_end=0)  # of the embedded broker the end is not known at first
    assert worker.says("consumer_lag_records", topic=USAGE.topic, partition=0) == 60
    assert worker.says("consumer_lag_records", topic=NOTES.topic, partition=1) == 0
    worker.has(USAGE, position=None)
    assert worker.says("consumer_lag_records", topic=USAGE.topic, partition=0) is None
    del worker.app.tasks.by_tp[NOTES]
    assert worker.says("consumer_lag_records", topic=NOTES.topic, partition=1) is None


def test_routes_are_told_by_who_has_them_and_grow_older_by_themselves(worker: Worker) -> None:
    waited = int(time.time() * 1000) - 90_000
    both = (status("sales", pending=3, oldest_at=waited, broken_since=waited), status("default"))
    worker.has(NOTES, *both, position=0, held={"sales": 2})
    assert worker.says("notifications_held", route="sales") == 2
    assert worker.says("notifications_pending", route="sales") == 3
    assert worker.says("notification_oldest_seconds", route="sales") == pytest.approx(90, abs=10)
    assert worker.says("notification_oldest_seconds", route="default") == 0
    assert worker.says("notification_route_broken", route="sales") == 1
    assert worker.says("notification_route_broken", route="default") == 0
    worker.app.tasks.by_tp.clear()
    assert worker.says("notifications_pending", route="sales") is None


def test_what_waits_for_its_account_is_added_up_by_topic(worker: Worker) -> None:
    worker.has(USAGE, position=5, parked=2)
    worker.has(TP(USAGE.topic, 1), position=5, parked=3)
    worker.has(NOTES, position=5)
    assert worker.says("parked_records", topic=USAGE.topic) == 5
    assert worker.says("parked_records", topic=NOTES.topic) is None
