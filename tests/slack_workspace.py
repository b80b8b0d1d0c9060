"""A Slack workspace as its Web API and Socket Mode show it: a real HTTP server, with one channel, for bots.

`async with Workspace() as slack`: `slack.messages` is what stands in the channel and its threads, as it reads now.
`slack.moods["chat.update"] = [...]` are answers in place of the usual one, one a call. `slack.press(...)` is somebody
at a button: the envelope goes to one of the connections, as Slack does it, and `slack.acknowledged` has its answer.
"""

import asyncio
import json
import time
from collections import defaultdict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from itertools import count
from typing import Any
from uuid import uuid4

from aiohttp import WSMsgType, web

from tests.local_server import LocalServer

CHANNEL = "C0000000001"
BOT_TOKEN = "xoxb-1-SecretOfTheBot"
APP_TOKEN = "xapp-1-SecretOfTheApp"
TICKET = "SecretTicket"
SECRETS = ("SecretOfTheBot", "SecretOfTheApp", TICKET, "SecretResponse")
Mood = Callable[["Workspace", dict[str, Any]], Awaitable[web.StreamResponse]]


@dataclass
class Posted:
    """A message. `thread_ts`: None for one in the channel itself; `broadcast`: shown there as well."""

    ts: str
    text: str
    blocks: list[dict[str, Any]]
    thread_ts: str | None = None
    broadcast: bool = False
    metadata: dict[str, Any] = field(default_factory=dict)

    @property
    def buttons(self) -> dict[str, dict[str, Any]]:
        """Its buttons, by what stands on them."""
        rows = [block["elements"] for block in self.blocks if block["type"] == "actions"]
        return {element["text"]["text"]: element for row in rows for element in row}

    def as_json(self) -> dict[str, Any]:
        """As the Web API has it."""
        thread = {"thread_ts": self.thread_ts} if self.thread_ts else {}
        return {"type": "message", "ts": self.ts, "text": self.text, "metadata": self.metadata, **thread}


