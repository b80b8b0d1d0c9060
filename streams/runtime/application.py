"""The Faust application: agents, tables, and the hooks in which tasks begin and end."""

import asyncio
import gc
import logging
import random
import ssl
from time import monotonic
from typing import Any, Final

import aiohttp
import faust
from faust.serializers import codecs
from yarl import URL

from alerting.delivery.slack_api import SlackApi
from streams.runtime import topics
from streams.runtime.channels import apis_of, channels_of, doubts_of, people_of
from streams.runtime.intact import refuse_without_state
from streams.runtime.metrics import Metrics
from streams.runtime.presses import Presses
from streams.runtime.refusals import Refusals
from streams.runtime.rights import refuse_without_rights
from streams.runtime.session import refuse_impossible_session
from streams.runtime.settings import Settings
from streams.runtime.socket_mode import SocketMode
from streams.runtime.state_directory import StateDirectory, path_of
from streams.runtime.table import SCHEMES, Table, Tables
from streams.runtime.tasks import Tasks
from streams.runtime.topic_ids import TopicIds
from streams.runtime.topics import DELIVERIES, ENGAGEMENT
from streams.runtime.transport import Transport
from streams.runtime.watch import watch
from streams.runtime.web import Web
from streams.runtime.worker import Worker
from streams.runtime.writer import has_transactions

log = logging.getLogger(__name__)


class _Whole(codecs.Codec):
    """A batch is handed on as it is."""

    def _loads(self, s: Any) -> Any:
        return s

    def _dumps(self, s: Any) -> Any:
        return s


codecs.register("whole", _Whole())
_PLAIN: Final[dict[str, Any]] = {
    "acks": False,  # the tasks commit, in their transactions; Faust is to track nothing
    "key_type": None,
    "value_type": None,
    "key_serializer": "whole",
    "value_serializer": "whole",
}

_GC_THRESHOLDS: Final = (500_000, 20, 50)
"""Events that wait and accounts are many objects and no cycles: looked through as often as Python does by itself
(700, 10, 10), they cost a tenth of the worker's time. So many events rarely wait."""

_ANSWER_SECONDS: Final = 90.0
"""So long Faust waits for an answer by itself. It takes no session that is longer than that; and who joins a group is
answered once all have let go."""
_MARGIN_SECONDS: Final = 10.0


class App(faust.App):
    """slackwater on Faust. Build it with `create_app`."""

    settings: Settings
    metrics: Metrics
    tasks: Tasks
    _directory: StateDirectory | None = None
    _session: aiohttp.ClientSession | None = None
    _presses: Presses | None = None
    _listening: tuple[asyncio.Task[None], ...] = ()

    async def on_start(self) -> None:
        """Look at the broker and its topics before anything is joined. Raises `StartError`, `BrokerError`."""
        await self._prepare()
        self.add_future(watch(self.tasks))
        self._listen()
        await self.add_runtime_dependency(Web(self, beacon=self.beacon, loop=self.loop))
        gc.collect()
        gc.freeze()
        gc.set_threshold(*_GC_THRESHOLDS)
        await super().on_start()

    async def on_first_start(self) -> None:
        """Faust would make a data directory, which is not needed."""

    async def on_stop(self) -> None:
        """Flush and let go before Faust stops its consumer."""
        if self.tasks.by_tp:
            log.info("stopping")
        self.tables.give_up()  # type: ignore[attr-defined]
        await asyncio.gather(self.tasks.release(), self._stop_listening())
        await self.tasks.fleet.stop()
        await self.tasks.aliases.stop()
        await super().on_stop()
        for store in self.metrics.standings.stores:
            store.close()
        if self._directory is not None:
            self._directory.release()
        if self._session is not None:
            await self._session.close()
        if self.tasks.topic_ids is not None:
            await self.tasks.topic_ids.close()

    def on_rebalance_end(self) -> None:
        """See Faust."""
        super().on_rebalance_end()
        self.tasks.check_ready()

    @property
    def ready(self) -> bool:
        """Assigned and recovered."""
        return not self.rebalancing and self.tasks.ready

    def stuck(self, seconds: float) -> str:
        """What has made no progress for so long; empty when all is well."""
        now = monotonic()
        if self.ready and now - self.tasks.consumer.fetched_at > seconds:
            return "the fetch loop does not turn"
        late = [task for task in self.tasks.by_tp.values() if task.position is not None and now - task.beat > seconds]
        return f"{late[0].stage} of {late[0].tp.topic}/{late[0].tp.partition} does not get on" if late else ""

    def _listen(self) -> None:
        """Hear of buttons that are pressed in Slack."""
        settings, session = self.settings, self._session
        if session is None or not self.tasks.routes or not settings.app_tokens:
            return
        self._presses = Presses(settings, people_of(settings), session, self.metrics)
        self.tasks.refusals = Refusals(apis_of(settings, session))
        draw = random.SystemRandom().random
        for token in settings.app_tokens:
            api = SlackApi(session, token, settings.slack_api_url, settings.slack_timeout)
            listening = SocketMode(api, session, self._presses.take, self.metrics.slack_connections.inc, draw).run()
            self._listening += (asyncio.create_task(listening, name="buttons"),)

    async def _stop_listening(self) -> None:
        for each in self._listening:
            each.cancel()
        await asyncio.gather(*self._listening, return_exceptions=True)
        if self._presses is not None:
            await self._presses.stop()
        await self.tasks.refusals.stop()

    async def _prepare(self) -> None:
        settings, tasks = self.settings, self.tasks
        await refuse_without_rights(settings)
        await topics.refuse_wrong(settings)
        await refuse_without_state(settings)
        await topics.create(settings, roles=("output", "internal"))  # not before it is known that it can start
        if settings.store == "rocksdb":
            self._directory = StateDirectory(path_of(settings))
            await self._directory.take()
        partitions = await topics.partition_counts(settings)
        tasks.origins = frozenset(f"{name}/{number}" for name in tasks.inputs for number in range(partitions[name]))
        tasks.topic_ids = TopicIds(
            settings,
            [
                *tasks.stages,
                *tasks.changelogs.values(),
                settings.fleet_topic,
                settings.alias_topic,
                settings.parked_topic,
            ],
        )
        tasks.dead_letter_partitions = partitions[settings.topic("dead_letters")]
        tasks.transactions = await has_transactions(settings)
        if tasks.transactions:
            await refuse_impossible_session(settings)
        self.metrics.exactly_once.set(tasks.transactions)
        self.metrics.wall_clock.set(settings.clock == "wall")
        log.info("application %s at %s, %d partitions", settings.app_id, settings.brokers, settings.partitions)
        if not tasks.transactions:
            log.warning("this broker has no transactions: a crash may repeat what was flushed last")
        self._session = aiohttp.ClientSession()
        tasks.channels = channels_of(settings, tasks.routes, self._session)
        if settings.shadow:
            log.info("shadow: every alert is recorded, and nothing is sent")
        elif not tasks.routes:
            log.warning(
                "no route: alerts go to the topic only (set SLACKWATER_SLACK_WEBHOOK_URL or ..._SLACK_BOT_TOKEN)"
            )
        for doubt in doubts_of(settings):
            log.warning("%s", doubt)
        for log_of_all in (tasks.fleet, tasks.aliases):
            await log_of_all.start(unbroken=not tasks.transactions)


