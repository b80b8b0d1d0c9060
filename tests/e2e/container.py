"""A process as a container has it: alone with its descendants, nobody's user, on a disk that is read-only.

Made of what Linux has for that: `unshare` (namespaces of mounts and processes) and `setpriv`, both of util-linux, as
root. The network is the machine's.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from streams.broker.child import ChildProcess
from tests.dockerfile import Image

# The whole disk is made read-only but for one folder, and a new /tmp. As with systemd's MemoryDenyWriteExecute, no
# memory may be made executable (PR_SET_MDWE, of Linux 6.3; elsewhere the call is refused, and nothing is lost).
_CONFINED = """
mount --bind "$STATE" "$STATE" && mount -o remount,bind,ro / && mount -t tmpfs tmpfs /tmp && cd "$FOLDER" &&
exec setpriv --reuid "${USER_IDS%:*}" --regid "${USER_IDS#*:}" --clear-groups --no-new-privs --bounding-set=-all \\
  --inh-caps=-all "$PYTHON" -c '
import ctypes, os, sys
ctypes.CDLL(None).prctl(65, 1, 0, 0, 0)
own = {name: value for name, value in os.environ.items() if name not in ("STATE", "FOLDER", "USER_IDS", "PYTHON")}
os.execvpe(sys.argv[1], sys.argv[1:], own)
' "$@"
"""


def why_not() -> str | None:
    """Why there can be no container here; None where there can."""
    if sys.platform != "linux" or os.geteuid() != 0:
        return "needs root on Linux: a process is to run as another user, on a disk that is read-only"
    missing = [name for name in ("unshare", "setpriv", "cc") if shutil.which(name) is None]
    if missing:
        return f"needs {', '.join(missing)} (Debian and Ubuntu: apt-get install util-linux gcc libc6-dev)"
    if subprocess.run(["unshare", "--mount", "--pid", "--fork", "true"], capture_output=True, check=False).returncode:
        return "needs namespaces of its own, which this machine does not give"
    if python_for_all() is None:
        return f"needs a Python {_minor(sys.version_info)} that every user may run, as /usr/bin/python3 is"
    return None


def python_for_all() -> str | None:
    """A Python of the same minor version as this one that is not in somebody's home."""
    names = (f"python{_minor(sys.version_info)}", "python3")
    return next((found for name in names if (found := _in_usr(name)) is not None), None)


def _in_usr(name: str) -> str | None:
    for folder in ("/usr/bin", "/usr/local/bin"):
        found = Path(folder) / name
        if found.exists() and found.resolve().name == f"python{_minor(sys.version_info)}":
            return str(found)
    return None


def _minor(version: Sequence[object]) -> str:
    return f"{version[0]}.{version[1]}"


def container(image: Image, state: Path, output: Path, *command: str, **environment: str) -> ChildProcess:
    """Start the image with a command of slackwater, or with its own where there is none. `state` takes the place of its
    volume; `environment` are further variables."""
    arguments = [*image.entrypoint, *(command or image.command)]
    return _started(image, state, output, arguments, environment)


def asked(image: Image, state: Path, output: Path, command: Sequence[str]) -> ChildProcess:
    """A health check's command (`CMD` and words, or words alone) in such a container."""
    words = [word for word in command if word != "CMD"]
    return _started(image, state, output, words, {})


def _started(
    image: Image, state: Path, output: Path, arguments: Sequence[str], environment: Mapping[str, str]
) -> ChildProcess:
    (volume,) = image.volumes
    python = f"{image.inside('/opt/slackwater/bin')}/python"
    given = {name: value.replace(image.inside(volume), str(state)) for name, value in image.environment.items()}
    how = {"STATE": str(state), "FOLDER": image.inside(image.folder), "USER_IDS": image.user, "PYTHON": python}
    confined = ["unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc", "sh", "-c", _CONFINED, "sh"]
    return ChildProcess([*confined, *arguments], output=output, environment={**given, **environment, **how})
