"""What is sent to: a worker with routes and a bot, and a board, with secrets of their own, on a broker of their own."""

import base64
import time
from collections import Counter, deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from aiohttp import ClientError, ClientSession, ClientTimeout

from streams.broker import KafkaBroker
from streams.broker.child import ChildProcess
from streams.broker.ready import free_port
from streams.cli.demo.worker import Worker
from tests.e2e.harness import Application, application, eventually
from tests.fuzz.envelopes import Channel
from tests.fuzz.records import Sent
from tests.fuzz.watching import Findings, Memory
from tests.slack_workspace import APP_TOKEN, BOT_TOKEN, CHANNEL
from tests.unit.alerting.slack_server import SlackServer
from tests.unit.board.kit import TOKEN

PARTITIONS: Final = 2
_SIGNING: Final = "whsec_" + base64.b64encode(b"SecretKeyOfTheSigning0123").decode()
_HASH_KEY: Final = "SecretKeyOfTheHashesOfUsers0123456"
SECRETS: Final = {
    "webhook": "x0SecretToken0x0SecretX",
    "signing": _SIGNING.removeprefix("whsec_"),
    "bot": BOT_TOKEN,
    "app": APP_TOKEN,
    "ticket": "SecretTicket",
    "response": "SecretResponse",
    "hashes": _HASH_KEY,
    "board": TOKEN,
}
_TABLES: Final = """
[channels.crm]
type = "webhook"
url_file = "{home}/crm"
secret_file = "{home}/signing"
[channels.cs]
type = "slack_webhook"
url_file = "{home}/cs"
[people]
"ann@vendor.example" = "U0000000001"
[[routes]]
name = "programs"
channel = "crm"
continue = true
[[routes]]
name = "cs"
channel = "cs"
continue = true
"""
ANSWER_SECONDS: Final = 20.0
_KEPT: Final = 20_000


@dataclass(slots=True)
class Run:
    """What a run has at hand, and how far it has come."""

    app: Application
    broker: KafkaBroker
    worker: Worker
    board: ChildProcess
    board_address: str
    slack: Channel
    findings: Findings
    number: int
    until: float
    rate: float
    sent: Counter[str] = field(default_factory=Counter)
    requests: Counter[str] = field(default_factory=Counter)
    statuses: Counter[int] = field(default_factory=Counter)
    suspects: deque[tuple[float, Sent]] = field(default_factory=lambda: deque(maxlen=_KEPT))
    envelopes: int = 0
    memory: dict[str, Memory] = field(default_factory=dict)

    @property
    def over(self) -> bool:
        """Nothing more is to be sent."""
        return time.monotonic() > self.until or not self.alive

    @property
    def alive(self) -> bool:
        """Both processes run."""
        return self.worker.process.exit_status is None and self.board.exit_status is None


@asynccontextmanager
async def running(home: Path, findings: Findings, number: int, rate: float) -> AsyncIterator[Run]:
    """All of it, up and healthy inside."""
    async with KafkaBroker() as broker, SlackServer() as hooks, Channel() as slack:
        (home / "crm").write_text(hooks.url)
        (home / "signing").write_text(_SIGNING)
        (home / "cs").write_text(hooks.url)
        (home / "slackwater.toml").write_text(_TABLES.format(home=home))
        port = free_port()
        app = await application(
            broker,
            home,
            clock="wall",
            partitions=str(PARTITIONS),
            # The machine may be busy: what is late is no finding.
            session_timeout="30s",
            heartbeat_interval="3s",
            rebalance_timeout="60s",
            limit_per_hour="60",
            group_wait="1s",
            slack_bot_token=BOT_TOKEN,
            slack_channel=CHANNEL,
            slack_app_token=APP_TOKEN,
            slack_api_url=slack.url,
            slack_users="any",
            user_hash_key=_HASH_KEY,
            board_port=str(port),
            board_tokens=f"mara={TOKEN}",
            key_actions="login",
            format_usage="auto",
            format_billing="auto",
            format_accounts="auto",
            format_feedback="auto",
        )
        async with app.worker() as worker, app.command("board") as board:
            address = f"http://127.0.0.1:{port}"
            run = Run(app, broker, worker, board, address, slack, findings, number, 0.0, rate)
            run.memory = {"worker": Memory(worker.process), "board": Memory(board)}
            await eventually(lambda: healthy(address), "the board answers", patience=60)
            yield run


async def healthy(address: str) -> bool:
    """Whether a page says so."""
    try:
        timeout = ClientTimeout(ANSWER_SECONDS)
        async with ClientSession(timeout=timeout) as session, session.get(f"{address}/healthz") as answer:
            return answer.status == 200
    except (ClientError, TimeoutError):
        return False
