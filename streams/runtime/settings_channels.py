"""Channels as a settings file has them: `[channels.NAME]`, each with the secrets that its type needs.

A secret `x` is given by one of `x_file` (a file that holds it), `x_env` (a variable of the environment) and `x` itself.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from pydantic import SecretStr

from alerting.routing import CONSOLE, SLACK
from streams.runtime.settings_sources import Setting, hint, secret_in, shown
from streams.runtime.settings_values import app_token, bot_token, slack_channel, slack_webhook, web_address

NAME: Final = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")
RESERVED: Final = {
    SLACK: "is the channel of the settings slack_*",
    CONSOLE: "is this terminal, and there without a table",
}


class ChannelType(StrEnum):
    """What carries messages."""

    SLACK_WEBHOOK = "slack_webhook"
    SLACK_BOT = "slack_bot"
    WEBHOOK = "webhook"
    CONSOLE = "console"


@dataclass(frozen=True, slots=True)
class ChannelSetting:
    """A channel, with what its type needs. `channel`: the id of Slack's own."""

    name: str
    type: ChannelType
    url: SecretStr | None = None
    token: SecretStr | None = None
    app_token: SecretStr | None = None
    secret: SecretStr | None = None
    channel: str | None = None


_SECRETS: Final[Mapping[ChannelType, tuple[str, ...]]] = {
    ChannelType.SLACK_WEBHOOK: ("url",),
    ChannelType.SLACK_BOT: ("token", "app_token"),
    ChannelType.WEBHOOK: ("url", "secret"),
    ChannelType.CONSOLE: (),
}
_OPTIONAL: Final = frozenset({"app_token"})


def read_channels(setting: Setting, environ: Mapping[str, str]) -> tuple[tuple[ChannelSetting, ...], list[str]]:
    """The channels of a settings file, and what is wrong with them, a line each."""
    if not isinstance(setting.value, dict):
        return (), [f"{setting.place()}: should be tables of a settings file: [channels.NAME]"]
    found: list[ChannelSetting] = []
    problems: list[str] = []
    for name, row in setting.value.items():
        reading = _Reading(setting, environ, name)
        wrong = list(reading.read(row))
        problems += wrong
        if not wrong:
            found.append(ChannelSetting(name=name, **reading.values))
    return tuple(found), problems


class _Reading:
    """Reads one table. `values` has what is right in it."""

    def __init__(self, setting: Setting, environ: Mapping[str, str], name: str) -> None:
        self.values: dict[str, Any] = {}
        self._setting = setting
        self._environ = environ
        self._name = name

    def read(self, row: object) -> Iterator[str]:
        """What is wrong with it."""
        place = self._setting.place(self._name)
        if not NAME.fullmatch(self._name):
            yield f"{place}: a channel's name has 1 to 64 of a-z, 0-9, _ and -, and starts with a letter or digit"
        elif self._name in RESERVED:
            yield f"{place}: {self._name} {RESERVED[self._name]}; give this one another name"
        if not isinstance(row, dict):
            yield f"{place}: should be a table: [channels.NAME]"
            return
        named = row.get("type")
        if not isinstance(named, str) or named not in set(ChannelType):
            place = self._setting.place(self._name, "type", shown=shown(named) if isinstance(named, str) else "")
            yield f"{place}: should be one of {', '.join(ChannelType)}"
            return
        of_type = self.values["type"] = ChannelType(named)
        yield from self._unknown(row, of_type)
        for secret in _SECRETS[of_type]:
            yield from self._secret(row, secret, of_type)
        if of_type is ChannelType.SLACK_BOT:
            yield from self._channel(row)

    def _unknown(self, row: Mapping[str, Any], of_type: ChannelType) -> Iterator[str]:
        known = ["type", *(["channel"] if of_type is ChannelType.SLACK_BOT else [])]
        for secret in _SECRETS[of_type]:
            known += [secret, f"{secret}_file", f"{secret}_env"]
        for key in row:
            if key not in known:
                likely = hint(key, known) or f"; there are {', '.join(known)}"
                yield f"{self._setting.place(self._name, key)}: a channel of type {of_type} has no such key{likely}"

    def _secret(self, row: Mapping[str, Any], secret: str, of_type: ChannelType) -> Iterator[str]:
        ways = [secret, f"{secret}_file", f"{secret}_env"]
        given = [key for key in ways if key in row]
        if not given:
            if secret not in _OPTIONAL:
                place = self._setting.place(self._name)
                yield f"{place}: a channel of type {of_type} needs {secret}_file or {secret}_env"
            return
        place = self._setting.place(self._name, given[0])
        if len(given) > 1:
            yield f"{place}: {' and '.join(given)} are both set: set one of them"
            return
        try:
            value = self._resolved(given[0], row[given[0]])
            _check(secret, of_type, value)
        except ValueError as error:
            yield f"{place}: {error}"
        else:
            self.values[secret] = value

    def _resolved(self, key: str, value: object) -> SecretStr:
        by_name = key.endswith(("_file", "_env"))
        if isinstance(value, SecretStr) and not by_name:
            return value
        if not isinstance(value, str) or not value:
            raise ValueError("should name where the secret is, and not be it" if by_name else "should be a text")
        if key.endswith("_file"):
            try:
                return secret_in(value)
            except ValueError as error:
                raise ValueError(f"{value}: {error}") from None
        if not self._environ.get(value):
            raise ValueError(f"the environment has no variable {value}")
        return SecretStr(self._environ[value])

    def _channel(self, row: Mapping[str, Any]) -> Iterator[str]:
        value = row.get("channel")
        try:
            self.values["channel"] = slack_channel(value if isinstance(value, str) else "")
        except ValueError:
            place = self._setting.place(self._name, "channel")
            yield f"{place}: a channel of type slack_bot needs the id of Slack's channel, like C0123456789, and no name"


def _check(which: str, of_type: ChannelType, value: SecretStr) -> None:
    """Raises `ValueError`, without the secret, where something is wrong with it."""
    if which == "token":
        bot_token(value)
    elif which == "app_token":
        app_token(value)
    elif which == "secret":
        if not 24 <= _length(value.get_secret_value()) <= 64:
            raise ValueError("should be whsec_ and 24 to 64 bytes in base64: echo whsec_$(openssl rand -base64 32)")
    elif of_type is ChannelType.SLACK_WEBHOOK:
        slack_webhook(value)
    else:
        web_address(value.get_secret_value())


def _length(secret: str) -> int:
    """Bytes of a signing secret; 0: it is none."""
    try:
        return len(base64.b64decode(secret.removeprefix("whsec_"), validate=True))
    except (binascii.Error, ValueError):
        return 0