class Workspace(LocalServer):
    """See the module. It may be away: `leave()`, `come_back()`."""

    def __init__(self) -> None:
        super().__init__()
        self.url = f"http://{self.address}/api/"
        self.messages: list[Posted] = []
        self.calls: list[tuple[str, dict[str, Any]]] = []
        self.moods: defaultdict[str, list[Mood]] = defaultdict(list)
        self.may_read = True
        self.sockets: list[web.WebSocketResponse] = []
        self.acknowledged: dict[str, float] = {}
        """Seconds until the answer to each envelope."""
        self.told: list[dict[str, Any]] = []
        """What was said to those who pressed."""
        self.whispered: list[dict[str, Any]] = []
        """What was posted to somebody alone."""
        self._sent: dict[str, float] = {}
        self._tickets: set[str] = set()
        self._ids = count(1)
        self._turn = count()

    @property
    def channel(self) -> list[Posted]:
        """What stands in the channel itself."""
        return [each for each in self.messages if each.thread_ts is None]

    def thread(self, first: Posted) -> list[Posted]:
        """The replies to a message."""
        return [each for each in self.messages if each.thread_ts == first.ts]

    def called(self, method: str) -> list[dict[str, Any]]:
        """What a method was called with, each time."""
        return [arguments for name, arguments in self.calls if name == method]

    def routes(self) -> list[web.RouteDef]:
        """See `LocalServer`."""
        return [
            web.post("/api/{method}", self._call),
            web.get("/link", self._link),
            web.post("/actions/{rest:.*}", self._response),
        ]

    async def press(
        self, message: Posted, label: str, user: str = "U0000000001", *, envelope: str | None = None, at: str = ""
    ) -> str:
        """Somebody presses a button: returns the envelope's id once it is sent. `at`: Slack's time of it."""
        button = message.buttons[label]
        action = {"type": "button", "action_ts": at or f"{time.time():.6f}", "block_id": "b"} | {
            name: button[name] for name in ("action_id", "value", "text")
        }
        payload = {
            "type": "block_actions",
            "user": {"id": user, "username": "ann", "name": "ann", "team_id": "T0000000001"},
            "container": {"type": "message", "message_ts": message.ts, "channel_id": CHANNEL},
            "message": message.as_json(),
            "response_url": f"http://{self.address}/actions/SecretResponse",
            "actions": [action],
        }
        return await self.send({"type": "interactive", "payload": payload, "accepts_response_payload": True}, envelope)

    async def send(self, message: dict[str, Any], envelope: str | None = None) -> str:
        """Send an envelope over one of the connections."""
        named = envelope or str(uuid4())
        socket = self.sockets[next(self._turn) % len(self.sockets)]
        self._sent[named] = time.monotonic()
        await socket.send_json(message | {"envelope_id": named})
        return named

    async def disconnect(self, reason: str) -> None:
        """Announce to every connection that it ends."""
        for socket in self.sockets:
            await socket.send_json({"type": "disconnect", "reason": reason, "debug_info": {"host": "applink-1"}})

    def drop(self) -> None:
        """Break every connection."""
        for socket in list(self.sockets):
            assert socket._req is not None
            assert socket._req.transport is not None
            socket._req.transport.abort()

    async def _call(self, request: web.Request) -> web.StreamResponse:
        method = request.match_info["method"]
        if request.content_type == "application/json":
            arguments = await request.json()
        else:
            arguments = dict(await request.post())
        self.calls.append((method, arguments))
        wanted = APP_TOKEN if method == "apps.connections.open" else BOT_TOKEN
        if request.headers.get("Authorization") != f"Bearer {wanted}":
            return web.json_response({"ok": False, "error": "invalid_auth"})
        if moods := self.moods[method]:
            return await moods.pop(0)(self, arguments)
        return web.json_response(self.carry_out(method, arguments))

    def carry_out(self, method: str, arguments: dict[str, Any]) -> dict[str, Any]:
        """What a method does, and gives."""
        if method == "auth.test":
            return {"ok": True, "user": "slackwater", "team": "Acme"}
        if method == "apps.connections.open":
            ticket = f"{TICKET}{next(self._ids)}"
            self._tickets.add(ticket)
            return {"ok": True, "url": f"ws://{self.address}/link?ticket={ticket}"}
        if arguments.get("channel") != CHANNEL:
            return {"ok": False, "error": "channel_not_found"}
        writing = {"chat.postMessage": self._post, "chat.update": self._update, "chat.postEphemeral": self._whisper}
        if method in writing:
            return writing[method](arguments)
        if not self.may_read:
            return {"ok": False, "error": "missing_scope"}
        if method == "conversations.history":
            return {"ok": True, "messages": [each.as_json() for each in reversed(self.channel)]}
        assert method == "conversations.replies"
        asked = [each for each in self.messages if arguments["ts"] in (each.ts, each.thread_ts)]
        return {"ok": True, "messages": [each.as_json() for each in asked]}

    def _post(self, arguments: dict[str, Any]) -> dict[str, Any]:
        thread = arguments.get("thread_ts")
        if thread is not None and not any(each.ts == thread for each in self.channel):
            return {"ok": False, "error": "thread_not_found"}
        ts = f"1700000000.{next(self._ids):06}"
        broadcast, metadata = bool(arguments.get("reply_broadcast")), arguments.get("metadata", {})
        self.messages.append(Posted(ts, arguments["text"], arguments.get("blocks", []), thread, broadcast, metadata))
        return {"ok": True, "channel": CHANNEL, "ts": ts}

    def _update(self, arguments: dict[str, Any]) -> dict[str, Any]:
        for each in self.messages:
            if each.ts == arguments["ts"]:
                each.text, each.blocks = arguments["text"], arguments["blocks"]
                return {"ok": True, "channel": CHANNEL, "ts": each.ts}
        return {"ok": False, "error": "message_not_found"}

    def _whisper(self, arguments: dict[str, Any]) -> dict[str, Any]:
        self.whispered.append(arguments)
        return {"ok": True, "message_ts": "1700000000.000001"}

    async def _link(self, request: web.Request) -> web.WebSocketResponse:
        ticket = request.query["ticket"]
        if ticket not in self._tickets:
            raise web.HTTPRequestTimeout  # so Slack answers when a ticket was used
        self._tickets.remove(ticket)
        socket = web.WebSocketResponse(autoping=True)
        await socket.prepare(request)
        await socket.send_json({"type": "hello", "num_connections": len(self.sockets) + 1})
        self.sockets.append(socket)
        try:
            async for message in socket:
                if message.type is WSMsgType.TEXT:
                    envelope = json.loads(message.data)["envelope_id"]
                    self.acknowledged[envelope] = time.monotonic() - self._sent[envelope]
        finally:
            self.sockets.remove(socket)
        return socket

    async def _response(self, request: web.Request) -> web.Response:
        self.told.append(await request.json())
        return web.Response(text="ok")


def says(code: str, status: int = 200, **headers: str) -> Mood:
    """Refuses, with one of Slack's codes."""

    async def mood(slack: Workspace, arguments: dict[str, Any]) -> web.StreamResponse:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return web.json_response({"ok": False, "error": code}, status=status, headers=named)

    return mood


def text(body: str, status: int) -> Mood:
    """Answers with what is no JSON."""

    async def mood(slack: Workspace, arguments: dict[str, Any]) -> web.StreamResponse:
        return web.Response(text=body, status=status)

    return mood


def does_and_hangs(method: str) -> Mood:
    """Carries it out, and never says so."""

    async def mood(slack: Workspace, arguments: dict[str, Any]) -> web.StreamResponse:
        slack.carry_out(method, arguments)
        await asyncio.sleep(60)
        return web.Response()

    return mood


async def hangs(slack: Workspace, arguments: dict[str, Any]) -> web.StreamResponse:
    """Never answers."""
    await asyncio.sleep(60)
    return web.Response()
