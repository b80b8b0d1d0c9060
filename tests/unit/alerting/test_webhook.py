"""The channel for programs against a real HTTP server, which verifies every request by itself."""

import asyncio
import base64
import hashlib
import hmac
import logging
import time
from collections.abc import AsyncIterator
from typing import Any

import orjson
import pytest
from aiohttp import ClientSession, web
from pydantic import SecretStr

from alerting.delivery.answers import OK, Answer, Failure, Verdict, judge
from alerting.delivery.attempt import attempt
from alerting.delivery.webhook import WebhookChannel, body_of, id_of
from alerting.notification import AnyNote, UndeliveredReason
from alerting.outbox import Outbox
from alerting.outbox_rows import Row
from alerting.routing import Route
from schemas.alerts import Change, Resolution, Transition
from schemas.instants import format_instant
from tests.unit.alerting import slack_server as moods
from tests.unit.alerting.samples import AT, catch_up, notice, notification, transition
from tests.unit.alerting.slack_server import PATH, Mood, SlackServer, says

KEY = bytes(range(32))
SECRET = "whsec_" + base64.b64encode(KEY).decode()
TIMEOUT_MS = 1_500
"""For what does not come in time: time enough for the request itself on a loaded machine."""
SECRETS = (PATH, SECRET, SECRET.removeprefix("whsec_"))

MOODS: list[tuple[str, Mood, Answer, Verdict]] = [
    ("200", says(200), OK, Verdict.DELIVERED),
    ("200 and a page", says(200, "<html>thank you</html>"), OK, Verdict.DELIVERED),
    ("201", says(201), OK, Verdict.DELIVERED),
    ("202", says(202, "queued"), OK, Verdict.DELIVERED),
    ("204", says(204), OK, Verdict.DELIVERED),
    ("302", says(302, Location="/elsewhere"), Answer(302), Verdict.ROUTE_BROKEN),
    ("400", says(400), Answer(400), Verdict.REJECTED),
    ("400 with a word of Slack's", says(400, "no_team"), Answer(400), Verdict.REJECTED),
    ("401", says(401), Answer(401), Verdict.ROUTE_BROKEN),
    ("404", says(404), Answer(404), Verdict.ROUTE_BROKEN),
    ("410", says(410), Answer(410), Verdict.ROUTE_BROKEN),
    ("413", says(413), Answer(413), Verdict.REJECTED),
    ("422", says(422), Answer(422), Verdict.REJECTED),
    ("429 and a wait", says(429, Retry_After="30"), Answer(429, retry_after=30.0), Verdict.RATE_LIMITED),
    ("500", says(500), Answer(500), Verdict.SERVER_ERROR),
    ("503 and a wait", says(503, Retry_After="7"), Answer(503, retry_after=7.0), Verdict.SERVER_ERROR),
    ("a body without end", moods.never_ends, Answer(500), Verdict.SERVER_ERROR),
    ("hangs", moods.hangs, Answer(failure=Failure.TIMEOUT), Verdict.TIMEOUT),
    ("resets", moods.resets, Answer(failure=Failure.CONNECTION), Verdict.CONNECTION_ERROR),
    ("a proxy that repeats the address", moods.repeats_the_address, Answer(404), Verdict.ROUTE_BROKEN),
]


class Receiver:
    """Takes webhooks as a careful program does: by the words of the specification, with Python's own hmac."""

    def __init__(self) -> None:
        self.taken: dict[str, Any] = {}
        self.refused: list[str] = []

    async def answer(self, request: web.Request) -> web.Response:
        body = await request.read()
        message_id, sent_at = request.headers["webhook-id"], request.headers["webhook-timestamp"]
        version, _, signature = request.headers["webhook-signature"].partition(",")
        signed = message_id.encode() + b"." + sent_at.encode() + b"." + body
        expected = hmac.new(KEY, signed, hashlib.sha256).digest()
        if version != "v1" or not hmac.compare_digest(expected, base64.b64decode(signature)):
            self.refused.append("signature")
        elif not sent_at.isdecimal() or abs(time.time() - int(sent_at)) > 60:
            self.refused.append("time")
        elif request.content_type != "application/json" or "." in message_id:
            self.refused.append("form")
        else:
            self.taken[message_id] = orjson.loads(body)
            return web.Response(status=204)
        return web.Response(status=401)


@pytest.fixture
async def session() -> AsyncIterator[ClientSession]:
    async with ClientSession() as session:
        yield session


def row_of(note: AnyNote, *, plain: bool = False, attempts: int = 0) -> Row:
    return Row(note.route, 7, note.subject, AT, note.encode(), attempts=attempts, plain=plain)


