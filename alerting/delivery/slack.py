"""Slack over an incoming webhook.

Not slack_sdk's webhook client: that one never retries a 5xx, ignores its timeout when the session is the caller's, and
has no notion of a route that waits. Here one call is one request, and everything else is the outbox's.

The webhook's address is the secret: who knows it may post. It leaves this module in one place only, the request itself.
Answers hold a status, a code of a few letters and the name of an error's class, never an error's text, for aiohttp
writes addresses into those.
"""

import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final

import orjson
from aiohttp import ClientResponse, ClientSession
from pydantic import SecretStr
from yarl import URL

from alerting.delivery.addresses import is_web_address
from alerting.delivery.answers import Answer
from alerting.delivery.failures import failed
from alerting.delivery.patience import UNTIMED, Exchange, in_time
from alerting.message import Message

BODY_LIMIT = 4_096
"""Bytes of an answer that are read; Slack's own are a word."""
LONGEST_WAIT = 86_400.0
"""Seconds of Retry-After that are believed."""

_CODE = re.compile(r"[a-z][a-z_]{0,63}")
_HEADERS: Final = {"Content-Type": "application/json; charset=utf-8"}


class SlackChannel:
    """Posts to one incoming webhook.

    `session` is the caller's, and stays open. `webhook_url`: an http(s) address; raises `ValueError`, without it, for
    anything else. `timeout_ms`: for the whole request, from the look-up of the name to the last byte of the answer.
    """

    def __init__(self, session: ClientSession, webhook_url: SecretStr, timeout_ms: int = 10_000) -> None:
        if not is_web_address(webhook_url.get_secret_value()):
            raise ValueError("the Slack webhook URL is not an http(s) address")
        self._session = session
        self._url = webhook_url
        self._seconds = timeout_ms / 1_000

    async def send(self, message: Message) -> Answer:
        """See `Channel`. Redirects are not followed: Slack has none, and the address must not wander."""
        exchange = Exchange()
        try:
            return await in_time(self._exchange(message, exchange), self._seconds)
        except Exception as error:  # noqa: BLE001 - whatever it is, its text may hold the address: it must not get out
            return failed(error, exchange.status)

    async def _exchange(self, message: Message, exchange: Exchange) -> Answer:
        async with self._session.post(
            URL(self._url.get_secret_value()),
            data=orjson.dumps(message.payload()),
            headers=_HEADERS,
            timeout=UNTIMED,
            allow_redirects=False,
        ) as response:
            exchange.status = response.status
            body = await read_some(response, BODY_LIMIT)
            wait = retry_after(response.headers.get("Retry-After"), datetime.now(UTC))
            return Answer(response.status, _code(body), wait)

    def __repr__(self) -> str:
        return "SlackChannel(webhook_url=SecretStr('**********'))"


def retry_after(header: str | None, now: datetime) -> float | None:
    """Seconds to wait: a number or a date (RFC 9110, 10.2.3). None for none, or for what is neither.

    >>> retry_after("30", datetime(2025, 3, 1, tzinfo=UTC))
    30.0
    >>> retry_after("Sat, 01 Mar 2025 00:02:00 GMT", datetime(2025, 3, 1, tzinfo=UTC))
    120.0
    """
    if header is None:
        return None
    text = header.strip()
    if re.fullmatch(r"\d{1,15}(\.\d{0,9})?", text, re.ASCII):
        return min(float(text), LONGEST_WAIT)
    try:
        moment = parsedate_to_datetime(text)
    except ValueError:
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return min(max((moment - now).total_seconds(), 0.0), LONGEST_WAIT)


async def read_some(response: ClientResponse, limit: int) -> bytes:
    """The first `limit` bytes of the body."""
    body = b""
    # The rest is of no interest, and may have no end; leaving the response closes a connection that is not read out.
    while len(body) < limit and (chunk := await response.content.read(limit - len(body))):
        body += chunk
    return body


def _code(body: bytes) -> str:
    """The code that Slack answers with; "" for any other text, which may repeat the request's address."""
    text = body.strip().decode("ascii", errors="replace")
    return text if _CODE.fullmatch(text) else ""