def create_app(settings: Settings) -> App:
    """The application, as `faust -A streams.app` and `slackwater worker` run it."""
    seconds = 1 / 1000
    longest = max(settings.session_timeout, settings.rebalance_timeout)
    app = App(
        settings.app_id,
        broker=[URL(f"kafka://{address}") for address in settings.brokers.split(",")],
        broker_credentials=_credentials(settings),
        store=f"{SCHEMES[settings.store]}://",
        datadir=settings.state_dir,
        Table=Table,
        TableManager=Tables,
        Worker=Worker,
        topic_partitions=settings.partitions,
        topic_replication_factor=max(settings.replication_factor, 1),
        topic_disable_leader=True,
        topic_allow_declare=False,  # they are there; and to ask for them again needs the right to create them
        web_enabled=False,
        web_tables_enabled=False,
        stream_wait_empty=False,
        broker_max_poll_records=5_000,
        consumer_max_fetch_size=1 << 20,
        broker_session_timeout=settings.session_timeout * seconds,
        broker_heartbeat_interval=settings.heartbeat_interval * seconds,
        broker_rebalance_timeout=settings.rebalance_timeout * seconds,
        broker_request_timeout=max(_ANSWER_SECONDS, longest * seconds + _MARGIN_SECONDS),
        consumer_auto_offset_reset="earliest",
    )
    app.settings = settings
    app.metrics = Metrics()
    app.tasks = Tasks(app, settings, app.metrics)
    app.metrics.workload.app = app
    stages = {topic: stage.stage for topic, stage in app.tasks.stages.items()}
    app.metrics.begin_at_zero(stages, app.tasks.inputs, [route.name for route in app.tasks.routes])
    app.transport = Transport(app.conf.broker_consumer, app)
    schema: faust.Schema[Any, Any] = faust.Schema(key_serializer="raw", value_serializer="raw")
    for table in (ENGAGEMENT, DELIVERIES):
        made = app.Table(table, partitions=settings.partitions, schema=schema)
        app.metrics.standings.stores.append(made.data)  # type: ignore[arg-type]  # the scheme says which
    for name, stage in app.tasks.stages.items():
        app.agent(app.topic(name, **_PLAIN), name=f"{stage.stage}-{name}")(_hand_over(app))
    return app


def _hand_over(app: App) -> Any:
    async def agent(stream: Any) -> None:
        async for event in stream.events():
            app.tasks.handle(event)

    return agent


def _credentials(settings: Settings) -> Any:
    kafka = settings.kafka()
    context: ssl.SSLContext | None = kafka.get("ssl_context")
    if settings.security_protocol.startswith("SASL"):
        return faust.SASLCredentials(
            username=kafka["sasl_plain_username"],
            password=kafka["sasl_plain_password"],
            mechanism=settings.sasl_mechanism,
            ssl_context=context,
        )
    return faust.SSLCredentials(context) if context is not None else None
