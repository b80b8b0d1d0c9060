"""Brokers to run against: embedded (Tansu), a local Apache Kafka, or one that somebody else runs.

>>> open_broker("kafka.example:9092").address
'kafka.example:9092'
"""

from streams.broker.base import Broker
from streams.broker.embedded import EmbeddedBroker
from streams.broker.external import ExternalBroker
from streams.broker.kafka import KafkaBroker

__all__ = ["Broker", "EmbeddedBroker", "ExternalBroker", "KafkaBroker", "open_broker"]


def open_broker(name: str) -> Broker:
    """Make the broker that `name` stands for, not started yet: use `async with`, or call `start()` and `stop()`.

    `name` is `embedded`, `kafka`, or the address (`host:port`, comma-separated) of a broker that runs already.
    """
    if name == "embedded":
        return EmbeddedBroker()
    if name == "kafka":
        return KafkaBroker()
    return ExternalBroker(name)
