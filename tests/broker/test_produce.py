"""What arrives on a real broker, and in which order."""

import asyncio
import time
from collections import defaultdict
from collections.abc import Iterator
from uuid import uuid4

import pytest
from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from schemas.errors import BrokerError
from schemas.events import InputTopic
from schemas.instants import format_instant
from streams.broker import Broker
from streams.produce import InputRecord, Pace, Sender, send
from streams.runtime.settings import Settings

DAY = 86_400_000
START = 20_000 * DAY
PARTITIONS = 3


@pytest.fixture
def settings(broker: Broker) -> Settings:
    return Settings(brokers=broker.address, topic_prefix=f"{uuid4().hex[:8]}.")


async def create(settings: Settings) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=settings.brokers)
    await admin.start()
    await admin.create_topics([NewTopic(settings.topic(topic.value), PARTITIONS, 1) for topic in InputTopic])
    await admin.close()


async def everything(settings: Settings) -> dict[TopicPartition, list[ConsumerRecord]]:
    consumer = AIOKafkaConsumer(bootstrap_servers=settings.brokers)
    await consumer.start()
    parts = [
        TopicPartition(settings.topic(topic.value), number) for topic in InputTopic for number in range(PARTITIONS)
    ]
    consumer.assign(parts)
    await consumer.seek_to_beginning(*parts)
    ends = await consumer.end_offsets(parts)
    result: dict[TopicPartition, list[ConsumerRecord]] = defaultdict(list)
    while any(len(result[part]) < ends[part] for part in parts):
        for part, batch in (await consumer.getmany(timeout_ms=500)).items():
            result[part].extend(batch)
    await consumer.stop()
    return result


def usage(at: int, account: str, value: bytes = b"{}") -> InputRecord:
    return InputRecord(at, InputTopic.USAGE, account, value)


def is_marker(record: ConsumerRecord) -> bool:
    return bool(record.key == b"slackwater-clock")


async def test_every_record_arrives_once_under_its_accounts_key_in_order(settings: Settings) -> None:
    await create(settings)
    records = [usage(START + n, f"a{n % 17}", f"{n} ".encode() + b"x" * 500) for n in range(3_000)]
    sent = await send(records, settings, markers=False)
    got = await everything(settings)
    flat = [record for batch in got.values() for record in batch]
    assert sorted(int(record.value.split()[0]) for record in flat) == list(range(3_000))
    assert sent.total == 3_000
    homes = defaultdict(set)
    for part, batch in got.items():
        for record in batch:
            homes[record.key].add(part)
        numbers = [int(record.value.split()[0]) for record in batch]
        assert numbers == sorted(numbers)
    assert set(homes) == {f"a{n}".encode() for n in range(17)}
    assert all(len(parts) == 1 for parts in homes.values())


async def test_accounts_go_where_the_java_client_sends_them(settings: Settings) -> None:
    await create(settings)
    await send([usage(START, "21"), usage(START, "foobar")], settings, markers=False)
    got = await everything(settings)
    where = {record.key: part.partition for part, batch in got.items() for record in batch}
    # Kafka's own test vectors: murmur2("21") = -973932308, murmur2("foobar") = -790332482
    assert where == {b"21": (-973932308 & 0x7FFFFFFF) % 3, b"foobar": (-790332482 & 0x7FFFFFFF) % 3}


async def test_every_partition_gets_a_marker_for_each_day_and_one_at_the_end(settings: Settings) -> None:
    await create(settings)
    times = [START + 5, START + DAY - 1, START + DAY, START + 3 * DAY + 7]
    sent = await send([usage(at, "a") for at in times], settings, settle_ms=2 * DAY)
    got = await everything(settings)
    expected = [START + DAY, START + 2 * DAY, START + 3 * DAY, START + 5 * DAY + 7]
    assert len(got) == len(InputTopic) * PARTITIONS
    for batch in got.values():
        markers = [record for record in batch if is_marker(record)]
        assert [record.headers for record in markers] == [
            (("slackwater-clock", format_instant(at).encode()),) for at in expected
        ]
        assert all(record.value == b"" for record in markers)
    assert sent.markers == len(InputTopic) * PARTITIONS * len(expected)


