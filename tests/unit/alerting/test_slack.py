"""The Slack channel against a real HTTP server."""

import asyncio
import logging
import ssl
import traceback
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from aiohttp import ClientSession
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from alerting.delivery.answers import OK, Answer, Failure, Verdict, judge
from alerting.delivery.attempt import attempt
from alerting.delivery.slack import LONGEST_WAIT, SlackChannel, retry_after
from alerting.message import Message
from alerting.outbox_rows import Row
from alerting.render import render
from tests.unit.alerting import slack_server as moods
from tests.unit.alerting.samples import AT, notification
from tests.unit.alerting.slack_server import PATH, Mood, SlackServer, says

MESSAGE = render(notification())
SECRETS = (PATH, *PATH.split("/")[2:])
TIMEOUT_MS = 400
"""For what does not come in time; all else has time enough, on a loaded machine too."""

MOODS: list[tuple[str, Mood, Answer, Verdict]] = [
    ("ok", moods.ok, OK, Verdict.DELIVERED),
    ("slow but sure", moods.is_slow_but_sure, OK, Verdict.DELIVERED),
    ("ok with a line end", says(200, "ok\n"), OK, Verdict.DELIVERED),
    ("hangs", moods.hangs, Answer(failure=Failure.TIMEOUT), Verdict.TIMEOUT),
    ("resets", moods.resets, Answer(failure=Failure.CONNECTION), Verdict.CONNECTION_ERROR),
    ("stops in the body", moods.stops_in_the_body, Answer(200, failure=Failure.TIMEOUT), Verdict.TIMEOUT),
    (
        "resets in the body",
        moods.resets_in_the_body,
        Answer(200, failure=Failure.CONNECTION),
        Verdict.CONNECTION_ERROR,
    ),
    ("a body without end", moods.never_ends, Answer(500), Verdict.SERVER_ERROR),
    ("200 and a login page", says(200, "<html>Log in</html>"), Answer(200), Verdict.ROUTE_BROKEN),
    ("200 and nothing", says(200), Answer(200), Verdict.ROUTE_BROKEN),
    ("200 and another word", says(200, "no_text"), Answer(200, "no_text"), Verdict.ROUTE_BROKEN),
    ("204", says(204), Answer(204), Verdict.ROUTE_BROKEN),
    ("301", says(301, Location="http://example.invalid/"), Answer(301), Verdict.ROUTE_BROKEN),
    ("302", says(302, Location="/elsewhere"), Answer(302), Verdict.ROUTE_BROKEN),
    ("307", says(307, Location="/elsewhere"), Answer(307), Verdict.ROUTE_BROKEN),
    ("308", says(308, Location="/elsewhere"), Answer(308), Verdict.ROUTE_BROKEN),
    ("400", says(400, "invalid_payload"), Answer(400, "invalid_payload"), Verdict.REJECTED),
    ("400 blocks", says(400, "invalid_blocks"), Answer(400, "invalid_blocks"), Verdict.REJECTED),
    ("400 attachments", says(400, "too_many_attachments"), Answer(400, "too_many_attachments"), Verdict.REJECTED),
    ("400 without a word", says(400), Answer(400), Verdict.REJECTED),
    ("400 of a dead hook", says(400, "no_team"), Answer(400, "no_team"), Verdict.ROUTE_BROKEN),
    ("401", says(401), Answer(401), Verdict.ROUTE_BROKEN),
    ("403", says(403, "action_prohibited"), Answer(403, "action_prohibited"), Verdict.ROUTE_BROKEN),
    ("403 token", says(403, "invalid_token"), Answer(403, "invalid_token"), Verdict.ROUTE_BROKEN),
    ("404", says(404, "channel_not_found"), Answer(404, "channel_not_found"), Verdict.ROUTE_BROKEN),
    ("404 no service", says(404, "no_service"), Answer(404, "no_service"), Verdict.ROUTE_BROKEN),
    ("404 no hooks", says(404, "no_active_hooks"), Answer(404, "no_active_hooks"), Verdict.ROUTE_BROKEN),
    ("405", says(405), Answer(405), Verdict.ROUTE_BROKEN),
    ("407", says(407), Answer(407), Verdict.ROUTE_BROKEN),
    ("408", says(408), Answer(408), Verdict.TIMEOUT),
    ("410", says(410, "channel_is_archived"), Answer(410, "channel_is_archived"), Verdict.ROUTE_BROKEN),
    ("413", says(413), Answer(413), Verdict.REJECTED),
    ("429", says(429), Answer(429), Verdict.RATE_LIMITED),
    ("429 and a wait", says(429, Retry_After="30"), Answer(429, retry_after=30.0), Verdict.RATE_LIMITED),
    (
        "429 and words",
        says(429, "rate_limited", Retry_After="soon"),
        Answer(429, "rate_limited"),
        Verdict.RATE_LIMITED,
    ),
    ("500", says(500), Answer(500), Verdict.SERVER_ERROR),
    ("500 rollup", says(500, "rollup_error"), Answer(500, "rollup_error"), Verdict.SERVER_ERROR),
    ("501", says(501), Answer(501), Verdict.SERVER_ERROR),
    ("502", says(502, "<html>Bad gateway</html>"), Answer(502), Verdict.SERVER_ERROR),
    ("503 and a wait", says(503, Retry_After="7"), Answer(503, retry_after=7.0), Verdict.SERVER_ERROR),
    ("504", says(504), Answer(504), Verdict.SERVER_ERROR),
    ("a proxy that repeats the address", moods.repeats_the_address, Answer(404), Verdict.ROUTE_BROKEN),
]


