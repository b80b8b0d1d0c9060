"""The demo's course of events, from an empty broker to the score."""

import asyncio
import secrets
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError

from schemas.alerts import Transition
from streams.broker import ExternalBroker, open_broker
from streams.broker.ready import free_port
from streams.cli.demo.screen import Screen
from streams.cli.demo.show import Show
from streams.cli.demo.worker import Worker, WorkerError
from streams.cli.reading import committed
from streams.produce import Pace, Sent, send
from streams.produce.simulated import records
from streams.runtime import topics
from streams.runtime.settings import Settings, load_settings
from streams.simulator import simulate, truths
from streams.simulator.names import CORE, INTENT
from streams.simulator.score import ScoreCard, score

#: After the last event the clock moves on by so much: the last hour is applied, the last day closed.
SETTLE_MS = 3 * 3_600_000
_CATCH_UP_PATIENCE = 120.0
_QUIET = 2.0  # seconds without anything new that end the show once all is read


async def perform(show: Show, screen: Screen) -> ScoreCard:
    """Run the demo and return its score. Raises SlackwaterError when a part of it breaks. Leaves nothing behind."""
    broker = open_broker(show.broker)
    with tempfile.TemporaryDirectory(prefix="slackwater-demo-") as home:
        screen.say(f"Starting the broker ({show.broker})")
        async with broker:
            environment = _environment(broker.address, Path(home))
            settings = load_settings(environment)
            async with _topics(settings, remove=isinstance(broker, ExternalBroker)):
                screen.say("Starting the worker")
                async with Worker(environment, settings, Path(home) / "worker.log") as worker:
                    screen.introduce(broker.address, worker.address)
                    return await _play(show, screen, settings, worker)


async def _play(show: Show, screen: Screen, settings: Settings, worker: Worker) -> ScoreCard:
    plan = show.plan
    seen: list[Transition] = []
    reading = asyncio.create_task(_read(settings, screen, seen))
    telling = asyncio.create_task(screen.tell_messages())
    helpers = [reading, telling, asyncio.create_task(worker.watch())]
    sending = asyncio.create_task(_send_and_settle(show, screen, settings, worker, seen))
    try:
        await asyncio.wait([sending, *helpers], return_when=asyncio.FIRST_COMPLETED)
        for task in (*helpers, sending):
            if task.done():
                task.result()  # raises what broke; a helper never ends otherwise
        await screen.finish()
    finally:
        for task in (sending, *helpers):
            task.cancel()
        await asyncio.gather(sending, *helpers, return_exceptions=True)
    return score(truths(plan), seen, since=plan.start, until=plan.end)


async def _send_and_settle(
    show: Show, screen: Screen, settings: Settings, worker: Worker, seen: list[Transition]
) -> None:
    events = records(simulate(show.plan))
    sent = await send(
        events, settings, pace=Pace(show.schedule, time.monotonic), settle_ms=SETTLE_MS, progress=screen.progress
    )
    screen.say("All events are sent; the worker finishes the last day")
    await _caught_up(worker, settings, sent, seen)


async def _caught_up(worker: Worker, settings: Settings, sent: Sent, seen: list[Transition]) -> None:
    """Return when the worker's own clocks have reached the end, and nothing new has come out of it for a while."""
    assert sent.last_at is not None
    end = (sent.last_at + SETTLE_MS) / 1000
    deadline = time.monotonic() + _CATCH_UP_PATIENCE
    count, quiet_since = -1, time.monotonic()
    while True:
        metrics = await worker.metrics()
        clocks = [value for name, value in metrics.items() if name.startswith("slackwater_home_clock_seconds{")]
        now = time.monotonic()
        if len(seen) != count or len(clocks) < settings.partitions or min(clocks) < end:
            count, quiet_since = len(seen), now
        if now - quiet_since > _QUIET:
            return
        if now > deadline:
            left = (end - min(clocks, default=0.0)) / 86_400
            raise WorkerError(f"the worker did not catch up within {_CATCH_UP_PATIENCE:g} s: {left:.1f} days are left")
        await asyncio.sleep(0.25)


async def _read(settings: Settings, screen: Screen, seen: list[Transition]) -> None:
    """Follow the alerts topic for ever, as any consumer would."""
    async with committed(settings, settings.topic("alerts")) as consumer:
        async for record in consumer:
            transition = Transition.model_validate_json(record.value)
            seen.append(transition)
            screen.transition(transition)


@asynccontextmanager
async def _topics(settings: Settings, *, remove: bool) -> AsyncIterator[None]:
    """The demo's own topics, which a broker that stays is rid of again afterwards."""
    await topics.create(settings)
    try:
        yield
    finally:
        if remove:
            await _remove_topics(settings)


async def _remove_topics(settings: Settings) -> None:
    admin = AIOKafkaAdminClient(**settings.kafka())
    try:
        await admin.start()
        own = [name for name in await admin.list_topics() if name.startswith(settings.app_id)]
        await admin.delete_topics(own)
    except (KafkaError, OSError):
        pass  # the broker is gone, and the topics with it or not; there is nobody to ask
    finally:
        await admin.close()


def _environment(brokers: str, home: Path) -> dict[str, str]:
    """Complete settings for the worker. The names are the demo's alone, so that it may run on any broker."""
    app_id = f"slackwater-demo-{secrets.token_hex(3)}"
    config = home / "slackwater.toml"  # none of the user's own is to be read
    config.write_text("", encoding="utf-8")
    return {
        "SLACKWATER_CONFIG": str(config),
        "SLACKWATER_BROKERS": brokers,
        "SLACKWATER_APP_ID": app_id,
        "SLACKWATER_TOPIC_PREFIX": f"{app_id}.",
        "SLACKWATER_PARTITIONS": "2",
        "SLACKWATER_CLOCK": "events",
        "SLACKWATER_KEY_ACTIONS": ",".join(CORE),
        "SLACKWATER_INTENT_EVENTS": ",".join(INTENT),
        "SLACKWATER_CONSOLE": "true",
        # A day goes by in half a second: nothing is to be gathered by the clock of the wall.
        "SLACKWATER_LIMIT_PER_HOUR": "0",
        "SLACKWATER_GROUP_WAIT": "0s",
        "SLACKWATER_GROUP_INTERVAL": "0s",
        "SLACKWATER_WEB_PORT": str(free_port()),
        "SLACKWATER_STATE_DIR": str(home / "state"),
        # The embedded broker waits half a rebalance timeout for more members.
        "SLACKWATER_REBALANCE_TIMEOUT": "4s",
        "SLACKWATER_SESSION_TIMEOUT": "6s",
        "SLACKWATER_HEARTBEAT_INTERVAL": "1s",
        "SLACKWATER_LAGGING_FLUSH": "1s",
    }