def channel_to(url: str, session: ClientSession, timeout_ms: int = 10_000, secret: str = SECRET) -> WebhookChannel:
    return WebhookChannel(session, SecretStr(url), SecretStr(secret), timeout_ms)


async def test_what_is_sent_is_signed_so_that_a_stranger_can_tell(session: ClientSession) -> None:
    receiver = Receiver()
    names = {"account_name": "Müller & Söhne 株式会社 \u2028 😀"}
    rows = [row_of(notification("crm", **names)), row_of(notice(route="crm")), row_of(catch_up(route="crm"))]
    async with SlackServer(receiver.answer) as server:
        channel = channel_to(server.url, session)
        assert [await attempt(row, channel) for row in rows] == [OK, OK, OK]
        assert (
            judge(await attempt(rows[0], channel_to(server.url, session, secret="whsec_AAAA"))) is Verdict.ROUTE_BROKEN
        )
    assert receiver.refused == ["signature"]
    assert [each["type"] for each in receiver.taken.values()] == ["alert.opened", "notice", "catch_up"]
    assert list(receiver.taken) == [id_of(row) for row in rows]


async def test_a_message_keeps_its_id_however_often_it_is_sent_and_shares_it_with_no_other(
    session: ClientSession,
) -> None:
    receiver = Receiver()
    note = notification("crm")
    async with SlackServer(receiver.answer) as server:
        channel = channel_to(server.url, session)
        for row in (row_of(note), row_of(note, attempts=3), row_of(note, plain=True)):
            assert await attempt(row, channel) == OK
        assert len(receiver.taken) == 1
        for other in (note.rerouted("default"), notification("crm", revision=2)):
            assert await attempt(row_of(other), channel) == OK
    assert len(receiver.taken) == 3


@pytest.mark.parametrize("status", [400, 413, 422])
async def test_what_an_endpoint_refuses_is_given_up_at_once_as_nothing_plainer_could_be_sent(
    status: int, session: ClientSession
) -> None:
    outbox = Outbox([Route("crm", channel="crm")], draw=lambda: 0.5)
    outbox.add(0, notification("crm"), AT)
    async with SlackServer(says(status)) as server:
        while (row := outbox.next(AT)) is not None:
            outbox.answered(row, await attempt(row, channel_to(server.url, session)), AT)
    assert len(server.received) == 1
    (lost,) = outbox.changed().undelivered
    assert (lost.reason, lost.detail) == (UndeliveredReason.REJECTED, f"rejected {status}")


def test_of_an_alert_the_transition_is_sent_as_it_stands_on_the_topic() -> None:
    over = transition(change=Change.RESOLVED, resolution=Resolution.PAID, team="emea", tags=("pilot",))
    body = orjson.loads(body_of(row_of(notification("crm").model_copy(update={"transition": over}))))
    assert list(body) == ["type", "timestamp", "data", "route"]
    assert (body["type"], body["route"]) == ("alert.resolved", "crm")
    assert body["timestamp"] == format_instant(over.at)
    assert Transition.model_validate_json(orjson.dumps(body["data"])) == over


def test_of_anything_else_the_note_is_sent() -> None:
    note = catch_up(route="crm")
    body = orjson.loads(body_of(row_of(note)))
    assert (body["type"], body["timestamp"]) == ("catch_up", format_instant(AT))
    assert body["data"] == orjson.loads(note.encode())


@pytest.mark.parametrize(
    ("mood", "expected", "verdict"), [mood[1:] for mood in MOODS], ids=[mood[0].replace(" ", "-") for mood in MOODS]
)
async def test_every_answer_is_understood_and_none_gives_a_secret_away(
    mood: Mood,
    expected: Answer,
    verdict: Verdict,
    session: ClientSession,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    asyncio.get_running_loop().set_debug(True)
    timeout_ms = TIMEOUT_MS if expected.failure is Failure.TIMEOUT else 10_000
    async with SlackServer(mood) as server:
        channel = channel_to(server.url, session, timeout_ms)
        answer = await channel.send_note(row_of(notification("crm")))
    assert Answer(answer.status, answer.body_code, answer.retry_after, answer.failure) == expected
    assert judge(answer) is verdict
    assert len(server.received) == 1, "one call is one request, whatever the answer"
    for secret in SECRETS:
        assert secret not in f"{answer!r} {channel!r} {channel} {caplog.text}"
        assert not any(secret in str(vars(record)) for record in caplog.records)


async def test_a_row_that_cannot_be_read_is_an_answer_and_no_exception(session: ClientSession) -> None:
    answer = await channel_to("http://127.0.0.1:1", session).send_note(Row("crm", 1, "x", AT, b"{}"))
    assert (answer.failure, answer.detail) == (Failure.UNRENDERABLE, "ValidationError")
