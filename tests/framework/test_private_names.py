"""The names of Faust and aiokafka, private or undocumented, that streams/runtime leans on. When one changes with a new
version, the test says what broke and where it is used.

A name that the runtime takes from a foreign object and that is not pinned here fails, too.
"""

from __future__ import annotations

import ast
import asyncio
import inspect
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Literal

import faust
import pytest
from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from aiokafka.client import AIOKafkaClient
from aiokafka.consumer.fetcher import Fetcher, FetchResult, OffsetResetStrategy, PartitionRecords
from aiokafka.consumer.group_coordinator import GroupCoordinator
from aiokafka.consumer.subscription_state import Assignment, SubscriptionState, TopicPartitionState
from aiokafka.record.default_records import DefaultRecordBatchBuilder
from aiokafka.record.memory_records import MemoryRecords
from faust.stores import STORES
from faust.stores.base import Store
from faust.tables import TableManager
from faust.tables.recovery import Recovery
from faust.transport.consumer import Consumer as FaustConsumer
from faust.transport.consumer import ConsumerThread as FaustConsumerThread
from faust.transport.drivers import aiokafka as driver
from faust.types import TP
from mode.worker import Worker as ModeWorker

from streams.runtime import rocks, stores, table, topics
from streams.runtime.application import App, create_app
from streams.runtime.settings import Settings
from streams.runtime.transport import FETCH_WAIT_MS, Consumer, ConsumerThread, Transport, _Fetched

RUNTIME = Path(__file__).parents[2] / "streams" / "runtime"

OVERRIDDEN: list[tuple[Any, str, tuple[str, ...], str]] = [
    (driver.AIOKafkaConsumerThread, "_create_worker_consumer", ("self", "transport"), "transport.ConsumerThread"),
    (
        driver.AIOKafkaConsumerThread,
        "_fetch_records",
        ("self", "consumer", "active_partitions", "timeout", "max_records"),
        "transport.ConsumerThread: every fetch",
    ),
    (driver.Consumer, "_new_consumer_thread", ("self",), "transport.Consumer: has our thread"),
    (driver.Consumer, "_to_message", ("self", "tp", "record"), "transport.Consumer: a batch as one message"),
    (driver.Consumer, "_getmany", ("self", "active_partitions", "timeout"), "transport.Consumer: changelogs"),
    (driver.Consumer, "perform_seek", ("self",), "transport.Consumer: positions of the tasks"),
    (driver.Consumer, "on_partitions_revoked", ("self", "revoked"), "transport.Consumer: the last flush"),
    (
        TableManager,
        "on_rebalance",
        ("self", "assigned", "revoked", "newly_assigned", "generation_id"),
        "table.Tables: tasks start before the ends of the changelogs are read",
    ),
    (Store, "persisted_offset", ("self", "tp"), "stores.MemoryStore, rocks.RocksStore"),
    (Store, "set_persisted_offset", ("self", "tp", "offset"), "stores.TableStore"),
    (
        Store,
        "on_rebalance",
        ("self", "assigned", "revoked", "newly_assigned", "generation_id"),
        "stores.MemoryStore, rocks.RocksStore: drop what went away",
    ),
    (Store, "on_recovery_completed", ("self", "active_tps", "standby_tps"), "stores.TableStore"),
    (Store, "apply_changelog_batch", ("self", "batch", "to_key", "to_value"), "stores.TableStore"),
    (faust.Table, "on_key_set", ("self", "key", "value"), "table.Table: refuses writes"),
    (faust.Table, "on_key_del", ("self", "key"), "table.Table: refuses writes"),
    (faust.App, "on_rebalance_end", ("self",), "application.App: looks whether all tasks recovered"),
    (faust.App, "on_start", ("self",), "application.App: looks at the topics"),
    (faust.App, "on_first_start", ("self",), "application.App: makes no data directory"),
    (faust.App, "on_stop", ("self",), "application.App: the last flush"),
    (ModeWorker, "install_signal_handlers", ("self",), "worker.Worker: the second signal, and a loop that hangs"),
    (ModeWorker, "_shutdown_loop", ("self",), "worker.Worker: without waiting"),
    (ModeWorker, "stop", ("self",), "worker.Worker: whatever ends it is bounded"),
]
CALLED: list[tuple[Any, str, tuple[str, ...], str]] = [
    (GroupCoordinator, "request_rejoin", ("self",), "transport.ConsumerThread.rejoin"),
    (GroupCoordinator, "ensure_coordinator_known", ("self",), "group.positions"),
    (GroupCoordinator, "coordinator_dead", ("self",), "group.positions"),
    (GroupCoordinator, "_send_req", ("self", "request"), "group.positions"),
    (driver.AIOKafkaConsumerThread, "_ensure_consumer", ("self",), "transport.ConsumerThread"),
    (driver.AIOKafkaConsumerThread, "seek_wait", ("self", "partitions"), "transport.Consumer.perform_seek"),
    (driver.AIOKafkaConsumerThread, "highwaters", ("self", "partitions"), "tasks.Tasks.assign"),
    (driver.AIOKafkaConsumerThread, "earliest_offsets", ("self", "partitions"), "tasks.Tasks.positions"),
    (Assignment, "state_value", ("self", "tp"), "transport._positions"),
    (TableManager, "on_start", ("self",), "table.Tables: without waiting"),
    (TableManager, "_update_channels", ("self",), "table.Tables.on_start"),
    (Recovery, "need_recovery", ("self",), "transport.Consumer._recover"),
    (AIOKafkaClient, "force_metadata_update", ("self",), "transport.ConsumerThread.rejoin_knowing"),
    (AIOKafkaClient, "get_random_node", ("self",), "topic_ids.TopicIds"),
    (AIOKafkaClient, "bootstrap", ("self",), "topic_ids.TopicIds"),
    (AIOKafkaClient, "send", ("self", "node_id", "request", "group"), "topic_ids.TopicIds"),
    (AIOKafkaClient, "_get_conn", ("self", "node_id", "group", "no_hint"), "producer.Producer: every connection"),
]
PINNED_PRIVATE = {
    "_client": "transport.ConsumerThread.rejoin_knowing",
    "_consumer_record": "transport._Fetched",
    "_coordinator": "transport.ConsumerThread.rejoin, committed",
    "_create_worker_consumer": "transport.ConsumerThread",
    "_fetch_max_wait_ms": "transport.ConsumerThread",
    "_fetch_records": "transport.ConsumerThread",
    "_fetcher": "transport.ConsumerThread: hands out records as they were parsed",
    "_get_conn": "producer.Producer",
    "_getmany": "transport.Consumer",
    "_isolation_level": "transport.ConsumerThread",
    "_partition_records": "transport._Fetched",
    "_position_fut": "transport._positions: another one after a reset",
    "_read_offset": "transport.ConsumerThread: what Faust has seen of a partition",
    "_records": "transport.ConsumerThread: the fetcher's",
    "_send_req": "group.positions",
    "_subscription": "transport._positions",
}
OWN = {"_patience", "_exit"}
"""A stage's own, which it takes from the base class; and `os._exit`, which is documented."""


