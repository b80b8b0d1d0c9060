"""Labels have few values: what checks a real worker's page in tests/e2e sees a fault, and sources are few however many
names producers think of."""

from __future__ import annotations

import pytest

from streams.detection.source_learning import SourceLearning
from streams.detection.source_sums import SourceSums
from streams.detection.sources import bucket_of
from streams.runtime.settings import Settings
from tests.unit.monitoring.labels import MOST_SOURCES, faults

SETTINGS = Settings()


@pytest.mark.parametrize(
    "labels",
    [
        {"account": "acme"},
        {"account_id": "acme"},
        {"user_id": "u-1"},
        {"kind": "acme"},
        {"reason": "we found something better"},
        {"type": "Payment failed"},
        {"topic": "acme"},
        {"partition": "4711"},
        {"currency": "euro"},
        {"source": "x" * 65},
        {"route": "mara@vendor.example"},
    ],
    ids=lambda labels: "=".join(*labels.items()),
)
def test_a_label_that_may_hold_anything_is_a_fault(labels: dict[str, str]) -> None:
    assert len(faults({"__name__": "slackwater_events_total", "job": "any", **labels}, SETTINGS)) == 1


def test_labels_with_known_values_are_none() -> None:
    labels = {"topic": "product-usage", "type": "subscription.cancel_scheduled", "reason": "not_json", "le": "+Inf"}
    labels |= {"kind": "any", "partition": "3", "currency": "EUR", "result": "past", "source": "product"}
    assert faults({"__name__": "slackwater_events_total", "instance": "any", **labels}, SETTINGS) == []


def test_few_sources_are_told_however_many_there_are() -> None:
    learning = SourceLearning()
    for day in range(60):
        sums = SourceSums()
        for number in range(300):
            name = f"session-{number}"
            sums.active[bucket_of(name)] = 100 + number
            sums.names[bucket_of(name)] = (9, name)
        learning.decide(day % 7, sums, 1.0)
    today = learning.decide(0, SourceSums(), 1.0)
    assert today is not None
    named = {name for name in today.names if name}
    assert any(name.startswith("session-") for name in named)
    assert len(named | {"all"}) <= MOST_SOURCES
