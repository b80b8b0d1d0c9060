"""Notes as signed JSON, for programs: a POST as the Standard Webhooks specification says (version 1.0.0,
https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md).

The body is `{"type", "timestamp", "route", "data"}`. Of an alert `type` is `alert.` and its change, and `data` the
transition as it stands on the alerts topic; of anything else it is what kind of note it is, and `data` the note.

The header `webhook-id` is the same however often a message is sent: whoever remembers it for a while takes each message
once. Address and signing key are secrets, and leave this module in the request alone.
"""

import re
from datetime import UTC, datetime
from hashlib import blake2b
from typing import Any, Final

import orjson
from aiohttp import ClientSession
from pydantic import SecretStr
from standardwebhooks import Webhook
from yarl import URL

from alerting.delivery.answers import OK, Answer, Failure
from alerting.delivery.failures import failed
from alerting.delivery.patience import UNTIMED, Exchange, in_time
from alerting.delivery.slack import retry_after
from alerting.notification import AnyNote, Notification, decode_note
from alerting.outbox_rows import Row
from schemas.codec import encode
from schemas.instants import format_instant

_WORD: Final = re.compile(r"(?<=[a-z])(?=[A-Z])")


class WebhookChannel:
    """Posts to one endpoint.

    `session` is the caller's, and stays open. `secret`: `whsec_` and a key in base64. `timeout_ms`: for the whole
    request, to the status and headers of the answer.
    """

    def __init__(self, session: ClientSession, url: SecretStr, secret: SecretStr, timeout_ms: int = 10_000) -> None:
        self._session = session
        self._url = url
        self._secret = secret
        self._seconds = timeout_ms / 1_000

    async def send_note(self, row: Row) -> Answer:
        """See `NoteChannel`. Any 2xx is a delivery, and the answer's body, which may have no end, is not read."""
        try:
            body = body_of(row)
        except Exception as error:  # noqa: BLE001 - a defect of slackwater: this message's own, and no one else's
            return Answer(failure=Failure.UNRENDERABLE, detail=type(error).__name__)
        exchange = Exchange()
        try:
            return await in_time(self._exchange(row, body, exchange), self._seconds)
        except Exception as error:  # noqa: BLE001 - whatever it is, its text may hold the address: it must not get out
            return failed(error, exchange.status)

    async def _exchange(self, row: Row, body: bytes, exchange: Exchange) -> Answer:
        async with self._session.post(
            URL(self._url.get_secret_value()),
            data=body,
            headers=self._headers(row, body, datetime.now(UTC)),
            timeout=UNTIMED,
            allow_redirects=False,
        ) as response:
            status = exchange.status = response.status
            wait = retry_after(response.headers.get("Retry-After"), datetime.now(UTC))
        return OK if 200 <= status < 300 else Answer(status, retry_after=wait)

    def _headers(self, row: Row, body: bytes, now: datetime) -> dict[str, str]:
        message_id = id_of(row)
        return {
            "Content-Type": "application/json; charset=utf-8",
            "webhook-id": message_id,
            "webhook-timestamp": str(int(now.timestamp())),
            "webhook-signature": Webhook(self._secret.get_secret_value()).sign(message_id, now, body.decode()),
        }

    def __repr__(self) -> str:
        return "WebhookChannel(url=SecretStr('**********'), secret=SecretStr('**********'))"


def id_of(row: Row) -> str:
    """The message's id: of the same note to the same route always the same, and without a dot, as dots part what is
    signed."""
    return f"msg_{blake2b(row.notification, digest_size=16).hexdigest()}"


def body_of(row: Row) -> bytes:
    """The request's body."""
    note = decode_note(row.notification)
    return orjson.dumps({**_event(note, row.added_at), "route": note.route})


def _event(note: AnyNote, added_at: int) -> dict[str, Any]:
    if isinstance(note, Notification):
        transition = note.transition
        return {
            "type": f"alert.{transition.change.value}",
            "timestamp": format_instant(transition.at),
            "data": orjson.Fragment(encode(transition)),
        }
    kind = _WORD.sub("_", type(note).__name__).lower()
    return {"type": kind, "timestamp": format_instant(added_at), "data": orjson.Fragment(note.encode())}
