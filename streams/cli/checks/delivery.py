"""Who would be told, and whether the places that carry it can be reached; on demand by a message."""

import asyncio
import secrets
import socket
import ssl
import time
from collections.abc import Iterator
from typing import Any, Final

from aiohttp import ClientSession
from yarl import URL

from alerting.delivery import NoteChannel
from alerting.delivery.answers import Answer, Verdict, judge
from alerting.notification import Notice
from alerting.outbox_rows import Row
from alerting.render import render
from alerting.routing import CONSOLE
from schemas.codec import encode
from streams.cli.checks.finding import Finding, Findings
from streams.runtime.channels import channels_of, doubts_of, routes_of
from streams.runtime.settings import Settings
from streams.runtime.settings_channels import ChannelSetting, ChannelType

_ROUTES: Final = Findings("routes")
_CHANNELS: Final = Findings("channels")


def routes(settings: Settings) -> Iterator[Finding]:
    """The routes, and what of them is hardly meant."""
    names = [each.name for each in routes_of(settings)]
    if settings.shadow:
        yield _ROUTES.ok("shadow: everything is recorded, and nothing is sent", routes=names)
    elif names:
        yield _ROUTES.ok(", ".join(names), routes=names)
    else:
        text = "there are none: alerts are on the topic, and nobody is told"
        yield _ROUTES.warning(text, "set SLACKWATER_SLACK_WEBHOOK_URL_FILE, or routes", routes=names)
    for doubt in doubts_of(settings):
        yield _ROUTES.warning(
            doubt, "see Routes in deploy/guide/messages.md; slackwater check --routes shows what becomes of an alert"
        )


async def reach(settings: Settings, patience: float) -> list[Finding]:
    """Whether each channel's host is known here, listens, and shows a certificate that is trusted. Nothing is sent."""
    addresses = _addresses(settings)
    asked = await asyncio.gather(*(_connect(url, patience) for url in addresses.values()))
    remedy = "is there a way out of this network? Slackwater uses no proxy"
    return [
        _CHANNELS.ok("its host can be reached", name) if why is None else _CHANNELS.warning(why, remedy, name)
        for name, why in zip(addresses, asked, strict=True)
    ]


def _addresses(settings: Settings) -> dict[str, URL]:
    """By channel. They are secrets."""
    own = ChannelSetting("slack", ChannelType.SLACK_WEBHOOK, url=settings.slack_webhook_url)
    found = {each.name: URL(each.url.get_secret_value()) for each in (own, *settings.channels) if each.url is not None}
    if settings.slack_bot_token is not None or any(each.type is ChannelType.SLACK_BOT for each in settings.channels):
        found["Slack's Web API"] = URL(settings.slack_api_url)
    return found


async def _connect(url: URL, patience: float) -> str | None:
    """Why it cannot be reached; None where it can. The host is not told: it is part of a secret."""
    try:
        async with asyncio.timeout(patience):
            secure = ssl.create_default_context() if url.scheme == "https" else None
            _, writer = await asyncio.open_connection(url.host, url.port, ssl=secure)
            writer.close()
    except socket.gaierror:
        return "the name of its host is not known here"
    except TimeoutError:
        return f"its host does not answer within {patience:g} s"
    except ssl.SSLCertVerificationError as error:
        return f"its certificate is not trusted: {error.verify_message}"
    except OSError as error:  # ssl.SSLError is one
        return f"its host does not take the connection ({type(error).__name__})"
    return None


async def send_test_message(settings: Settings) -> list[Finding]:
    """Send a message to each channel that a route has, also in shadow, and say what came of it."""
    told = routes_of(settings.model_copy(update={"shadow": False, "console": False}))
    by_channel = {each.channel: each for each in told if each.channel != CONSOLE}
    found = []
    async with ClientSession() as session:
        channels = channels_of(settings, tuple(by_channel.values()), session)
        for name, route in by_channel.items():
            answer = await _send(channels[route.name], _notice(route.name, settings))
            found.append(_told(name, answer))
    if not found:
        found.append(_CHANNELS.failure("no route has a channel to send a test message to", "set one up"))
    return found


async def _send(channel: Any, notice: Notice) -> Answer:
    if isinstance(channel, NoteChannel):
        return await channel.send_note(Row(notice.route, 0, notice.subject, notice.at, encode(notice)))
    answer: Answer = await channel.send(render(notice))
    return answer


def _notice(route: str, settings: Settings) -> Notice:
    return Notice(
        route=route,
        timezone=settings.timezone,
        notice_id=secrets.token_hex(8),
        title="A test message",
        where="slackwater check --send-test-message",
        text="Messages arrive here.",
        advice="There is nothing to do.",
        at=int(time.time() * 1000),
    )


def _told(channel: str, answer: Answer) -> Finding:
    verdict = judge(answer)
    if verdict is Verdict.DELIVERED:
        return _CHANNELS.ok("took a test message", channel)
    what = answer.body_code or answer.detail or f"status {answer.status}"
    text = f"took no test message: {what} ({verdict.value})"
    return _CHANNELS.failure(text, "is the address, the token and the channel right, and the app installed?", channel)
