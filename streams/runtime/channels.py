"""Routes and channels as the settings have them: one default route, to Slack, or to the terminal."""

from aiohttp import ClientSession

from alerting.delivery import Channel
from alerting.delivery.console import ConsoleChannel
from alerting.delivery.slack import SlackChannel
from alerting.quiet import Quiet
from alerting.routing import DEFAULT, TOLD_KINDS, Route
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
        else:
            channels[route.name] = ConsoleChannel()
    return channels
