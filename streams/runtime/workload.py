"""Metrics of the tasks that this worker has."""

from collections import Counter
from collections.abc import Iterator
from time import time
from typing import TYPE_CHECKING

from prometheus_client.core import Metric

from streams.runtime.scraped import Scraped

if TYPE_CHECKING:
    from streams.runtime.application import App


class Workload(Scraped):
    """`app` is the application; None as long as there is none."""

    def __init__(self, prefix: str) -> None:
        super().__init__(prefix)
        self.app: App | None = None

    def collect(self) -> Iterator[Metric]:
        """See prometheus_client."""
        ready = self._gauge("ready", "1: every partition that was assigned is recovered and worked.")
        lag = self._gauge("consumer_lag_records", "Records not worked yet.", "topic", "partition")
        parked = self._gauge("parked_records", "Records that wait for an account to name their id.", "topic")
        pending = self._gauge("notifications_pending", "Messages that wait.", "route")
        oldest = self._gauge("notification_oldest_seconds", "Age of the oldest of them.", "route")
        held = self._gauge("notifications_held", "Alerts that are held back for now.", "route")
        broken = self._gauge("notification_route_broken", "1: nothing arrives, until a person mends it.", "route")
        if self.app is not None:
            ready.add_metric([], self.app.ready)
            tasks = self.app.tasks.by_tp
            for tp, task in sorted(tasks.items()):
                if task.position is not None:
                    lag.add_metric([tp.topic, str(tp.partition)], max(0, task.log_end - task.position))
            waiting = Counter[str]()
            for tp, task in tasks.items():
                if task.parked_records is not None:
                    waiting[tp.topic] += task.parked_records
            for topic, records in sorted(waiting.items()):
                parked.add_metric([topic], records)
            for name, alerts in (each for task in tasks.values() for each in task.held().items()):
                held.add_metric([name], alerts)
            now = time()
            for route in (route for task in tasks.values() for route in task.routes()):
                pending.add_metric([route.route], route.pending)
                age = 0.0 if route.oldest_at is None else max(0.0, now - route.oldest_at / 1000)
                oldest.add_metric([route.route], age)
                broken.add_metric([route.route], route.broken_since is not None)
        yield from (ready, lag, parked, pending, oldest, held, broken)
