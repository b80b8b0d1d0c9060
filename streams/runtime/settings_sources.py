"""Where settings are set: the environment over a TOML file, and secrets in files of their own."""

from __future__ import annotations

import difflib
import os
import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from pydantic import SecretStr

from schemas.errors import SettingsError
from streams.runtime.toml_lines import Path as KeyPath
from streams.runtime.toml_lines import line_of, lines_of

PREFIX = "SLACKWATER_"
CONFIG = PREFIX + "CONFIG"
DEFAULT_CONFIG = Path("slackwater.toml")
CHANNELS = "channels"
NO_SECRETS = ("type", "channel")
"""Keys of a channel whose values may be shown, besides those that name a file or a variable."""
_SECRET = re.compile(r"://|(?:^|[\s,=:'\"])(?:xox[a-z]|xapp-|whsec_)")


class Environment(Mapping[str, str]):
    """Environment variables, of which not even a crash report with its local variables shows the values."""

    def __init__(self, variables: Mapping[str, str]) -> None:
        self._variables = variables

    def __getitem__(self, name: str) -> str:
        return self._variables[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._variables)

    def __len__(self) -> int:
        return len(self._variables)

    def __repr__(self) -> str:
        return f"Environment({len(self)} variables)"


@dataclass(frozen=True, slots=True)
class Setting:
    """A value, which it does not show, and where it was set. `name`: the environment variable, or `file:key`."""

    value: Any = field(repr=False)
    name: str
    key: str = ""
    """In a file."""
    lines: Mapping[KeyPath, int] = field(default_factory=dict, repr=False)
    """Of that file."""

    def place(self, *inside: str | int, shown: str = "") -> str:
        """Where it was set, or what stands inside it; `shown`: what to show of the value.

        >>> lines = {("routes", 1, "kinds"): 9}
        >>> Setting([], "slackwater.toml:routes", "routes", lines).place(1, "kinds", shown="=[]")
        'slackwater.toml:routes[2].kinds=[] (line 9)'
        """
        path = "".join(f"[{part + 1}]" if isinstance(part, int) else f".{_as_key(part)}" for part in inside)
        line = line_of((self.key, *inside), self.lines)
        return f"{self.name}{path}{shown}" + (f" (line {line})" if line is not None else "")


def read_sources(
    environ: Mapping[str, str], toml_path: Path | None, *, keys: Iterable[str], secrets: Iterable[str]
) -> tuple[dict[str, Setting], list[str]]:
    """What is set, by key; the environment wins. And what is wrong with it, a line for each unknown key and each secret
    that cannot be read. Raises SettingsError for a file that cannot be.

    The TOML file is `toml_path`, else the one that SLACKWATER_CONFIG names, else slackwater.toml in the current
    directory if there is one. An empty environment variable counts as not set, as compose files write it.
    """
    known, secret = set(keys), set(secrets)
    allowed = known | {key + "_file" for key in secret}
    from_environ = {
        name.removeprefix(PREFIX).lower(): Setting(value, name)
        for name, value in environ.items()
        if name.startswith(PREFIX) and name != CONFIG and value != ""
    }
    path = _config_path(environ, toml_path)
    from_file = {} if path is None else _toml(path)
    problems: list[str] = []
    result: dict[str, Setting] = {}
    for source in (from_file, from_environ):
        problems += _unknown(source, allowed)
        result |= _with_secrets({key: each for key, each in source.items() if key in allowed}, secret, problems)
    return result, problems


def secret_files(environ: Mapping[str, str], toml_path: Path | None, secrets: Iterable[str]) -> dict[str, Path]:
    """The files that hold secrets, by where they are named: `KEY_file` of a setting, and of a channel's table. Raises
    SettingsError as `read_sources` does."""
    keys = [f"{key}_file" for key in secrets]
    path = _config_path(environ, toml_path)
    settings = {} if path is None else _toml(path)
    found = {each.name: each.value for key, each in settings.items() if key in keys}
    found |= {name: environ[name] for key in keys if environ.get(name := PREFIX + key.upper())}
    if CHANNELS in settings and isinstance(settings[CHANNELS].value, dict):
        for name, row in settings[CHANNELS].value.items():
            table = row if isinstance(row, dict) else {}
            found |= {settings[CHANNELS].place(name, key): each for key, each in table.items() if key.endswith("_file")}
    return {name: Path(str(each)) for name, each in found.items()}


