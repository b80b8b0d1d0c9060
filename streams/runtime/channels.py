"""Routes and channels as the settings have them: one default route, to Slack, or to the terminal."""

from aiohttp import ClientSession

from alerting.delivery import Channel
from alerting.delivery.bot import BotChannel
from alerting.delivery.console import ConsoleChannel
from alerting.delivery.slack import SlackChannel
from alerting.delivery.slack_api import SlackApi
from alerting.quiet import Quiet
from alerting.routing import DEFAULT, SHOWN_CHANGES, TOLD_KINDS, Route
from streams.runtime.settings import Settings

CONSOLE = "console"


def routes_of(settings: Settings) -> tuple[Route, ...]:
    """The routes; none in shadow, and none where there is no channel to tell."""
    if settings.shadow:
        return ()
    kinds = (TOLD_KINDS | set(settings.tell_kinds)) - set(settings.shadow_kinds)
    quiet = Quiet(settings.group_wait, settings.group_interval, timezone=settings.timezone)
    routes: list[Route] = []
    if settings.slack_webhook_url is not None:
        routes.append(Route(DEFAULT, kinds=kinds, continues=settings.console, quiet=quiet))
    if settings.slack_bot_token is not None:
        continues = settings.console
        routes.append(Route(DEFAULT, "bot", kinds=kinds, changes=SHOWN_CHANGES, continues=continues, quiet=quiet))
    if settings.console:
        routes.append(Route(CONSOLE if routes else DEFAULT, channel="console", kinds=kinds, quiet=quiet))
    return tuple(routes)


def channels_of(settings: Settings, routes: tuple[Route, ...], session: ClientSession) -> dict[str, Channel]:
    """The channel of each route."""
    channels: dict[str, Channel] = {}
    for route in routes:
        if route.channel == "slack":
            assert settings.slack_webhook_url is not None
            channels[route.name] = SlackChannel(session, settings.slack_webhook_url, settings.slack_timeout)
        elif route.channel == "bot":
            assert settings.slack_bot_token is not None and settings.slack_channel is not None  # noqa: PT018 - see settings
            api = SlackApi(session, settings.slack_bot_token, settings.slack_api_url, settings.slack_timeout)
            channels[route.name] = BotChannel(api, settings.slack_channel)
        else:
            channels[route.name] = ConsoleChannel()
    return channels


def people_of(settings: Settings) -> dict[str, str]:
    """Names by Slack user id; of somebody with several names, the first."""
    names: dict[str, str] = {}
    for name, user in settings.people.items():
        names.setdefault(user, name)
    return names
