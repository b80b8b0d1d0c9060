"""Slack's Web API: one call is one request, and what it answered as the outbox judges it.

Not slack_sdk's client. Measured with 3.47: it sends a message twice whose connection broke before the answer, and has
no timeout when the session is the caller's. The token is the secret: it leaves this module in one header only.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

import orjson
from aiohttp import ClientSession
from pydantic import SecretStr
from yarl import URL

from alerting.delivery.answers import OK, Answer
from alerting.delivery.failures import failed
from alerting.delivery.patience import UNTIMED, Exchange, in_time
from alerting.delivery.slack import read_some, retry_after

BODY_LIMIT: Final = 1 << 20
"""Bytes of an answer that are read; it repeats the message, and a channel's history has a hundred of them."""
_CODE: Final = re.compile(r"[a-z][a-z0-9_]{0,63}")
_JSON: Final = {"Content-Type": "application/json; charset=utf-8"}


@dataclass(frozen=True, slots=True)
class Reply:
    """`answer`: what came of the call; its body code is `ok`, or Slack's code of the error. `body`: what it gave."""

    answer: Answer
    body: Mapping[str, Any] = field(default_factory=dict)

    @property
    def ok(self) -> bool:
        """The call was carried out."""
        return self.answer == OK


class SlackApi:
    """The methods, with one token. `session` is the caller's, and stays open. `url`: what the methods' names are added
    to. `timeout_ms`: for a whole request."""

    def __init__(self, session: ClientSession, token: SecretStr, url: str, timeout_ms: int = 10_000) -> None:
        self._session = session
        self._token = token
        self._url = URL(url)
        self._seconds = timeout_ms / 1_000

    async def call(self, method: str, arguments: Mapping[str, Any] | None = None, *, form: bool = False) -> Reply:
        """Try once, and tell what came of it. Raises nothing but `asyncio.CancelledError`.

        `form`: as fields of a form, for methods that read; those take no JSON. Redirects are not followed, as the token
        must not wander.
        """
        exchange = Exchange()
        try:
            return await in_time(self._exchange(method, dict(arguments or {}), exchange, form=form), self._seconds)
        except Exception as error:  # noqa: BLE001 - whatever it is, its text must not get out
            return Reply(failed(error, exchange.status))

    async def _exchange(self, method: str, given: Mapping[str, Any], exchange: Exchange, *, form: bool) -> Reply:
        async with self._session.post(
            self._url / method,
            data={name: str(value) for name, value in given.items()} if form else orjson.dumps(given),
            headers={"Authorization": f"Bearer {self._token.get_secret_value()}"} | ({} if form else _JSON),
            timeout=UNTIMED,
            allow_redirects=False,
        ) as response:
            status = exchange.status = response.status
            body = object_of(await read_some(response, BODY_LIMIT))
            wait = retry_after(response.headers.get("Retry-After"), datetime.now(UTC))
        if status == 200 and body.get("ok") is True:
            return Reply(OK, body)
        named = body.get("error")
        code = named if isinstance(named, str) and _CODE.fullmatch(named) else ""
        return Reply(Answer(status, code, wait, refused=body.get("ok") is False))

    def __repr__(self) -> str:
        return "SlackApi(token=SecretStr('**********'))"


def object_of(text: bytes | str) -> dict[str, Any]:
    """The JSON object that a text holds; an empty one for anything else."""
    try:
        read = orjson.loads(text)
    except orjson.JSONDecodeError:
        return {}
    return read if isinstance(read, dict) else {}