def parameters(function: Callable[..., Any]) -> tuple[str, ...]:
    return tuple(inspect.signature(function).parameters)


def named(value: object) -> str:
    """A parameter's name in a test's: without an address, which every process has another one of."""
    return str(getattr(value, "__qualname__", value))


@pytest.mark.parametrize(("owner", "name", "expected", "used"), [*OVERRIDDEN, *CALLED], ids=named)
def test_a_method_is_there_with_its_parameters(owner: Any, name: str, expected: tuple[str, ...], used: str) -> None:
    found = getattr(owner, name, None)
    assert found is not None, f"{owner.__name__}.{name} is gone; streams/runtime/{used} needs it"
    assert parameters(found) == expected, (
        f"{owner.__name__}.{name} now takes {parameters(found)} and not {expected}: see streams/runtime/{used}"
    )


async def test_an_aiokafka_consumer_reads_isolation_and_fetch_wait_when_it_starts_and_not_before() -> None:
    consumer = AIOKafkaConsumer(bootstrap_servers="127.0.0.1:1")
    for name in ("_isolation_level", "_fetch_max_wait_ms", "_subscription", "_coordinator", "_client"):
        assert hasattr(consumer, name), f"AIOKafkaConsumer.{name} is gone: see streams/runtime/transport.py"
    assert consumer._isolation_level == "read_uncommitted"
    source = inspect.getsource(AIOKafkaConsumer.start)
    for name in ("self._isolation_level", "self._fetch_max_wait_ms"):
        assert name in source, f"start() no longer hands {name} to the fetcher: we would read uncommitted records"
    await consumer.stop()


def test_records_are_handed_out_as_they_were_parsed() -> None:
    batch = DefaultRecordBatchBuilder(2, 0, 0, -1, -1, -1, 1 << 16)
    batch.append(0, 1_736_121_600_000, b"key", b"value", [("name", b"text")])
    tp = TopicPartition("t", 0)
    records = PartitionRecords(tp, MemoryRecords(bytes(batch.build())), [], 0, None, None, True, 0)
    fetched = _Fetched()
    fetched[tp] = FetchResult(tp, assignment=None, partition_records=records, backoff=0)
    (record,) = records
    assert not isinstance(record, ConsumerRecord), "it was to be handed out as it is"
    assert (record.offset, record.timestamp, record.key, record.value) == (0, 1_736_121_600_000, b"key", b"value")
    assert list(record.headers) == [("name", b"text")]


