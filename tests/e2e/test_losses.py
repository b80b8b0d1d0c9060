"""Topics that are deleted, created anew or shortened, and groups that are reset: nothing is lost or counted twice that
need not be, and what is lost is told."""

import asyncio
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

import orjson
import pytest
from aiokafka import AIOKafkaConsumer, OffsetAndMetadata, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic, RecordsToDelete
from confluent_kafka.admin import AdminClient

from alerting.routing import Route, route
from schemas.alerts import Transition
from schemas.events import InputTopic
from streams.broker import KafkaBroker
from streams.produce import InputRecord, send
from streams.runtime import topics
from tests.e2e.harness import Application, application, eventually
from tests.e2e.test_clients import fleet
from tests.scenarios.pure import run
from tests.scenarios.story import Told

DAY_MS = 86_400_000


class History:
    """A story's events in two parts, as the pure engine sees them. Usage has no event ids: what comes twice counts
    twice, if it is not known by its place."""

    def __init__(self) -> None:
        story = fleet()
        told = sorted(story.told(), key=lambda each: each.at)
        for each in told:
            each.value.pop("event_id", None)
        self.middle = (told[2 * len(told) // 3].at // DAY_MS) * DAY_MS
        self.end = story.ends_at
        self.first = [each for each in told if each.at < self.middle]
        self.second = [each for each in told if each.at >= self.middle]


async def tell(app: Application, told: Iterable[Told], until: int) -> None:
    """Produce these events, and the markers up to a time."""
    records = [InputRecord(each.at, each.topic, each.value["account_id"], orjson.dumps(each.value)) for each in told]
    await send(records, app.settings, settle_ms=until - records[-1].at)


async def begun(kafka: KafkaBroker, home: Path, *, console: str = "false") -> tuple[Application, History]:
    """An application whose worker has gone through the first part, and has stopped."""
    app, history = await application(kafka, home, console=console), History()
    async with app.worker() as worker:
        await tell(app, history.first, history.middle)
        await app.applied_until(history.middle, worker=worker)
    return app, history


async def check(app: Application, told: list[Told], until: int) -> None:
    """Transitions and counts are those of the pure engine."""
    expected = run([(each.topic, each.value) for each in told], until=until)
    used = Counter(each.value["account_id"] for each in told if each.topic is InputTopic.USAGE)
    pictures = await app.pictures()
    assert {account: each.engagement.events_total for account, each in pictures.items() if account in used} == used
    assert by_account(await app.transitions()) == by_account(expected.transitions)


def by_account(transitions: Iterable[Transition]) -> dict[str, list[Transition]]:
    """Each account's, in order."""
    found: dict[str, list[Transition]] = {}
    for each in transitions:
        found.setdefault(each.account_id, []).append(each)
    return found


class Admin:
    """What somebody does by hand. A topic of a role by its name in the settings, or by its full name."""

    def __init__(self, app: Application) -> None:
        self._app = app
        self.client = AIOKafkaAdminClient(bootstrap_servers=app.settings.brokers)

    async def __aenter__(self) -> "Admin":
        await self.client.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.client.close()

    async def delete(self, *names: str) -> None:
        """Delete topics, and see them gone."""
        await self.client.delete_topics(list(names))

        async def gone() -> bool:
            return not set(names) & set(await self.client.list_topics())

        await eventually(gone, f"{names} are deleted")

    async def create(self, *names: str, partitions: int = 4) -> None:
        """Create topics; one that was just deleted may take a moment."""

        async def made() -> bool:
            await self.client.create_topics([NewTopic(name, partitions, 1) for name in names])
            return set(names) <= set(await self.client.list_topics())

        await eventually(made, f"{names} are created")

    async def remove_all_records(self, name: str) -> int:
        """Remove every record of a topic; gives how many places that were."""
        ends = await ends_of(self._app, name)
        first = await ends_of(self._app, name, beginning=True)
        await self.client.delete_records({tp: RecordsToDelete(end) for tp, end in ends.items()})
        return sum(ends.values()) - sum(first.values())


async def ends_of(app: Application, name: str, *, beginning: bool = False) -> dict[TopicPartition, int]:
    """Where each partition of a topic ends, or begins."""
    consumer = AIOKafkaConsumer(bootstrap_servers=app.settings.brokers)
    await consumer.start()
    try:
        count = (await topics.partition_counts(app.settings))[name]
        parts = [TopicPartition(name, number) for number in range(count)]
        found: dict[TopicPartition, int] = await (
            consumer.beginning_offsets(parts) if beginning else consumer.end_offsets(parts)
        )
        return found
    finally:
        await consumer.stop()


def total(metrics: dict[str, float], name: str) -> float:
    """The sum of a metric's samples."""
    return sum(value for sample, value in metrics.items() if sample.startswith(f"slackwater_{name}"))


async def told_on_console(app: Application, *words: str) -> None:
    """Wait until a message with these words was shown."""

    async def there() -> bool:
        text = " ".join(app.log.read_text().replace("│", " ").split())
        return all(word in text for word in words)

    await eventually(there, f"a message with {words}", patience=60)


async def test_topics_created_anew_while_the_worker_is_stopped_are_read_from_their_start(
    kafka: KafkaBroker, tmp_path: Path
) -> None:
    app, history = await begun(kafka, tmp_path, console="true")
    usage, billing = app.settings.topic("usage"), app.settings.topic("billing")
    async with Admin(app) as admin:
        await admin.delete(usage, billing)
        await admin.create(usage, billing)
    await tell(app, history.second, history.end)
    async with app.worker() as worker:
        await app.applied_until(history.end, worker=worker)
        await told_on_console(app, "Topic created anew", f"{usage} was deleted and created again")
        metrics = await worker.metrics()
    assert total(metrics, "topic_incarnations_total") == 2
    assert total(metrics, "records_lost_total") == 0
    await check(app, [*history.first, *history.second], history.end)


async def test_topics_created_anew_while_the_worker_runs_are_read_from_their_start(
    kafka: KafkaBroker, tmp_path: Path
) -> None:
    history = History()
    app = await application(kafka, tmp_path, console="true", partitions="4")
    usage, billing = app.settings.topic("usage"), app.settings.topic("billing")
    async with app.worker() as worker:
        await tell(app, history.first, history.middle)
        await app.applied_until(history.middle, worker=worker)
        async with Admin(app) as admin:
            await admin.delete(usage, billing)
            await admin.create(usage, partitions=3)  # fewer than before
            await admin.create(billing, partitions=5)
        await tell(app, history.second, history.end)
        await app.applied_until(history.end, worker=worker, patience=120)
        await told_on_console(app, "Topic created anew")
    await check(app, [*history.first, *history.second], history.end)


async def test_records_removed_before_they_were_read_are_told_and_the_rest_is_counted(
    kafka: KafkaBroker, tmp_path: Path
) -> None:
    app, history = await begun(kafka, tmp_path, console="true")
    usage = app.settings.topic("usage")
    lost = [each for each in history.second if each.topic is InputTopic.USAGE and each.at < history.middle + 5 * DAY_MS]
    read = sum((await ends_of(app, usage)).values())
    await tell(app, lost, history.middle + 5 * DAY_MS)
    async with Admin(app) as admin:
        removed = await admin.remove_all_records(usage) - read
    rest = [each for each in history.second if each not in lost]
    await tell(app, rest, history.end)
    async with app.worker() as worker:
        await app.applied_until(history.end, worker=worker)
        await told_on_console(app, "Records lost", "had been removed from the topic before")
        metrics = await worker.metrics()
    assert removed > len(lost)  # and some markers
    assert total(metrics, "records_lost_total") == removed
    await check(app, [*history.first, *rest], history.end)


@pytest.mark.thorough
async def test_records_removed_while_the_worker_stands_still_are_told(kafka: KafkaBroker, tmp_path: Path) -> None:
    history = History()
    app = await application(
        kafka, tmp_path, console="true", partitions="4", session_timeout="30s", rebalance_timeout="40s"
    )
    usage = app.settings.topic("usage")
    async with app.worker() as worker:
        await tell(app, history.first, history.middle)
        await app.applied_until(history.middle, worker=worker)
        await asyncio.sleep(2)  # all positions are committed
        worker.process.pause()
        await asyncio.sleep(1)  # the fetch that is on its way comes back empty
        read = sum((await ends_of(app, usage)).values())
        lost = [each for each in history.second if each.topic is InputTopic.USAGE and each.at < history.middle + DAY_MS]
        await tell(app, lost, history.middle + DAY_MS)
        async with Admin(app) as admin:
            removed = await admin.remove_all_records(usage) - read
        worker.process.resume()
        rest = [each for each in history.second if each not in lost]
        await tell(app, rest, history.end)
        await app.applied_until(history.end, worker=worker, patience=120)
        await told_on_console(app, "Records lost")
        metrics = await worker.metrics()
    assert f"hole in {usage}" in app.log.read_text(), "it was read on where it stood, not begun anew"
    assert total(metrics, "records_lost_total") == removed > len(lost)
    await check(app, [*history.first, *rest], history.end)


async def test_a_group_that_is_reset_or_deleted_changes_nothing(kafka: KafkaBroker, tmp_path: Path) -> None:
    app, history = await begun(kafka, tmp_path, console="true")
    read = [*(app.settings.topic(topic.value) for topic in InputTopic), app.settings.topic("alerts")]
    consumer = AIOKafkaConsumer(bootstrap_servers=app.settings.brokers, group_id=app.settings.app_id)
    await consumer.start()
    try:
        parts = [tp for name in read for tp in await ends_of(app, name)]
        consumer.assign(parts)
        await consumer.commit({tp: OffsetAndMetadata(0, "") for tp in parts})
    finally:
        await consumer.stop()
    third = len(history.second) // 2
    between = history.second[third].at // DAY_MS * DAY_MS
    async with app.worker() as worker:
        await tell(app, [each for each in history.second if each.at < between], between)
        await app.applied_until(between, worker=worker)
    client = AdminClient({"bootstrap.servers": app.settings.brokers})
    deleted = client.delete_consumer_groups([app.settings.app_id])
    await asyncio.to_thread(deleted[app.settings.app_id].result, 30)
    async with app.worker() as worker:
        await tell(app, [each for each in history.second if each.at >= between], history.end)
        await app.applied_until(history.end, worker=worker)
        metrics = await worker.metrics()
        await asyncio.sleep(5)  # for what would be told twice
    assert total(metrics, "records_lost_total") == total(metrics, "topic_incarnations_total") == 0
    await check(app, [*history.first, *history.second], history.end)
    told = sum(bool(route(each, [Route()])) for each in await app.transitions())
    assert app.log.read_text().count("╭─ slackwater") == told > 10, "nobody is told twice"


async def test_a_shuffle_that_was_deleted_is_told_and_the_state_goes_on(kafka: KafkaBroker, tmp_path: Path) -> None:
    app, history = await begun(kafka, tmp_path, console="true")
    async with Admin(app) as admin:
        await admin.delete(app.settings.shuffle_topic)
    async with app.worker() as worker:
        await tell(app, history.second, history.end)
        await app.applied_until(history.end, worker=worker)
        await told_on_console(app, f"Topic created anew: {app.settings.shuffle_topic}")
    # Everything had been applied by then: nothing was lost.
    await check(app, [*history.first, *history.second], history.end)


async def test_without_its_changelog_a_worker_does_not_start_and_says_why(kafka: KafkaBroker, tmp_path: Path) -> None:
    app, _ = await begun(kafka, tmp_path)
    changelog = topics.changelog(app.settings, topics.ENGAGEMENT)
    async with Admin(app) as admin:
        await admin.delete(changelog)
    refused = await app.slackwater("worker", check=False)
    assert refused.status == 1
    assert f"there is no topic {changelog!r}" in refused.output
    assert "slackwater reset" in refused.output
    await topics.create(app.settings)  # as somebody may who wants it to start
    refused = await app.slackwater("worker", check=False)
    assert refused.status == 1
    assert f"{changelog}" in refused.output
    assert "the state of every account is gone" in refused.output


async def test_a_changelog_that_is_deleted_under_a_running_worker_ends_it(kafka: KafkaBroker, tmp_path: Path) -> None:
    app = await application(kafka, tmp_path)
    changelog = topics.changelog(app.settings, topics.ENGAGEMENT)
    async with app.worker() as worker:
        async with Admin(app) as admin:
            await admin.delete(changelog)
        assert await worker.process.wait(patience=60) == 1
    assert f"slackwater: the topic {changelog!r} was deleted while the worker ran" in app.log.read_text()
