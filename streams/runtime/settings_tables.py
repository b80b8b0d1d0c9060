"""The tables of a settings file that say who is told what: channels, routes, people, teams."""

from collections.abc import Mapping
from typing import Final

from alerting.routing import CONSOLE, SLACK
from streams.runtime.settings_channels import read_channels
from streams.runtime.settings_routes import read_ids, read_routes
from streams.runtime.settings_sources import CHANNELS, Setting

OF_SLACK: Final = ("slack_webhook_url", "slack_bot_token")
"""Settings of which one is enough for the channel `slack`."""


def read_tables(sources: Mapping[str, Setting], environ: Mapping[str, str]) -> tuple[dict[str, object], list[str]]:
    """The values of those tables that there are, and what is wrong with them, a line each."""
    values: dict[str, object] = {}
    problems: list[str] = []
    names = {CONSOLE} | ({SLACK} if any(key in sources for key in OF_SLACK) else set())
    if (channels := sources.get(CHANNELS)) is not None:
        values[CHANNELS], wrong = read_channels(channels, environ)
        problems += wrong
        names |= set(channels.value) if isinstance(channels.value, dict) else set()
    if (routes := sources.get("routes")) is not None:
        values["routes"], wrong = read_routes(routes, names)
        problems += wrong
    for key, groups in (("people", False), ("teams", True)):
        if (ids := sources.get(key)) is not None:
            values[key], wrong = read_ids(ids, groups=groups)
            problems += wrong
    return values, problems
