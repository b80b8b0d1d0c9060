"""The same events from three clients, whose records are spread over the partitions in three ways.

aiokafka puts an account where Java's murmur2 says, librdkafka where CRC32 says, and a Java client without keys puts
one batch here and the next one there. The input topics have other partition counts than the state.
"""

import asyncio
import json
from collections import Counter, defaultdict
from collections.abc import Awaitable, Callable
from pathlib import Path

from aiokafka import AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from confluent_kafka import Producer

from schemas.events import InputTopic
from schemas.instants import format_instant
from schemas.picture import AccountPicture
from streams.broker import KafkaBroker
from streams.broker.child import ChildProcess
from streams.broker.jars import DEPLOY
from streams.cli.reading import read_all
from streams.produce import Sender
from streams.runtime import topics
from streams.runtime.engagement import is_account
from tests.e2e.harness import Application, application
from tests.scenarios.story import HOUR_MS, Story

USAGE_PARTITIONS = 7
Event = tuple[InputTopic, dict[str, object]]


def fleet() -> Story:
    """Accounts that go on, fall silent, fade, do not pay, cancel; with names that every client must hash as bytes."""
    story = Story(seed=11)
    for number in range(20):
        account = story.account(f"acct-{number}" if number % 3 else f"株式会社 {number}")
        account.is_described(name=f"Account {number}", owner="kim@example.com").subscribes()
        account.daily_use(days=60, users=3)
        match number % 5:
            case 0:
                account.then_silence(days=20)
            case 1:
                account.daily_use(days=20, users=3, share=0.2)
            case 2:
                account.payment_fails().daily_use(days=3).payment_fails(attempt=2).daily_use(days=17)
            case 3:
                account.cancels(in_days=15).daily_use(days=20)
            case _:
                account.daily_use(days=20)
    return story


async def by_aiokafka(app: Application, events: list[Event]) -> None:
    """Keys are account ids."""
    async with AIOKafkaProducer(bootstrap_servers=app.settings.brokers) as producer:
        for topic, event in events:
            key = str(event["account_id"]).encode()
            await producer.send(app.settings.topic(topic.value), json.dumps(event).encode(), key=key)


async def by_librdkafka(app: Application, events: list[Event]) -> None:
    """Keys are account ids, and go where librdkafka puts them by default."""

    def send() -> None:
        producer = Producer({"bootstrap.servers": app.settings.brokers})
        for topic, event in events:
            producer.produce(app.settings.topic(topic.value), json.dumps(event), key=str(event["account_id"]))
            producer.poll(0)
        assert producer.flush(30) == 0

    await asyncio.to_thread(send)


async def by_java(app: Application, events: list[Event]) -> None:
    """Without keys."""
    lines = [f"{app.settings.topic(topic.value)}\t{json.dumps(event)}\n" for topic, event in events]
    (app.home / "events").write_text("".join(lines))
    jars = str(DEPLOY / "target" / "dependency" / "*")
    program = str(Path(__file__).with_name("Produce.java"))
    command = ["java", "-cp", jars, program, app.settings.brokers, str(app.home / "events")]
    process = ChildProcess(command, output=app.home / "java.log")
    try:
        assert await process.wait(patience=60) == 0, process.output_tail(30)
    finally:
        process.kill()


CLIENTS: dict[str, Callable[[Application, list[Event]], Awaitable[None]]] = {
    "aiokafka": by_aiokafka,
    "librdkafka": by_librdkafka,
    "java": by_java,
}
Places = dict[str, set[int]]
Result = tuple[dict[str, bytes], dict[str, AccountPicture], dict[str, list[str]]]


