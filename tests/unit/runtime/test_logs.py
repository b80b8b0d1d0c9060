"""The log tells what goes wrong, once, and says nothing of what belongs to normal operation."""

from __future__ import annotations

import asyncio
import io
import logging
import logging.config
from collections.abc import Iterator
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from aiokafka import conn
from aiokafka.errors import ProducerFenced
from aiokafka.protocol.admin import SaslAuthenticateRequest_v1

from schemas.errors import StateError
from streams.runtime.logs import CLIENT, EVERY, OWN, PATIENCE, PAUSE, REQUESTS, SERVER, Calm, Line, config

SENDER = "aiokafka.producer.sender"
AGAIN = "Got error produce response on topic-partition x-0, retrying. Error: <class 'NotEnoughReplicasError'>"
AWAY = "Unable connect to node with id 1: [Errno 111] Connect call failed"


def told(calm: Calm, text: str, at: float, *, name: str = SENDER, level: int = logging.WARNING) -> str | None:
    """The message as it is told; None when it is held back."""
    record = logging.makeLogRecord({"name": name, "levelno": level, "msg": "%s", "args": (text,), "created": at})
    return record.getMessage() if calm.filter(record) else None


def all_told(calm: Calm, text: str, *, seconds: float, step: float) -> dict[float, str]:
    """What is told, and when, of a message that comes again and again for so long."""
    moments = [number * step for number in range(int(seconds / step))]
    return {at: message for at in moments if (message := told(calm, text, at)) is not None}


@pytest.mark.parametrize(
    "text",
    [
        "Heartbeat failed for group slackwater because it is rebalancing",
        "Unexpected error during InitProducerIdRequest: <class 'aiokafka.errors.UnknownError'>",
    ],
)
def test_what_is_no_fault_is_never_told(text: str) -> None:
    assert all_told(Calm(), text, seconds=60, step=0.1) == {}


def test_what_a_task_has_told_already_is_not_told_by_a_future_of_the_client_again() -> None:
    def of(error: Exception) -> logging.LogRecord:
        exc_info = (type(error), error, None)
        return logging.makeLogRecord({"name": "asyncio", "levelno": logging.ERROR, "msg": "x", "exc_info": exc_info})

    assert not Calm().filter(of(ProducerFenced("no")))
    assert Calm().filter(of(ValueError("no")))


@pytest.mark.parametrize(
    "text",
    [
        AGAIN,
        "Group Coordinator Request failed: [Error 15] GroupCoordinatorNotAvailableError",
        "Marking the coordinator dead (node 1)for group slackwater.",
    ],
)
def test_a_fault_that_passes_is_not_told_and_one_that_does_not_pass_is(text: str) -> None:
    calm = Calm()
    for burst in range(20):  # a transaction a second, each of which is tried again a few times
        assert [told(calm, text, burst + attempt * 0.02) for attempt in range(5)] == [None] * 5
    stuck = all_told(Calm(), text, seconds=PATIENCE + EVERY + 1, step=PAUSE / 2)
    assert list(stuck) == [PATIENCE, PATIENCE + EVERY]
    assert stuck[PATIENCE] == f"{text} (and 20 times more)"


def test_a_fault_is_told_at_once_and_then_now_and_then_with_a_count() -> None:
    assert all_told(Calm(), AWAY, seconds=2 * EVERY + 1, step=0.5) == {
        0.0: AWAY,
        EVERY: f"{AWAY} (and 59 times more)",
        2 * EVERY: f"{AWAY} (and 59 times more)",
    }


def test_a_fault_that_comes_back_is_told_at_once_again() -> None:
    calm = Calm()
    assert told(calm, AWAY, 0) == AWAY
    assert told(calm, AWAY, 1) is None
    assert told(calm, AWAY, 2 + EVERY) == AWAY


def test_other_words_are_another_fault() -> None:
    calm = Calm()
    assert told(calm, AWAY, 0) == AWAY
    assert told(calm, AWAY.replace("id 1", "id 2"), 0) == AWAY.replace("id 1", "id 2")


def test_slackwaters_own_words_and_tracebacks_are_always_told() -> None:
    calm = Calm()
    for _ in range(3):
        assert told(calm, AWAY, 0, name="streams.runtime.tasks") == AWAY
    for _ in range(3):
        record = logging.makeLogRecord({"name": SENDER, "levelno": logging.ERROR, "msg": AWAY, "exc_info": (1, 2, 3)})
        assert calm.filter(record)


