"""The time that a request has is the time in which its answer could have been taken."""

import asyncio
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread

import pytest
from aiohttp import ClientSession
from pydantic import SecretStr

from alerting.delivery.answers import OK, Failure
from alerting.delivery.patience import in_time
from alerting.delivery.slack import SlackChannel
from alerting.message import Message

MESSAGE = Message("a")
TIMEOUT_MS = 300


class Apart:
    """A Slack with a thread of its own: it answers also while the test's loop stands still. `asked`: it was."""

    def __init__(self) -> None:
        self.asked, self.answers = Event(), Event()
        apart = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                self.rfile.read(int(self.headers["Content-Length"]))
                apart.asked.set()
                apart.answers.wait(10)
                self.send_response(200)
                self.send_header("Content-Length", "2")
                self.end_headers()
                self.wfile.write(b"ok")

            def log_message(self, *_: object) -> None: ...

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/services/x"


@pytest.fixture
def slack() -> Iterator[Apart]:
    apart = Apart()
    thread = Thread(target=apart.server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield apart
    apart.answers.set()
    apart.server.shutdown()
    apart.server.server_close()
    thread.join()


async def test_an_answer_that_came_while_the_loop_stood_still_is_taken(slack: Apart) -> None:
    async with ClientSession() as session:
        sending = asyncio.ensure_future(SlackChannel(session, SecretStr(slack.url), TIMEOUT_MS).send(MESSAGE))
        while not slack.asked.is_set():  # noqa: ASYNC110 - it is set in another thread
            await asyncio.sleep(0.01)
        slack.answers.set()
        time.sleep(2 * TIMEOUT_MS / 1_000)  # noqa: ASYNC251 - this is what a summary of many does, or a starved machine
        assert await sending == OK


async def test_one_that_does_not_come_is_waited_for_as_long_as_it_may_take(slack: Apart) -> None:
    async with ClientSession() as session:
        began = time.monotonic()
        answer = await SlackChannel(session, SecretStr(slack.url), TIMEOUT_MS).send(MESSAGE)
        assert answer.failure is Failure.TIMEOUT
        assert TIMEOUT_MS / 1_000 <= time.monotonic() - began < 10 * TIMEOUT_MS / 1_000


@pytest.mark.slow
async def test_it_has_an_end_also_where_the_loop_never_keeps_time() -> None:
    busy = True

    async def hinders() -> None:
        while busy:
            time.sleep(0.02)  # noqa: ASYNC251
            await asyncio.sleep(0)

    other = asyncio.ensure_future(hinders())
    with pytest.raises(TimeoutError):
        await in_time(asyncio.sleep(60), 0.1)
    busy = False
    await other


async def test_whoever_is_cancelled_cancels_the_request_and_what_it_raises_is_passed_on() -> None:
    cancelled = asyncio.Event()

    async def hangs() -> None:
        try:
            await asyncio.sleep(60)
        finally:
            cancelled.set()

    waiting = asyncio.ensure_future(in_time(hangs(), 60))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert cancelled.is_set()

    async def fails() -> None:
        raise ConnectionError("gone")

    with pytest.raises(ConnectionError, match="gone"):
        await in_time(fails(), 60)