async def test_three_clients_with_three_ways_of_partitioning_lead_to_the_same_accounts(
    kafka: KafkaBroker, tmp_path: Path
) -> None:
    story = fleet()
    runs = (outcome(kafka, tmp_path / client, client, story) for client in CLIENTS)
    ends = dict(zip(CLIENTS, await asyncio.gather(*runs), strict=True))
    check_habits({client: places for client, (places, _) in ends.items()})
    outcomes = {client: result for client, (_, result) in ends.items()}
    states, pictures, transitions = outcomes.pop("aiokafka")
    assert states.keys() == pictures.keys() == story.chapters.keys()
    assert len(transitions) >= 12
    for client, (other_states, other_pictures, other_transitions) in outcomes.items():
        assert other_transitions == transitions, client
        assert other_pictures == pictures, client
        assert other_states == states, client


async def outcome(kafka: KafkaBroker, home: Path, client: str, story: Story) -> tuple[Places, Result]:
    """Where this client put its usage events, and what a worker comes to that reads the story from there: states,
    pictures and transitions by account."""
    home.mkdir()
    app = await application(kafka, home, create=False, partitions="4")
    await create_inputs(app)
    end = (story.ends_at // HOUR_MS + 1) * HOUR_MS
    at_last = format_instant(end - 1_000)
    touches: list[Event] = [
        (InputTopic.USAGE, {"account_id": account, "event": "touch", "occurred_at": at_last})
        for account in story.chapters
    ]
    used = Counter(str(event["account_id"]) for topic, event in story.events() if topic is InputTopic.USAGE)
    expected = {account: used[account] + 1 for account in story.chapters}
    async with app.worker() as worker:
        await CLIENTS[client](app, story.events())
        await mark(app, story.ends_at)
        await app.applied_until(story.ends_at, worker=worker)
        # A picture is of when its account changed last, give or take a flush: in the last hour all of them change.
        await CLIENTS[client](app, touches)
        await mark(app, end)
        await app.applied_until(end, worker=worker)
        metrics = await worker.metrics()
    sent = len(story.events()) + len(touches)
    assert sum(value for name, value in metrics.items() if name.startswith("slackwater_events_total")) == sent
    transitions: dict[str, list[str]] = defaultdict(list)
    for each in await app.transitions():
        transitions[each.account_id].append(each.model_dump_json())
    pictures = await app.pictures()
    assert {account: each.engagement.events_total for account, each in pictures.items()} == expected
    return await places_of(app), (await states_of(app), pictures, transitions)


def check_habits(places: dict[str, Places]) -> None:
    """The clients do differ."""
    keyed = places["aiokafka"], places["librdkafka"]
    assert all(len(partitions) == 1 for each in keyed for partitions in each.values())
    same = [account for account in keyed[0] if keyed[0][account] == keyed[1][account]]
    assert len(same) < len(keyed[0]) / 2
    assert any(len(partitions) > 3 for partitions in places["java"].values())


async def places_of(app: Application) -> Places:
    """The partitions of each account's usage events."""
    places: Places = defaultdict(set)
    for record in await app.records("usage"):
        if record.value:
            places[json.loads(record.value)["account_id"]].add(record.partition)
    return places


async def mark(app: Application, at: int) -> None:
    """Tell every partition that the time has come to `at` (ms)."""
    async with Sender(app.settings) as sender:
        await sender.mark(at)
        await sender.flush()


async def create_inputs(app: Application) -> None:
    """The input topics, with counts that their owners found good."""
    admin = AIOKafkaAdminClient(bootstrap_servers=app.settings.brokers)
    await admin.start()
    counts = {
        InputTopic.USAGE: USAGE_PARTITIONS,
        InputTopic.BILLING: 2,
        InputTopic.ACCOUNTS: 3,
        InputTopic.FEEDBACK: 2,
        InputTopic.COMMANDS: 1,
    }
    try:
        await admin.create_topics([NewTopic(app.settings.topic(name.value), n, 1) for name, n in counts.items()])
    finally:
        await admin.close()


async def states_of(app: Application) -> dict[str, bytes]:
    """The stored state of every account, byte for byte, and its home's partition before it."""
    log = topics.changelog(app.settings, topics.ENGAGEMENT)
    rows = {record.key: record async for record in read_all(app.settings, log) if is_account(record.key)}
    return {key.decode(): b"%d %b" % (record.partition, record.value) for key, record in rows.items()}
