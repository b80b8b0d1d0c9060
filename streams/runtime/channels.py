"""Routes and channels as the settings have them: those of the settings file, and the default one."""

from collections.abc import Collection, Iterator
from dataclasses import replace

from aiohttp import ClientSession

from alerting.delivery import Channel, NoteChannel
from alerting.delivery.bot import BotChannel
from alerting.delivery.console import ConsoleChannel
from alerting.delivery.slack import SlackChannel
from alerting.delivery.slack_api import SlackApi
from alerting.delivery.webhook import WebhookChannel
from alerting.quiet import Quiet
from alerting.routing import CONSOLE, DEFAULT, SHOWN_CHANGES, SLACK, TOLD_KINDS, Route, doubts
from schemas.alerts import Kind
from streams.runtime.settings import Settings
from streams.runtime.settings_channels import ChannelSetting, ChannelType


def routes_of(settings: Settings) -> tuple[Route, ...]:
    """The routes; none in shadow, and none where there is no channel to tell.

    Those of the settings file come first, and the default one after them, unless it is theirs. With `console` the
    terminal shows what any of them tells. Of channels with one address all routes have the first: it takes so many
    messages a second, whatever its names are.
    """
    if settings.shadow:
        return ()
    kinds = (TOLD_KINDS | set(settings.tell_kinds)) - set(settings.shadow_kinds)
    if not settings.routes:
        return tuple(_shown(each, settings) for each in _default(settings, kinds, also_console=settings.console))
    usual = _usual(settings)
    named, first = [each.route(kinds, usual) for each in settings.routes], _by_address(settings)
    routes = [replace(each, channel=first[each.channel]) for each in named]
    if routes[-1].name != DEFAULT:
        routes += _default(settings, kinds, also_console=False)
    if settings.console and routes[-1].channel != CONSOLE:
        shown = kinds.union(*(each.kinds for each in routes))
        routes.insert(0, Route(CONSOLE, CONSOLE, kinds=shown, continues=True, quiet=usual))
    return tuple(_shown(each, settings) for each in routes)


def doubts_of(settings: Settings) -> Iterator[str]:
    """What of the routes and channels is hardly meant, a sentence each."""
    routes = routes_of(settings.model_copy(update={"shadow": False}))
    yield from doubts(routes)
    used = {each.channel for each in routes} | {each.channel for each in settings.routes}
    for name in (each.name for each in settings.channels if each.name not in used):
        yield f"channel {name} carries nothing: no route names it"
    for key in ("slack_webhook_url", "slack_bot_token"):
        if getattr(settings, key) is not None and SLACK not in used:
            yield f"{key} carries nothing: the route {DEFAULT} has another channel"
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
    by_name = {each.name: each for each in (_slack(settings), *settings.channels)}
    made: dict[str, Channel | NoteChannel] = {}
    for name in {each.channel for each in routes}:
        if name == CONSOLE:
            made[name] = ConsoleChannel()
        else:
            made[name] = _made(by_name[name], session, settings)
    return {each.name: made[each.channel] for each in routes}


def _default(settings: Settings, kinds: Collection[Kind], *, also_console: bool) -> Iterator[Route]:
    """The route that nobody has to write, where there is something to carry it; and the terminal's beside it."""
    kinds, quiet = frozenset(kinds), _usual(settings)
    slack = settings.slack_webhook_url is not None or settings.slack_bot_token is not None
    if slack:
        yield Route(DEFAULT, kinds=kinds, continues=also_console, quiet=quiet)
    if settings.console and (also_console or not slack):
        yield Route(CONSOLE if slack else DEFAULT, CONSOLE, kinds=kinds, quiet=quiet)


def _slack(settings: Settings) -> ChannelSetting:
    """The channel of the settings `slack_*`."""
    if settings.slack_bot_token is None:
        return ChannelSetting(SLACK, ChannelType.SLACK_WEBHOOK, url=settings.slack_webhook_url)
    return ChannelSetting(SLACK, ChannelType.SLACK_BOT, token=settings.slack_bot_token, channel=settings.slack_channel)


def _shown(route: Route, settings: Settings) -> Route:
    """The route; with what keeps an alert's message up to date where its channel can do that."""
    bots = {each.name for each in bots_of(settings)}
    return replace(route, changes=SHOWN_CHANGES) if route.channel in bots else route


def _usual(settings: Settings) -> Quiet:
    """Times and limits of a route that says nothing of them."""
    return Quiet(
        settings.group_wait,
        settings.group_interval,
        reminder=settings.reminder,
        limit_per_hour=settings.limit_per_hour,
        timezone=settings.timezone,
    )


def _by_address(settings: Settings) -> dict[str, str]:
    """The name of each channel, and the first one with the same address."""
    terminal = ChannelSetting(CONSOLE, ChannelType.CONSOLE)
    first: dict[ChannelSetting, str] = {}
    channels = (_slack(settings), terminal, *settings.channels)
    return {each.name: first.setdefault(replace(each, name="", app_token=None), each.name) for each in channels}


def _made(setting: ChannelSetting, session: ClientSession, settings: Settings) -> Channel | NoteChannel:
    timeout_ms = settings.slack_timeout
    match setting.type:
        case ChannelType.SLACK_WEBHOOK:
            assert setting.url is not None
            return SlackChannel(session, setting.url, timeout_ms)
        case ChannelType.SLACK_BOT:
            assert setting.token is not None
            assert setting.channel is not None
            return BotChannel(SlackApi(session, setting.token, settings.slack_api_url, timeout_ms), setting.channel)
        case ChannelType.WEBHOOK:
            assert setting.url is not None
            assert setting.secret is not None
            return WebhookChannel(session, setting.url, setting.secret, timeout_ms)
        case ChannelType.CONSOLE:
            return ConsoleChannel()


def bots_of(settings: Settings) -> list[ChannelSetting]:
    """The channels that are a bot's."""
    return [each for each in (_slack(settings), *settings.channels) if each.type is ChannelType.SLACK_BOT]


def apis_of(settings: Settings, session: ClientSession) -> dict[str, SlackApi]:
    """What speaks for the bot of each of Slack's channels, by the channel's id; of several bots, the first."""
    apis: dict[str, SlackApi] = {}
    for each in bots_of(settings):
        assert each.token is not None
        assert each.channel is not None
        apis.setdefault(each.channel, SlackApi(session, each.token, settings.slack_api_url, settings.slack_timeout))
    return apis


def people_of(settings: Settings) -> dict[str, str]:
    """Names by Slack user id; of somebody with several names, the first."""
    names: dict[str, str] = {}
    for name, user in settings.people.items():
        names.setdefault(user, name)
    return names
