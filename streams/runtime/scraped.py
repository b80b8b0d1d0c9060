"""Metrics that are read off what this worker has at the moment of a scrape: nothing of what went to another worker can
stay behind."""

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector


class Scraped(Collector):
    """Metrics of something, whose names begin with `prefix`."""

    def __init__(self, prefix: str) -> None:
        self._prefix = prefix

    def _gauge(self, name: str, text: str, *labels: str) -> GaugeMetricFamily:
        return GaugeMetricFamily(f"{self._prefix}_{name}", text, labels=labels)
