"""Where settings are set: the environment over a TOML file, and secrets in files of their own."""

from __future__ import annotations

import difflib
import os
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from schemas.errors import SettingsError

PREFIX = "SLACKWATER_"
CONFIG = PREFIX + "CONFIG"
DEFAULT_CONFIG = Path("slackwater.toml")


class Setting(NamedTuple):
    """A value and the place that it was set in: an environment variable's name, or file:key."""

    value: object
    place: str


def read_sources(
    environ: Mapping[str, str], toml_path: Path | None, *, keys: Iterable[str], secrets: Iterable[str]
) -> dict[str, Setting]:
    """What is set, by key; the environment wins. Raises SettingsError for unknown keys and unreadable files.

    The TOML file is `toml_path`, else the one that SLACKWATER_CONFIG names, else slackwater.toml in the current
    directory if there is one. An empty environment variable counts as not set, as compose files write it.
    """
    known, secret = set(keys), set(secrets)
    from_environ = {
        name.removeprefix(PREFIX).lower(): Setting(value, name)
        for name, value in environ.items()
        if name.startswith(PREFIX) and name != CONFIG and value != ""
    }
    path = _config_path(environ, toml_path)
    from_file = {} if path is None else {key: Setting(value, f"{path}:{key}") for key, value in _toml(path).items()}
    for source in (from_file, from_environ):
        _refuse_unknown(source, known | {key + "_file" for key in secret})
    return _with_secrets(from_file, secret) | _with_secrets(from_environ, secret)


def _config_path(environ: Mapping[str, str], toml_path: Path | None) -> Path | None:
    if toml_path is not None:
        return toml_path
    if named := environ.get(CONFIG):
        return Path(named)
    return DEFAULT_CONFIG if DEFAULT_CONFIG.is_file() else None


def _toml(path: Path) -> dict[str, object]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path}: the settings file cannot be read: {_why(error)}") from error
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(f"{path}: the settings file is not valid TOML: {error}") from error


def _refuse_unknown(source: Mapping[str, Setting], known: set[str]) -> None:
    problems = list(_unknown(source, known))
    if problems:
        raise SettingsError("\n".join(problems))


def _unknown(source: Mapping[str, Setting], known: set[str]) -> Iterator[str]:
    for key, setting in source.items():
        if key not in known:
            near = difflib.get_close_matches(key, sorted(known), n=1)
            hint = f"; did you mean {_like(setting.place, near[0])}?" if near else ""
            yield f"{setting.place}: there is no such setting{hint}"


def _like(place: str, key: str) -> str:
    return key if ":" in place else PREFIX + key.upper()


def _with_secrets(source: dict[str, Setting], secrets: set[str]) -> dict[str, Setting]:
    """Replace each `KEY_file` by the content of the file that it names."""
    result = dict(source)
    for key in secrets & {key.removesuffix("_file") for key in source}:
        named = result.pop(key + "_file", None)
        if named is None:
            continue
        if key in result:
            raise SettingsError(f"{named.place} and {result[key].place} are both set: set one of them")
        result[key] = Setting(_secret(named), named.place)
    return result


def _secret(named: Setting) -> str:
    try:
        content = Path(str(named.value)).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"{named.place}={named.value!r}: the file cannot be read: {_why(error)}") from error
    if not content:
        raise SettingsError(f"{named.place}={named.value!r}: the file is empty")
    return content


def _why(error: OSError | UnicodeDecodeError) -> str:
    # Never str(UnicodeDecodeError): it shows bytes of the file, which may hold a secret.
    return os.strerror(error.errno) if isinstance(error, OSError) and error.errno else "it is not UTF-8 text"
