"""A board whose accounts are put in by hand, and a visitor: an HTTP client with cookies, who fills in forms."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from html import unescape
from typing import Any

from aiohttp import ClientResponse, CookieJar
from aiohttp.test_utils import TestClient, TestServer
from pydantic import SecretStr

from schemas.picture import AccountPicture
from streams.board.accounts import Accounts
from streams.board.feed import Feed, Stage
from streams.board.server import application
from streams.broker.ready import free_port
from streams.runtime.settings import Settings

TOKEN = "mara-has-a-token-of-hers"
OTHER = "tom-has-another-one-of-his"
NO_BROKER = f"127.0.0.1:{free_port()}"
SETTINGS = Settings(brokers=NO_BROKER, board_tokens=(("mara", SecretStr(TOKEN)), ("tom", SecretStr(OTHER))))
AT = "2026-06-01T12:00:00Z"


def alert(kind: str = "usage_drop", severity: str = "warning", **fields: Any) -> dict[str, Any]:
    """An open alert, as JSON has it."""
    given = {
        "alert_id": "00000000000000aa",
        "revision": 1,
        "account_id": "acme",
        "kind": kind,
        "change": "opened",
        "state": "firing",
        "severity": severity,
        "at": AT,
        "opened_at": "2026-05-30T00:00:00Z",
        "since": "2026-05-20T00:00:00Z",
        "headline": "Activity is at a third of normal.",
        "reasons": [{"code": "drop", "text": "15 events where 123 were expected"}],
        "evidence": {"observed": 15, "expected": 123.0, "window_days": 14, "false_alarms_per_account_year": 0.1},
        "health": 40,
        "playbook": "Call them: https://wiki.vendor.example/drop",
    }
    return {**given, **fields}


def picture(account_id: str, **fields: Any) -> dict[str, Any]:
    """A picture, as JSON has it."""
    given = {
        "account_id": account_id,
        "account_name": f"{account_id.title()} Ltd",
        "at": AT,
        "phase": "active",
        "health": 80,
        "factors": [{"name": "usage", "points": -20.0, "text": "15 events in 28 days, about 123 are normal."}],
        "missing": ["card"],
        "engagement": {"events_28d": 15, "events_7d": 2, "expected_28d": 123.0, "daily": [5] * 46 + [1] * 14},
        "billing": {"mrr_minor": 49_900, "currency": "EUR", "plan": "Team", "seats": 20},
        "timeline": [{"at": "2026-05-30T00:00:00Z", "code": "alert.opened", "text": "Usage drop opened."}],
        "owner": "mara@vendor.example",
        "team": "north",
    }
    return {**given, **fields}


def at_risk(account_id: str, priority: float, *alerts: dict[str, Any], **fields: Any) -> dict[str, Any]:
    """A picture with open alerts."""
    return picture(account_id, priority=priority, phase="alerting", alerts=alerts or [alert()], **fields)


def filled(pictures: Iterable[dict[str, Any]]) -> Feed:
    """A feed that has read these."""
    accounts = Accounts()
    for each in pictures:
        value = AccountPicture.model_validate_json(json.dumps(each)).model_dump_json(exclude_none=True)
        accounts.put(each["account_id"].encode(), value.encode())
    feed = Feed(accounts, _nothing)
    feed.stage = Stage.LIVE
    return feed


def _nothing() -> Any:
    raise AssertionError("a feed that is filled by hand reads no topic")


class Visitor:
    """Somebody with a browser."""

    def __init__(self, client: TestClient[Any, Any]) -> None:
        self.client = client

    async def get(self, path: str, *, status: int = 200) -> str:
        """The page, after redirections."""
        async with self.client.get(path) as response:
            text = await response.text()
            assert response.status == status, text
            return text

    async def post(self, path: str, form_token: str, **form: str) -> ClientResponse:
        """Send a form, and follow no redirection."""
        return await self.client.post(path, data={"form_token": form_token, **form}, allow_redirects=False)

    async def log_in(self, token: str = TOKEN, onward: str = "") -> ClientResponse:
        """By the page to log in on."""
        return await self.post("/login", form_token(await self.get("/login")), token=token, next=onward)


def form_token(page: str) -> str:
    """That of the page's forms."""
    found = re.search(r'name="form_token" value="([0-9a-f]{64})"', page)
    assert found is not None, page
    return found[1]


def text_of(page: str) -> str:
    """What is to be read on a page, on one line."""
    return " ".join(unescape(re.sub(r"<[^>]*>", " ", page)).split())


@asynccontextmanager
async def visiting(
    pictures: Iterable[dict[str, Any]] = (), settings: Settings = SETTINGS, *, feed: Feed | None = None
) -> AsyncIterator[Visitor]:
    """A board that listens on a port of its own, and somebody who visits it."""
    server = TestServer(application(settings, _nothing, feed=feed or filled(pictures)))
    # The client asks by an address, for which it keeps no cookies otherwise.
    async with TestClient(server, cookie_jar=CookieJar(unsafe=True)) as client:
        yield Visitor(client)
