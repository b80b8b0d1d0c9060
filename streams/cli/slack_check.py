"""`slackwater check --slack`: does Slack know the tokens?"""

from typing import Any

from aiohttp import ClientSession
from pydantic import SecretStr

from alerting.delivery.answers import Answer
from alerting.delivery.slack_api import Reply, SlackApi
from streams.runtime.channels import bots_of
from streams.runtime.settings import Settings


async def ask(settings: Settings) -> list[dict[str, Any]]:
    """What Slack says about each token: `what` it is, whether it is `ok`, and a `text` about it. Posts nothing."""
    found: list[dict[str, Any]] = []
    async with ClientSession() as session:

        def api(token: SecretStr) -> SlackApi:
            return SlackApi(session, token, settings.slack_api_url, settings.slack_timeout)

        for bot in bots_of(settings):
            assert bot.token is not None
            reply = await api(bot.token).call("auth.test")
            fine = f"fine ({_named(reply)}); messages go to {bot.channel}"
            found.append(_told(f"bot token of channel {bot.name}", reply, fine))
        for token in settings.app_tokens:
            # An address to connect to is all that an app-level token can be asked for; nobody connects to it.
            reply = await api(token).call("apps.connections.open")
            found.append(_told("app token", reply, "fine (Socket Mode is on)"))
    if settings.slack_webhook_url is not None:
        text = "not asked: a webhook can only be tried by a message"
        found.append({"what": "webhook", "ok": True, "text": text})
    return found


def _told(what: str, reply: Reply, fine: str) -> dict[str, Any]:
    return {"what": what, "ok": reply.ok, "text": fine if reply.ok else f"Slack says {_why(reply.answer)}"}


def _named(reply: Reply) -> str:
    return f"{reply.body.get('user')} in {reply.body.get('team')}"


def _why(answer: Answer) -> str:
    return answer.body_code or (f"nothing: {answer.detail}" if answer.failure else f"status {answer.status}")