@pytest.fixture
async def session() -> AsyncIterator[ClientSession]:
    async with ClientSession() as session:
        yield session


def channel_to(url: str, session: ClientSession, timeout_ms: int = 10_000) -> SlackChannel:
    return SlackChannel(session, SecretStr(url), timeout_ms)


def nothing_secret_in(*texts: object) -> None:
    for text in texts:
        for secret in SECRETS:
            assert secret not in str(text)


@pytest.mark.parametrize(
    ("mood", "expected", "verdict"), [mood[1:] for mood in MOODS], ids=[mood[0].replace(" ", "-") for mood in MOODS]
)
async def test_every_mood_of_slack_is_understood_and_none_gives_the_address_away(
    mood: Mood,
    expected: Answer,
    verdict: Verdict,
    session: ClientSession,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    caplog.set_level(logging.DEBUG)
    asyncio.get_running_loop().set_debug(True)
    timeout_ms = TIMEOUT_MS if expected.failure is Failure.TIMEOUT else 10_000
    async with SlackServer(mood) as slack:
        channel = channel_to(slack.url, session, timeout_ms)
        answer = await channel.send(MESSAGE)
    assert Answer(answer.status, answer.body_code, answer.retry_after, answer.failure) == expected
    assert judge(answer) is verdict
    assert slack.received == [MESSAGE.payload()], "one call is one request, whatever the answer"
    assert bool(answer.detail) == (answer.failure is not None)
    printed = capfd.readouterr()
    nothing_secret_in(answer, repr(answer), repr(channel), channel, caplog.text, printed.out, printed.err)
    nothing_secret_in(*(vars(record) for record in caplog.records))


async def test_one_failure_leaves_the_channel_fit_for_the_next_message(session: ClientSession) -> None:
    async with SlackServer() as slack:
        slack.moods = [moods.hangs, moods.resets, moods.stops_in_the_body, moods.never_ends, says(302, Location="/x")]
        channel = channel_to(slack.url, session, 1_000)
        verdicts = [judge(await channel.send(MESSAGE)) for _ in range(7)]
    assert verdicts[-2:] == [Verdict.DELIVERED, Verdict.DELIVERED]
    assert Verdict.DELIVERED not in verdicts[:-2]


async def test_a_hanging_slack_costs_no_more_than_the_timeout(session: ClientSession) -> None:
    loop = asyncio.get_running_loop()
    async with SlackServer(moods.stops_in_the_body) as slack:
        started = loop.time()
        answer = await channel_to(slack.url, session, TIMEOUT_MS).send(MESSAGE)
        took = loop.time() - started
    assert answer.failure is Failure.TIMEOUT
    assert TIMEOUT_MS / 1_000 - 0.05 <= took < 5


@pytest.mark.parametrize("where", ["http://127.0.0.1:1", "http://slack.invalid", "https://127.0.0.1:1"])
async def test_a_slack_that_is_not_there_is_a_connection_error(where: str, session: ClientSession) -> None:
    answer = await channel_to(where + PATH, session).send(MESSAGE)
    assert judge(answer) is Verdict.CONNECTION_ERROR
    nothing_secret_in(answer)


async def serve(tls: ssl.SSLContext | None, reply: bytes) -> asyncio.Server:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(65_536)
        writer.write(reply)
        writer.close()

    return await asyncio.start_server(answer, "127.0.0.1", 0, ssl=tls)


def port_of(server: asyncio.Server) -> int:
    return int(server.sockets[0].getsockname()[1])


async def test_a_certificate_that_nobody_vouches_for_breaks_the_route(session: ClientSession) -> None:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(Path(__file__).with_name("untrusted.pem"))
    async with await serve(context, b"") as server:
        answer = await channel_to(f"https://localhost:{port_of(server)}{PATH}", session).send(MESSAGE)
    assert answer.failure is Failure.TLS
    assert judge(answer) is Verdict.ROUTE_BROKEN
    nothing_secret_in(answer)


@pytest.mark.parametrize(
    "reply", [b"", b"hello\r\n\r\n", b"HTTP/1.1 banana\r\n\r\n", b"\x15\x03\x01", b"HTTP/1.1 200 OK\r\nX: \x00\r\n\r\n"]
)
async def test_what_is_no_http_is_a_connection_error(reply: bytes, session: ClientSession) -> None:
    async with await serve(None, reply) as server:
        answer = await channel_to(f"http://127.0.0.1:{port_of(server)}{PATH}", session).send(MESSAGE)
    assert judge(answer) is Verdict.CONNECTION_ERROR
    nothing_secret_in(answer)


async def test_a_closed_session_is_an_answer_and_no_exception() -> None:
    async with ClientSession() as session:
        channel = channel_to("http://127.0.0.1:1" + PATH, session)
    answer = await channel.send(MESSAGE)
    assert (answer.failure, answer.detail) == (Failure.CONNECTION, "RuntimeError")


async def test_a_cancelled_send_is_cancelled(session: ClientSession) -> None:
    async with SlackServer(moods.hangs) as slack:
        sending = asyncio.create_task(SlackChannel(session, SecretStr(slack.url)).send(MESSAGE))
        await asyncio.sleep(0.1)
        sending.cancel()
        with pytest.raises(asyncio.CancelledError) as raised:
            await sending
    nothing_secret_in("".join(traceback.format_exception(raised.value)))


@pytest.mark.parametrize(
    "url", ["", "hooks.slack.com" + PATH, "ftp://hooks.slack.com" + PATH, "http://[" + PATH, "/", "http://a..b" + PATH]
)
async def test_what_is_no_web_address_is_refused_without_being_repeated(url: str, session: ClientSession) -> None:
    with pytest.raises(ValueError, match="not an http") as raised:
        SlackChannel(session, SecretStr(url))
    nothing_secret_in("".join(traceback.format_exception(raised.value)))


async def test_a_plain_message_has_text_and_no_blocks(session: ClientSession) -> None:
    async with SlackServer() as slack:
        await channel_to(slack.url, session).send(MESSAGE.plain())
    (received,) = slack.received
    assert "blocks" not in received
    assert received["text"] == MESSAGE.text


def row_of(raw: bytes, *, plain: bool = False) -> Row:
    return Row("default", 0, "00" * 8, AT, raw, plain=plain)


async def test_an_attempt_renders_the_row_and_sends_it_plain_where_blocks_were_refused(session: ClientSession) -> None:
    async with SlackServer() as slack:
        channel = channel_to(slack.url, session)
        assert await attempt(row_of(notification().encode()), channel) == OK
        assert await attempt(row_of(notification().encode(), plain=True), channel) == OK
    assert ["blocks" in message for message in slack.received] == [True, False]


async def test_a_row_that_cannot_be_rendered_is_an_answer_that_says_where() -> None:
    class Unused:
        async def send(self, message: Message) -> Answer:
            raise AssertionError(message)

    answer = await attempt(row_of(b'{"account_name":"Acme Corp"}'), Unused())
    assert answer.failure is Failure.UNRENDERABLE
    assert judge(answer) is Verdict.REJECTED
    assert answer.detail.startswith("ValidationError at ")
    assert "Acme" not in answer.detail


NOW = datetime(2025, 3, 12, 9, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        (None, None),
        ("", None),
        ("0", 0.0),
        ("1", 1.0),
        (" 30 ", 30.0),
        ("1.5", 1.5),
        ("-1", None),
        ("1e9", None),
        ("nan", None),
        ("inf", None),
        ("١٢", None),
        ("999999999", LONGEST_WAIT),
        ("Wed, 12 Mar 2025 09:31:00 GMT", 60.0),
        ("Wed, 12 Mar 2025 09:31:00", 60.0),
        ("Wed, 12 Mar 2025 09:00:00 GMT", 0.0),
        ("Wed, 12 Mar 2035 09:00:00 GMT", LONGEST_WAIT),
        ("Wed, 99 Mar 2025 09:00:00 GMT", None),
        ("tomorrow", None),
    ],
)
def test_the_wait_that_is_asked_for_is_read_as_seconds_or_as_a_date(header: str | None, seconds: float | None) -> None:
    assert retry_after(header, NOW) == seconds


@given(st.text() | st.from_regex(r"[A-Z][a-z]{2}, \d+ [A-Z][a-z]{2} \d+ \d+:\d+:\d+ [+-]?\w*"))
def test_no_header_whatever_gives_a_wait_that_is_none_or_negative_or_endless(header: str) -> None:
    seconds = retry_after(header, NOW)
    assert seconds is None or 0 <= seconds <= LONGEST_WAIT