async def test_a_fetchers_records_are_a_mapping_that_can_be_put_in_its_place() -> None:
    consumer = AIOKafkaConsumer(bootstrap_servers="127.0.0.1:1")
    assert hasattr(consumer, "_fetcher"), "see transport.ConsumerThread._fetch_records"
    assert "self._records = collections.OrderedDict()" in inspect.getsource(Fetcher.__init__)
    assert "self._records[tp] = FetchResult(" in inspect.getsource(Fetcher), "see transport._Fetched"
    await consumer.stop()


def test_faust_hands_the_consumer_out_before_it_starts_it() -> None:
    source = inspect.getsource(driver.AIOKafkaConsumerThread.on_start)
    created, started = source.find("_create_consumer("), source.find("_consumer.start()")
    assert -1 < created < started, "what transport.ConsumerThread sets on the new consumer would come too late"


async def test_a_partitions_state_tells_position_and_ends() -> None:
    subscription = SubscriptionState()
    assignment = Assignment([TopicPartition("t", 0)])
    assert subscription.subscription is None
    state = assignment.state_value(TopicPartition("t", 0))
    assert isinstance(state, TopicPartitionState)
    assert not state.has_valid_position, "transport._positions passes over partitions without a position"
    state.reset_to(7)
    assert (state.has_valid_position, state.position) == (True, 7)
    assert (state.lso, state.highwater) == (None, None), "transport._positions reads both of every fetch"


async def test_a_reset_by_the_client_can_be_told_from_reading_on_and_from_a_seek() -> None:
    state = Assignment([TopicPartition("t", 0)]).state_value(TopicPartition("t", 0))
    state.reset_to(7)
    run = state._position_fut
    state.consumed_to(9)
    state.seek(3)
    assert state._position_fut is run
    state.await_reset(OffsetResetStrategy.EARLIEST)
    state.reset_to(12)
    assert state._position_fut is not run, "transport._positions would take what was removed for read"


async def test_faust_takes_whatever_comes_first_of_a_partition_that_it_has_forgotten(app: App) -> None:
    tp, consumer = TP("t", 0), app.consumer
    assert isinstance(consumer, Consumer)
    consumer._read_offset[tp] = 100
    consumer._read_offset.pop(tp, None)
    assert consumer._read_offset[tp] is None
    assert "r_offset is None or offset >= r_offset" in inspect.getsource(FaustConsumer._drain_messages)


async def test_the_workers_consumer_reads_committed_and_waits_shortly(app: App) -> None:
    consumer = app.consumer
    assert type(app.transport) is Transport
    assert type(consumer) is Consumer, "Faust no longer builds the consumer of app.transport's class"
    assert type(consumer.thread) is ConsumerThread, "Faust's consumer no longer asks _new_consumer_thread"
    assert isinstance(consumer.thread, FaustConsumerThread)
    client = consumer.thread._create_worker_consumer(app.transport)
    assert client._isolation_level == "read_committed"
    assert client._fetch_max_wait_ms == FETCH_WAIT_MS
    await client.stop()


async def test_the_recovery_service_keeps_the_books_that_we_write_in(app: App) -> None:
    recovery = app.tables.recovery  # type: ignore[attr-defined]
    for name in ("active_tps", "active_offsets", "standby_offsets", "tp_to_table", "in_recovery"):
        assert hasattr(recovery, name), f"Recovery.{name} is gone: transport.Consumer._recover keeps its books there"
    assert not recovery.in_recovery
    signal = recovery.signal_recovery_end
    assert signal is recovery.signal_recovery_end, "signal_recovery_end is made anew each time: nobody would hear ours"
    signal.set()
    signal.clear()
    tp = TP(topics.changelog(app.settings, topics.ENGAGEMENT), 0)
    recovery.add_active(app.tables[topics.ENGAGEMENT], tp)
    assert tp in recovery.active_tps
    assert recovery.tp_to_table[tp].data is app.tasks.store(topics.ENGAGEMENT)
    assert recovery.active_offsets.get(tp) in {None, -1}, "a changelog that was never read no longer stands at -1"


async def test_changelogs_have_the_names_that_we_create_and_are_told_apart(app: App) -> None:
    for name in (topics.ENGAGEMENT, topics.DELIVERIES):
        wanted = topics.changelog(app.settings, name)
        assert app.tables[name].changelog_topic_name == wanted, (  # type: ignore[attr-defined]
            "Faust names changelogs differently: topics.changelog creates the wrong ones"
        )
        assert wanted in app.tables.changelog_topics