async def test_no_record_is_older_than_the_marker_before_it(settings: Settings) -> None:
    await create(settings)
    records = [usage(START + n * DAY // 50, f"a{n % 5}", str(START + n * DAY // 50).encode()) for n in range(500)]
    await send(records, settings)
    for batch in (await everything(settings)).values():
        clock = ""
        for record in batch:
            if is_marker(record):
                assert record.headers[0][1].decode() > clock
                clock = record.headers[0][1].decode()
            else:
                assert format_instant(int(record.value)) >= clock


async def test_records_carry_the_time_of_sending_and_not_that_of_the_event(settings: Settings) -> None:
    await create(settings)
    before = time.time() * 1000 - 1
    await send([usage(START, "a")], settings)
    flat = [record for batch in (await everything(settings)).values() for record in batch]
    assert all(before <= record.timestamp <= time.time() * 1000 + 1 for record in flat)


async def test_a_paced_record_arrives_when_it_is_due_and_not_when_a_batch_is_full(settings: Settings) -> None:
    await create(settings)
    arrived: list[float] = []
    consumer = AIOKafkaConsumer(
        settings.topic("usage"),
        bootstrap_servers=settings.brokers,
        fetch_max_wait_ms=20,
        auto_offset_reset="earliest",
    )
    await consumer.start()

    async def watch() -> None:
        for _ in range(3):
            await consumer.getone()
            arrived.append(time.monotonic())

    watching = asyncio.create_task(watch())
    started = time.monotonic()
    await send(
        [usage(START + n * 1_000, "a") for n in range(3)],
        settings,
        pace=Pace.at_speed(1.0, time.monotonic),
        markers=False,
    )
    await asyncio.wait_for(watching, 10)
    await consumer.stop()
    assert time.monotonic() - started > 1.9
    assert arrived[1] - arrived[0] > 0.5
    assert arrived[0] - started < 0.9


async def test_progress_is_told_and_ends_with_all(settings: Settings) -> None:
    await create(settings)
    told: list[int] = []
    records = (usage(START + n, "a") for n in range(1_200))
    await send(records, settings, progress=lambda sent: told.append(sent.total))
    assert told == sorted(told)
    assert len(told) >= 3
    assert told[-1] == 1_200


async def test_a_fault_in_the_records_comes_through_and_leaves_the_connection_closed(settings: Settings) -> None:
    await create(settings)

    def records() -> Iterator[InputRecord]:
        yield usage(START, "a")
        raise LookupError("the source broke")

    with pytest.raises(LookupError, match="the source broke"):
        await send(records(), settings)


async def test_missing_topics_are_told_and_not_created(settings: Settings) -> None:
    with pytest.raises(BrokerError, match=r"no topic '.*product-usage', .*slackwater topics create"):
        await send([usage(START, "a")], settings)
    admin = AIOKafkaAdminClient(bootstrap_servers=settings.brokers)
    await admin.start()
    assert not [name for name in await admin.list_topics() if name.startswith(settings.topic_prefix)]
    await admin.close()


async def test_a_record_that_the_broker_refuses_is_an_error(kafka: Broker, kafka_required: None) -> None:
    settings = Settings(brokers=kafka.address, topic_prefix=f"{uuid4().hex[:8]}.")
    await create(settings)
    with pytest.raises(BrokerError, match="did not take a record"):
        await send([usage(START, "a", b"x" * 3_000_000), usage(START, "b")], settings)


async def test_a_broker_that_is_not_there_is_told_by_its_address() -> None:
    with pytest.raises(BrokerError, match=r"no Kafka broker can be used at 127.0.0.1:1"):
        async with Sender(Settings(brokers="127.0.0.1:1")):
            pass
