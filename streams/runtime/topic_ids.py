"""Which topic of its name a topic is: the id that Kafka gives each topic when it is created.

A topic that was deleted and created again has another id, whatever its offsets are. aiokafka asks for metadata in a
version without ids; here is the first one that has them, version 10, of Kafka 2.8
(https://kafka.apache.org/protocol#The_Messages_Metadata). A broker that has none is asked in the older one.
"""

import asyncio
from base64 import urlsafe_b64encode
from collections.abc import Iterable, Mapping
from io import BytesIO
from time import monotonic
from typing import Any, ClassVar, Final, NamedTuple

from aiokafka.client import AIOKafkaClient
from aiokafka.errors import KafkaError, NodeNotReadyError
from aiokafka.protocol.abstract import AbstractType
from aiokafka.protocol.api import Request, RequestStruct, Response
from aiokafka.protocol.metadata import MetadataRequest_v5
from aiokafka.protocol.types import (
    Boolean,
    CompactArray,
    CompactString,
    Int16,
    Int32,
    Schema,
    TaggedFields,
)

from schemas.errors import BrokerError
from streams.runtime.settings import Settings

PATIENCE: Final = 30.0
"""Seconds for which a broker that is away is asked again."""
_PAUSE: Final = 0.5
NO_ID: Final = "-"
_ID_BYTES: Final = 16
_UNKNOWN_TOPIC: Final = 3


class TopicId(NamedTuple):
    """A topic as it is there now."""

    id: str
    """22 characters, as Kafka's own tools show it; `NO_ID` where the broker has none."""
    partitions: int


class TopicIds:
    """Asks for the ids of some topics, over a connection of its own."""

    def __init__(self, settings: Settings, names: Iterable[str]) -> None:
        self._settings = settings
        self._names = sorted(names)
        self._client: Any = None
        self._lock = asyncio.Lock()
        self._asked_at = 0.0
        self._answer: Mapping[str, TopicId] = {}

    async def ask(self) -> Mapping[str, TopicId]:
        """Those of the topics that are there, as of now or later: one question serves all who wait for it.

        Raises `BrokerError` when nobody answers in time.
        """
        called_at = monotonic()
        async with self._lock:
            if self._asked_at < called_at:
                asked_at, last = monotonic(), ""
                try:
                    async with asyncio.timeout(PATIENCE):
                        while True:
                            try:
                                self._answer = await self._ask()
                                break
                            except (KafkaError, OSError) as error:
                                last = f": {error!r}"
                            await asyncio.sleep(_PAUSE)
                except TimeoutError as error:
                    text = f"the broker at {self._settings.brokers} does not say which topics there are{last}"
                    raise BrokerError(text) from error
                self._asked_at = asked_at
            return self._answer

    async def close(self) -> None:
        """End the connection."""
        if self._client is not None:
            client, self._client = self._client, None
            await client.close()

    async def _ask(self) -> Mapping[str, TopicId]:
        if self._client is None:
            client = AIOKafkaClient(**self._settings.kafka(), client_id=f"{self._settings.app_id}-topics")
            try:
                await client.bootstrap()
            except BaseException:
                await client.close()
                raise
            self._client = client
        node = self._client.get_random_node()
        if node is None:
            await self._client.force_metadata_update()
            raise NodeNotReadyError("no broker is known")
        response = await self._client.send(node, TopicsRequest(self._names))
        return {
            each["topic"]: as_topic(each)
            for each in response.to_object()["topics"]
            if each["error_code"] != _UNKNOWN_TOPIC
        }


def as_topic(described: Mapping[str, Any]) -> TopicId:
    """A topic of an answer, in either version."""
    return TopicId(described.get("topic_id", NO_ID), len(described["partitions"]))


class _Uuid(AbstractType):  # type: ignore[misc]  # aiokafka is not typed
    """A topic id; the one of zeros says that there is none."""

    @classmethod
    def encode(cls, value: str) -> bytes:
        assert value == NO_ID, "topics are asked for by name"
        return bytes(_ID_BYTES)

    @classmethod
    def decode(cls, data: BytesIO) -> str:
        raw = data.read(_ID_BYTES)
        return urlsafe_b64encode(raw).decode().rstrip("=") if any(raw) else NO_ID


class _TopicsResponse(Response):  # type: ignore[misc]
    API_KEY = 3
    API_VERSION = 10
    SCHEMA = Schema(
        ("throttle_time_ms", Int32),
        (
            "brokers",
            CompactArray(
                ("node_id", Int32),
                ("host", CompactString()),
                ("port", Int32),
                ("rack", CompactString()),
                ("tags", TaggedFields),
            ),
        ),
        ("cluster_id", CompactString()),
        ("controller_id", Int32),
        (
            "topics",
            CompactArray(
                ("error_code", Int16),
                ("topic", CompactString()),
                ("topic_id", _Uuid),
                ("is_internal", Boolean),
                (
                    "partitions",
                    CompactArray(
                        ("error_code", Int16),
                        ("partition", Int32),
                        ("leader", Int32),
                        ("leader_epoch", Int32),
                        ("replicas", CompactArray(Int32)),
                        ("isr", CompactArray(Int32)),
                        ("offline_replicas", CompactArray(Int32)),
                        ("tags", TaggedFields),
                    ),
                ),
                ("topic_authorized_operations", Int32),
                ("tags", TaggedFields),
            ),
        ),
        ("cluster_authorized_operations", Int32),
        ("tags", TaggedFields),
    )


class _TopicsRequest_v10(RequestStruct):  # type: ignore[misc]  # noqa: N801 - as aiokafka calls them
    API_KEY = 3
    API_VERSION = 10
    FLEXIBLE_VERSION: ClassVar[bool] = True
    RESPONSE_TYPE = _TopicsResponse
    SCHEMA = Schema(
        ("topics", CompactArray(("topic_id", _Uuid), ("name", CompactString()), ("tags", TaggedFields))),
        ("allow_auto_topic_creation", Boolean),
        ("include_cluster_authorized_operations", Boolean),
        ("include_topic_authorized_operations", Boolean),
        ("tags", TaggedFields),
    )


class TopicsRequest(Request[MetadataRequest_v5 | _TopicsRequest_v10]):  # type: ignore[misc]
    """aiokafka sends the newest of these versions that the broker knows. `operations`: with what this user may do."""

    API_KEY = 3

    def __init__(self, names: list[str], *, operations: bool = False) -> None:
        self._names = names
        self._operations = operations

    def build(self, request_struct_class: Any) -> Any:
        if request_struct_class is MetadataRequest_v5:
            return MetadataRequest_v5(self._names, False)
        return _TopicsRequest_v10([(NO_ID, name, {}) for name in self._names], False, False, self._operations, {})