@pytest.mark.parametrize(("store", "kind"), [("memory", stores.MemoryStore), ("rocksdb", rocks.RocksStore)])
async def test_tables_have_our_store(store: Literal["memory", "rocksdb"], kind: type[stores.TableStore]) -> None:
    app = create_app(Settings(brokers="127.0.0.1:1", store=store))
    assert STORES.aliases[table.SCHEMES[store]].endswith(f":{kind.__name__}"), (
        "STORES.aliases: see streams/runtime/table.py"
    )
    assert isinstance(app.tasks.store(topics.ENGAGEMENT), kind)
    assert isinstance(app.tables, table.Tables)


async def test_the_books_of_a_rebalance_are_opened_after_the_tasks_have_started(app: App) -> None:
    order = []

    async def assign(assigned: set[TP]) -> None:
        order.append("tasks")

    async def recovery(*_: Any) -> None:
        order.append("recovery")

    app.tasks.assign = assign  # type: ignore[method-assign]

    async def nothing() -> None:
        """Faust would start the tables, which takes a broker."""

    app.tables.recovery.on_rebalance = recovery  # type: ignore[attr-defined]
    app.tables._update_channels = nothing  # type: ignore[attr-defined]
    await app.tables.on_rebalance(set(), set(), set(), 1)
    assert order == ["tasks", "recovery"], "the ends of the changelogs would be read before the old owner is fenced"


@pytest.mark.parametrize(
    ("owner", "text", "used"),
    [
        (faust.App._on_partitions_assigned, "self.tables.on_rebalance", "table.Tables.on_rebalance"),
        (Recovery, "consumer.perform_seek()", "transport.Consumer.perform_seek"),
        (Recovery, "self.signal_recovery_end", "transport.Consumer._recover"),
        (Recovery, "on_rebalance_end()", "application.App.on_rebalance_end"),
        (driver.ConsumerRebalanceListener, ".on_partitions_revoked", "transport.Consumer.on_partitions_revoked"),
        (FaustConsumer.getmany, "self._to_message", "transport.Consumer._to_message"),
        (FaustConsumer, "self._getmany(", "transport.Consumer._getmany"),
        (ModeWorker.default_on_first_start, "self.install_signal_handlers()", "worker.Worker"),
        (ModeWorker.execute_from_commandline, "self._starting_fut = ", "worker.Worker: what a signal cancels"),
        (ModeWorker.stop_and_shutdown, "self._shutdown_loop()", "worker.Worker: the last that is done"),
        (TableManager.on_start, "await self._update_channels()", "table.Tables.on_start does the same"),
        (TableManager.on_start, "await self.recovery.start()", "table.Tables.on_start does the same"),
        (ModeWorker.execute_from_commandline, "self.stop_and_shutdown()", "worker.Worker: a cancelled start stops"),
        (AIOKafkaClient.ready, "self._get_conn(", "producer.Producer._connect_patiently"),
        (AIOKafkaClient.send, "self.ready(", "producer.Producer._connect_patiently"),
        (AIOKafkaClient._metadata_update, "self._get_conn(", "producer.Producer._connect_patiently"),
    ],
    ids=named,
)
def test_what_we_have_overridden_is_still_called(owner: Any, text: str, used: str) -> None:
    assert text in inspect.getsource(owner), (
        f"{owner.__qualname__} has no {text!r}: streams/runtime/{used} is not called"
    )


def foreign(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Private names that are taken from anything but `self` and `cls`."""
    for node in ast.walk(tree):
        if not isinstance(node, ast.Attribute) or not node.attr.startswith("_") or node.attr.startswith("__"):
            continue
        if not (isinstance(node.value, ast.Name) and node.value.id in {"self", "cls"}):
            yield node.lineno, node.attr


def test_every_private_name_that_the_runtime_takes_from_others_is_pinned() -> None:
    found = {
        name: f"{path.name}:{line}"
        for path in sorted(RUNTIME.glob("*.py"))
        for line, name in foreign(ast.parse(path.read_text()))
    }
    new = {name: place for name, place in found.items() if name not in PINNED_PRIVATE and name not in OWN}
    assert not new, f"pin these in {Path(__file__).name}, and test what is expected of them: {new}"
    assert set(PINNED_PRIVATE) <= set(found), f"no longer used: {set(PINNED_PRIVATE) - set(found)}"


def test_a_private_name_that_is_taken_from_another_object_is_seen() -> None:
    tree = ast.parse("self._own\nconsumer._fetcher\nself.app._secret = 1\nother.__class__\nsuper()._getmany()")
    assert sorted(foreign(tree)) == [(2, "_fetcher"), (3, "_secret"), (5, "_getmany")]


@pytest.fixture
async def app() -> App:
    """The worker's application, built and not started: no broker is asked."""
    app = create_app(Settings(brokers="127.0.0.1:1", app_id="pins", partitions=2))
    app.loop = asyncio.get_running_loop()
    app.finalize()
    return app
