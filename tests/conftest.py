"""What every test can use: brokers, and the rule that nothing is skipped in CI."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from hypothesis import settings

from streams.broker import Broker, EmbeddedBroker, KafkaBroker
from streams.broker.jars import kafka_unavailable

pytest_plugins = ["pytester", "tests.no_skips"]

# The machine is shared by several test processes: how long an example takes says nothing. In CI the same examples every
# time, so that a failure is always the change's; elsewhere new ones on every run. `make test` has a few of each
# property, `make test-thorough` the usual number.
settings.register_profile("full", deadline=None, derandomize="CI" in os.environ, print_blob=True)
settings.register_profile("few", settings.get_profile("full"), max_examples=10)
settings.register_profile("thorough", settings.get_profile("full"), max_examples=250)
settings.register_profile("long", settings.get_profile("full"), max_examples=5_000, derandomize=False)
settings.load_profile("few")

# Brokers of tests live for minutes: what the second compiler would make of them costs more than it gains.
os.environ.setdefault("JDK_JAVA_OPTIONS", "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC")


_SYSTEM_FOLDERS = {"tests/broker", "tests/chaos", "tests/e2e", "tests/fuzz", "tests/guides"}
_SYSTEM_SECONDS = 400
"""For a test that says none itself. What it waits for has a patience of its own, which ends before and says what was
waited for; on a machine that does other things several of them may follow each other."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what uses a real Kafka as `kafka`, and what starts brokers and workers as `system`, which comes first."""
    for item in items:
        needs_kafka = "kafka_required" in getattr(item, "fixturenames", ())
        if needs_kafka:
            item.add_marker("kafka")
        folder = "/".join(item.path.relative_to(item.config.rootpath).parts[:2])
        if needs_kafka or folder in _SYSTEM_FOLDERS:
            item.add_marker("system")
            if item.get_closest_marker("timeout") is None:
                item.add_marker(pytest.mark.timeout(_SYSTEM_SECONDS))
    items.sort(key=lambda item: item.get_closest_marker("system") is None)  # the long ones first: no process is last


@pytest.fixture(scope="session")
def kafka_required() -> None:
    """Skips the test where no real Kafka can run, and fails it in CI."""
    if reason := kafka_unavailable():
        if "CI" in os.environ:
            pytest.fail(f"CI needs a real Kafka: {reason}")
        pytest.skip(reason)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def kafka(kafka_required: None) -> AsyncIterator[KafkaBroker]:
    """A real Apache Kafka for all tests: use topic names and groups of your own, and leave it running.

    A test that kills or restarts one starts its own (`async with KafkaBroker()`, with the fixture `kafka_required`).
    """
    async with KafkaBroker() as broker:
        yield broker


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def embedded() -> AsyncIterator[EmbeddedBroker]:
    """The embedded broker for all tests: use topic names and groups of your own, and leave it running."""
    async with EmbeddedBroker() as broker:
        yield broker


@pytest.fixture(params=["embedded", pytest.param("kafka", marks=pytest.mark.kafka)])
def broker(request: pytest.FixtureRequest) -> Broker:
    """Both of them, one after the other: for what has to hold on either."""
    found: Broker = request.getfixturevalue(request.param)
    return found
