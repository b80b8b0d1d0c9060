"""Whether others on this machine can read what is secret."""

import stat
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from streams.cli.checks.finding import Finding, Findings
from streams.runtime.settings import SECRETS, Settings
from streams.runtime.settings_sources import secret_files

_SAY: Final = Findings("secrets")


def look(settings: Settings, environ: Mapping[str, str], config: Path | None) -> Iterator[Finding]:
    """Of each file that the settings name. That they can be read is known: there would be no settings else."""
    files = secret_files(environ, config, SECRETS)
    if settings.ssl_keyfile is not None:
        files["ssl_keyfile"] = settings.ssl_keyfile
    for name, path in sorted(files.items()):
        try:
            mode = stat.S_IMODE(path.stat().st_mode)
        except OSError as error:
            yield _SAY.failure(f"{path}: {error.strerror}", "name a file that this user may read", name)
            continue
        if mode & stat.S_IRWXO:
            text = f"every user of this machine can {'read' if mode & stat.S_IROTH else 'change'} {path} ({mode:04o})"
            yield _SAY.warning(text, f"run: chmod o= {path}", name)
        else:
            yield _SAY.ok(f"{path} is not for everybody ({mode:04o})", name)
    if settings.user_hash_key is None:
        yield _SAY.ok("user ids are stored as they are: there is no SLACKWATER_USER_HASH_KEY", "user_hash_key")