def test_the_steps_of_fausts_services_are_not_told_and_their_troubles_are() -> None:
    calm, name = Calm(), "streams.runtime.web"  # a service logs as the module of its class
    assert told(calm, "ready", 0, name=name, level=logging.INFO) == "ready"
    step = logging.makeLogRecord({"name": name, "levelno": logging.INFO, "msg": "[^--Web]: Starting..."})
    assert not calm.filter(step)
    step.levelno = logging.ERROR
    assert calm.filter(step)


def test_what_is_remembered_of_many_messages_has_a_bound() -> None:
    calm = Calm()
    for number in range(5_000):
        assert told(calm, f"{AWAY} {number}", number) is not None
    assert len(calm._said) <= 1_001


def test_an_error_on_purpose_has_no_traceback_and_any_other_has() -> None:
    assert formatted(StateError("of version 9")) == "StateError: of version 9"
    assert formatted(KeyError("gone")).startswith("Traceback")


def formatted(error: Exception) -> str:
    try:
        raise error
    except Exception as caught:  # noqa: BLE001 - that is what is formatted
        return Line().formatException((type(caught), caught, caught.__traceback__))


@pytest.fixture
def root() -> Iterator[None]:
    """The logging of the test run, back in its place afterwards."""
    names = [None, *OWN, CLIENT, REQUESTS, SERVER]
    before = [(logging.getLogger(name).level, logging.getLogger(name).handlers[:]) for name in names]
    logging.getLogger(CLIENT).setLevel(logging.NOTSET)  # commands of the command line silence it, here for good
    yield
    for name, (level, handlers) in zip(names, before, strict=True):
        logging.getLogger(name).setLevel(level)
        logging.getLogger(name).handlers[:] = handlers
    logging.getLogger(SERVER).filters.clear()


@pytest.mark.usefixtures("root")
@pytest.mark.parametrize(
    ("level", "lines"),
    [
        ("DEBUG", ["own detail", "own step", "client detail", "client step", AGAIN]),
        ("INFO", ["own step"]),
        ("WARNING", []),
    ],
)
def test_libraries_are_heard_from_warnings_on_and_with_debug_in_everything_but_requests(
    tmp_path: Path, level: str, lines: list[str]
) -> None:
    file = tmp_path / "worker.log"
    logging.config.dictConfig(config(level, str(file)))
    own, client = logging.getLogger("streams.runtime.tasks"), logging.getLogger(SENDER)
    for logger, who in ((own, "own"), (client, "client")):
        logger.debug("%s detail", who)
        logger.info("%s step", who)
    client.warning(AGAIN)
    # As aiokafka does it with every request.
    conn.log.debug("Request to %s:%d %d: %s", "kafka", 9092, 1, SaslAuthenticateRequest_v1(b"\0slackwater\0a password"))
    assert [line.partition(": ")[2] for line in file.read_text().splitlines()] == lines


@pytest.mark.usefixtures("root")
def test_without_a_file_it_goes_to_stderr(monkeypatch: pytest.MonkeyPatch) -> None:
    stderr = io.StringIO()
    monkeypatch.setattr("sys.stderr", stderr)
    logging.config.dictConfig(config("INFO"))
    logging.getLogger("streams.runtime.tasks").info("ready")
    assert stderr.getvalue().endswith("Z INFO    streams.runtime.tasks: ready\n")


@pytest.mark.usefixtures("root")
@pytest.mark.parametrize("level", ["DEBUG", "INFO"])
async def test_a_request_that_is_no_http_leaves_nothing_of_itself_in_the_log(tmp_path: Path, level: str) -> None:
    file = tmp_path / "worker.log"
    logging.config.dictConfig(config(level, str(file)))

    async def breaks(request: web.Request) -> web.Response:
        raise LookupError("a fault of ours")

    pages = web.Application()
    pages.router.add_post("/", breaks)
    async with TestServer(pages) as server:
        for sent in (
            b"GET /?token=SecretOfAVisitor HTTP/9.9\r\n\r\n",
            b"GET / HTTP/1.1\r\nCookie SecretOfAVisitor\r\n\r\n",
            b"PUT / HTTP/1.1\r\nHost: a\r\nContent-Encoding: gzip\r\nContent-Length: 16\r\n\r\nSecretOfAVisitor",
            b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
        ):
            reader, writer = await asyncio.open_connection(server.host, server.port)
            writer.write(sent)
            assert (await reader.read()).startswith((b"HTTP/1.0 400", b"HTTP/1.1 405", b"HTTP/1.1 500"))
            writer.close()
    told = file.read_text()
    assert "SecretOfAVisitor" not in told
    assert told.count("Traceback") == 1
    assert "a fault of ours" in told
