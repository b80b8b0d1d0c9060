"""Slack's Socket Mode: what people do with a bot's buttons comes in over a websocket that slackwater opens.

Every worker holds a connection of its own. Slack sends each envelope over any one of an app's connections
(https://docs.slack.dev/apis/events-api/using-socket-mode), so that there is somebody to take it as long as any worker
runs, and nobody has to be chosen; what an envelope leads to is the same whoever takes it, and however often. Slack
allows ten at a time: a worker that is one too many waits, and tries again now and then.

Not slack_sdk's client. Measured with 3.47: when the websocket cannot be opened, it tries the same address for ever,
which is good for one time only; a token that was revoked it tries again every five seconds without end; and it logs the
address, with its ticket.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine
from enum import StrEnum
from time import monotonic
from typing import Any, Final

import orjson
from aiohttp import ClientSession, ClientWebSocketResponse, ClientWSTimeout, WSMsgType

from alerting.delivery.answers import Answer, Verdict, judge
from alerting.delivery.slack_api import SlackApi, object_of
from alerting.policy import DeliveryPolicy

log = logging.getLogger(__name__)

ANSWER_SECONDS: Final = 2.0
"""An envelope is answered at the latest: Slack tells its user after three that it did not work."""
HEARTBEAT_SECONDS: Final = 20.0
"""Between two pings; a connection without a pong is given up half as long after one."""
OPEN_SECONDS: Final = 10.0
LEAVE_SECONDS: Final = 30.0
"""So long a connection is read on that Slack is about to close, while the next one is there already."""
STEADY_SECONDS: Final = 60.0
"""A connection that ends sooner counts as a failure."""
LAST_SECONDS: Final = 2.0
"""What is being taken has so long to end when the worker does."""
MESSAGE_BYTES: Final = 1 << 20
_CLOSING: Final = ClientWSTimeout(ws_close=1.0)
"""Slack answers the end of a connection, and leaves it open."""


class End(StrEnum):
    """Why a connection is none any more, or soon; all but the first are reasons that Slack gives."""

    CLOSED = "closed"
    REFRESH = "refresh_requested"
    WARNING = "warning"
    TOO_MANY = "too_many_websockets"
    DISABLED = "link_disabled"


_LASTING: Final = frozenset({End.TOO_MANY, End.DISABLED})
"""What does not pass by itself in a moment."""


class SocketMode:
    """A connection for one app-level token, whenever one can be had.

    `take` is given the payload of each interaction; what it raises is logged. `connected` is told of each connection: 1
    when it is there, -1 when it is gone. `draw`: uniform random numbers in [0, 1), for the jitter of waits.
    """

    def __init__(
        self,
        api: SlackApi,
        session: ClientSession,
        take: Callable[[object], Awaitable[None]],
        connected: Callable[[int], object],
        draw: Callable[[], float],
        policy: DeliveryPolicy | None = None,
    ) -> None:
        self._api = api
        self._session = session
        self._take = take
        self._connected = connected
        self._draw = draw
        self._policy = policy or DeliveryPolicy()
        self._readings: set[asyncio.Task[End]] = set()
        self._takings: set[asyncio.Task[None]] = set()
        self._failures = 0
        self._probes = 0

    async def run(self) -> None:
        """Never returns, and raises nothing but `asyncio.CancelledError`."""
        try:
            while True:
                try:
                    wait = await self._once()
                except Exception as error:  # noqa: BLE001 - buttons that do not work are no reason to end a worker
                    log.error("no connection for buttons: %s", type(error).__name__)
                    wait = self._back_off()
                await asyncio.sleep(wait / 1_000)
        finally:
            if self._takings:
                await asyncio.wait(self._takings, timeout=LAST_SECONDS)
            left = [*self._readings, *self._takings]
            for each in left:
                each.cancel()
            await asyncio.gather(*left, return_exceptions=True)

    async def _once(self) -> int:
        """A connection from its beginning to when another one is needed. Returns how long (ms) to wait before that."""
        began = monotonic()
        reply = await self._api.call("apps.connections.open")
        url = reply.body.get("url")
        if not isinstance(url, str):
            return self._not_opened(reply.answer)
        try:
            async with asyncio.timeout(OPEN_SECONDS):
                socket = await self._session.ws_connect(
                    url, heartbeat=HEARTBEAT_SECONDS, max_msg_size=MESSAGE_BYTES, timeout=_CLOSING
                )
        except Exception as error:  # noqa: BLE001 - its text has the address, which has a ticket
            log.warning("no connection for buttons: %s", type(error).__name__)
            return self._back_off()
        leaving: asyncio.Future[End] = asyncio.get_running_loop().create_future()
        reading = asyncio.create_task(self._read(socket, leaving))
        self._readings.add(reading)
        self._connected(1)
        reading.add_done_callback(self._gone)
        await asyncio.wait([reading, leaving], return_when=asyncio.FIRST_COMPLETED)
        end = leaving.result() if leaving.done() else reading.result()
        if end in _LASTING:
            log.warning("Slack ends the connection for buttons: %s", end)
            self._probes += 1
            return self._policy.probe_wait(self._probes)
        self._probes = 0
        if monotonic() - began >= STEADY_SECONDS:
            self._failures = 0
            return 0
        return self._back_off()

    def _not_opened(self, answer: Answer) -> int:
        verdict = judge(answer)
        log.warning("no connection for buttons: %s %s", verdict, answer.short)
        asked = int((answer.retry_after or 0) * 1_000)
        if verdict is Verdict.ROUTE_BROKEN:
            self._probes += 1
            return max(asked, self._policy.probe_wait(self._probes))
        if verdict is Verdict.RATE_LIMITED:
            return asked or self._policy.limited_wait
        return max(asked, self._back_off())

    def _back_off(self) -> int:
        self._failures += 1
        return self._policy.back_off(self._failures, self._draw())

    def _gone(self, reading: asyncio.Task[End]) -> None:
        self._readings.discard(reading)
        self._connected(-1)
        if not reading.cancelled():
            reading.exception()  # looked at: nobody may be waiting for it any more

    async def _read(self, socket: ClientWebSocketResponse, leaving: asyncio.Future[End]) -> End:
        """Read a connection to its end; for a while only, once it is known to be near."""
        until: float | None = None
        try:
            while True:
                left = None if until is None else max(until - monotonic(), 0.0)
                async with asyncio.timeout(left):
                    message = await socket.receive()
                if message.type is not WSMsgType.TEXT:
                    return End.CLOSED
                end = self._understand(object_of(message.data), socket)
                if end is not None and not leaving.done():
                    leaving.set_result(end)
                    until = monotonic() + (0.0 if end in _LASTING else LEAVE_SECONDS)
        except TimeoutError:
            return End.CLOSED
        finally:
            await socket.close()

    def _understand(self, message: dict[str, Any], socket: ClientWebSocketResponse) -> End | None:
        """Begin to do what a message asks for; whether it is the last but few."""
        envelope = message.get("envelope_id")
        if message.get("type") == "disconnect":
            reason = message.get("reason")
            return End(reason) if isinstance(reason, str) and reason in set(End) else End.REFRESH
        if isinstance(envelope, str):
            payload = message.get("payload") if message.get("type") == "interactive" else None
            self._begin(self._answer(envelope, self._begin(self._taken(payload)), socket))
        return None

    def _begin(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        begun = asyncio.create_task(work)
        self._takings.add(begun)
        begun.add_done_callback(self._takings.discard)
        return begun

    async def _answer(self, envelope: str, taking: asyncio.Task[None], socket: ClientWebSocketResponse) -> None:
        """Tell Slack that an envelope is taken: when it is, or before that takes too long."""
        await asyncio.wait([taking], timeout=ANSWER_SECONDS)
        try:
            await socket.send_str(orjson.dumps({"envelope_id": envelope}).decode())
        except Exception as error:  # noqa: BLE001 - the connection is gone; Slack may send it again, over another one
            log.info("an envelope could not be answered: %s", type(error).__name__)

    async def _taken(self, payload: object) -> None:
        if payload is None:
            return
        try:
            await self._take(payload)
        except Exception as error:  # noqa: BLE001 - its own words are about a person and an account
            log.error("a button could not be taken: %s", type(error).__name__)