def secret_in(path: str) -> SecretStr:
    """The content of a file that holds a secret. Raises `ValueError`, without it, for one that cannot be used."""
    try:
        content = Path(path).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        problem = f"the file cannot be read: {why(error)}"
    else:
        if content:
            return SecretStr(content)
        problem = "the file is empty"
    raise ValueError(problem)


def why(error: OSError | UnicodeDecodeError) -> str:
    """Why a file cannot be read. Never str(UnicodeDecodeError): it shows bytes of the file, which may hold a secret."""
    return os.strerror(error.errno) if isinstance(error, OSError) and error.errno else "it is not UTF-8 text"


def looks_secret(value: object) -> bool:
    """Whether a value may be or hold a secret that was put into the wrong place: an address, or one of Slack's tokens.

    >>> looks_secret("price, xoxb-1-2"), looks_secret("/run/secrets/xoxb-1")
    (True, False)
    """
    return _SECRET.search(str(value)) is not None


def shown(value: object) -> str:
    """What an error shows of a value, behind its key.

    >>> shown("wal"), shown("https://hooks.slack.com/services/T0/B0/x")
    ("='wal'", '')
    """
    return "" if looks_secret(value) else f"={value!r}"


def repeated(value: object) -> str:
    """What an error's text repeats of a value.

    >>> repeated("churn"), repeated("xoxb-1-2")
    ("'churn'", "'...'")
    """
    return "'...'" if looks_secret(value) else repr(value)


def hint(key: str, known: Iterable[str]) -> str:
    """What may have been meant.

    >>> hint("kind", ["kinds", "name"])
    '; did you mean kinds?'
    """
    near = difflib.get_close_matches(key, sorted(known), n=1)
    return f"; did you mean {near[0]}?" if near else ""


def _config_path(environ: Mapping[str, str], toml_path: Path | None) -> Path | None:
    if toml_path is not None:
        return toml_path
    if named := environ.get(CONFIG):
        return Path(named)
    return DEFAULT_CONFIG if DEFAULT_CONFIG.is_file() else None


def _toml(path: Path) -> dict[str, Setting]:
    try:
        return _read(path)
    except (OSError, UnicodeDecodeError) as error:
        problem = f"cannot be read: {why(error)}"
    except tomllib.TOMLDecodeError as error:
        problem = f"is not valid TOML: {error}"
    raise SettingsError(f"{path}: the settings file {problem}")  # not from the error: it may hold the file's text


def _read(path: Path) -> dict[str, Setting]:
    text = path.read_text(encoding="utf-8")
    values = tomllib.loads(text)
    lines = lines_of(text)
    if isinstance(channels := values.get(CHANNELS), dict):
        values[CHANNELS] = {name: _hidden(row) for name, row in channels.items()}
    return {key: Setting(value, f"{path}:{_as_key(key)}", key, lines) for key, value in values.items()}


def _hidden(row: object) -> object:
    """A channel's table, with everything that may be a secret hidden, under whatever key it stands."""
    if not isinstance(row, dict):
        return row
    return {key: value if _is_harmless(key, value) else SecretStr(str(value)) for key, value in row.items()}


def _is_harmless(key: str, value: object) -> bool:
    return (key in NO_SECRETS or key.endswith(("_file", "_env"))) and not looks_secret(value)


def _unknown(source: Mapping[str, Setting], known: set[str]) -> Iterator[str]:
    for key, setting in source.items():
        if key not in known:
            likely = hint(key, known)
            if likely and not setting.key:
                likely = re.sub(r"mean (\w+)", lambda found: f"mean {PREFIX}{found[1].upper()}", likely)
            yield f"{setting.place()}: there is no such setting{likely}"


def _with_secrets(source: dict[str, Setting], secrets: set[str], problems: list[str]) -> dict[str, Setting]:
    """Hide secrets, and replace each `KEY_file` by the content of the file that it names."""
    result = dict(source)
    for key in sorted(secrets):
        if key in result:
            result[key] = replace(result[key], value=SecretStr(str(result[key].value)))
        named = result.pop(key + "_file", None)
        if named is None:
            continue
        if key in result:
            problems.append(f"{named.place()} and {result[key].place()} are both set: set one of them")
            continue
        try:
            result[key] = replace(named, value=secret_in(str(named.value)))
        except ValueError as error:
            problems.append(f"{named.place(shown=shown(named.value))}: {error}")
    return result


def _as_key(name: str) -> str:
    if looks_secret(name):
        return '"..."'
    return name if re.fullmatch(r"[A-Za-z0-9_-]+", name) else f'"{name}"'
