"""Routes and channels as the settings have them: those of the settings file, and the default one."""

from collections.abc import Collection, Iterator
from dataclasses import replace

from aiohttp import ClientSession

from alerting.delivery import Channel, NoteChannel
from alerting.delivery.console import ConsoleChannel
from alerting.delivery.slack import SlackChannel
from alerting.delivery.webhook import WebhookChannel
from alerting.quiet import Quiet
from alerting.routing import CONSOLE, DEFAULT, SLACK, TOLD_KINDS, Route, doubts
from schemas.alerts import Kind
from schemas.errors import StartError
from streams.runtime.settings import Settings
from streams.runtime.settings_channels import ChannelSetting, ChannelType


def routes_of(settings: Settings) -> tuple[Route, ...]:
    """The routes; none in shadow, and none where there is no channel to tell.

    Those of the settings file come first, and the default one after them, unless it is theirs. With `console` the
    terminal shows what any of them tells.
    """
    if settings.shadow:
        return ()
    kinds = (TOLD_KINDS | set(settings.tell_kinds)) - set(settings.shadow_kinds)
    if not settings.routes:
        return tuple(_default(settings, kinds, also_console=settings.console))
    usual = _usual(settings)
    routes = [_on_terminal(each.route(kinds, usual), settings) for each in settings.routes]
    if routes[-1].name != DEFAULT:
        routes += _default(settings, kinds, also_console=False)
    if settings.console and routes[-1].channel != CONSOLE:
        shown = kinds.union(*(each.kinds for each in routes))
        routes.insert(0, Route(CONSOLE, CONSOLE, kinds=shown, continues=True, quiet=usual))
    return tuple(routes)


def doubts_of(settings: Settings) -> Iterator[str]:
    """What of the routes and channels is hardly meant, a sentence each."""
    routes = routes_of(settings.model_copy(update={"shadow": False}))
    yield from doubts(routes)
    used = {each.channel for each in routes} | {each.channel for each in settings.routes}
    for name in (each.name for each in settings.channels if each.name not in used):
        yield f"channel {name} carries nothing: no route names it"
    if settings.slack_webhook_url is not None and SLACK not in used:
        yield f"slack_webhook_url carries nothing: the route {DEFAULT} has another channel"
    known = {"owner": settings.people, "team": settings.teams}
    for each in settings.routes:
        for mention in each.mention:
            if "mention" in each.model_fields_set and not known[mention]:
                table = "people" if mention == "owner" else "teams"
                yield f"route {each.name} mentions nobody: there is no table [{table}] with Slack ids"


def channels_of(
    settings: Settings, routes: tuple[Route, ...], session: ClientSession
) -> dict[str, Channel | NoteChannel]:
    """The channel of each route. Routes that name the same one share it."""
    by_name = {each.name: each for each in settings.channels}
    made: dict[str, Channel | NoteChannel] = {}
    for name in {each.channel for each in routes}:
        if name == CONSOLE:
            made[name] = ConsoleChannel()
        elif name == SLACK:
            assert settings.slack_webhook_url is not None
            made[name] = SlackChannel(session, settings.slack_webhook_url, settings.slack_timeout)
        else:
            made[name] = _made(by_name[name], session, settings.slack_timeout)
    return {each.name: made[each.channel] for each in routes}


def _default(settings: Settings, kinds: Collection[Kind], *, also_console: bool) -> Iterator[Route]:
    """The route that nobody has to write, where there is something to carry it; and the terminal's beside it."""
    kinds, quiet = frozenset(kinds), _usual(settings)
    if settings.slack_webhook_url is not None:
        yield Route(DEFAULT, kinds=kinds, continues=also_console, quiet=quiet)
    if settings.console and (also_console or settings.slack_webhook_url is None):
        name = DEFAULT if settings.slack_webhook_url is None else CONSOLE
        yield Route(name, CONSOLE, kinds=kinds, quiet=quiet)


def _usual(settings: Settings) -> Quiet:
    """Times and limits of a route that says nothing of them."""
    return Quiet(settings.group_wait, settings.group_interval, timezone=settings.timezone)


def _on_terminal(route: Route, settings: Settings) -> Route:
    """The route, with the terminal by its usual name where its channel is of that type."""
    terminals = [each.name for each in settings.channels if each.type is ChannelType.CONSOLE]
    return replace(route, channel=CONSOLE) if route.channel in terminals else route


def _made(setting: ChannelSetting, session: ClientSession, timeout_ms: int) -> Channel | NoteChannel:
    match setting.type:
        case ChannelType.SLACK_WEBHOOK:
            assert setting.url is not None
            return SlackChannel(session, setting.url, timeout_ms)
        case ChannelType.WEBHOOK:
            assert setting.url is not None
            assert setting.secret is not None
            return WebhookChannel(session, setting.url, setting.secret, timeout_ms)
        case _:
            raise StartError(f"channel {setting.name}: this version has no bot; use slack_webhook")
