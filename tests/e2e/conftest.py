"""A story of the whole path takes long: `make test` tells it on one broker, `make test-thorough` on the other, too."""

from __future__ import annotations

import pytest

from streams.broker import Broker
from streams.broker.jars import kafka_unavailable


@pytest.fixture(
    params=[
        pytest.param("embedded", marks=() if kafka_unavailable() else pytest.mark.thorough),
        pytest.param("kafka", marks=pytest.mark.kafka),
    ]
)
def broker(request: pytest.FixtureRequest) -> Broker:
    """Both of them, one after the other: where Kafka cannot run, the embedded one is the one of `make test`."""
    found: Broker = request.getfixturevalue(request.param)
    return found
