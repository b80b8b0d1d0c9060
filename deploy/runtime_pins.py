"""What an installation of slackwater holds, of all that constraints.txt pins: the closure of its dependencies, and of
those extras that users take.

    python -m deploy.runtime_pins > build/runtime.txt     # requirements, with their hashes
"""

import re
from collections.abc import Iterator
from importlib.metadata import requires
from pathlib import Path
from typing import Final

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

_ROOT: Final = Path(__file__).resolve().parents[1]
EXTRAS: Final = ("embedded", "backtest", "rocksdb")
"""All but `dev`."""
_PIN: Final = re.compile(r"([A-Za-z0-9._-]+)==(\S+)((?:\s+\\\n\s+--hash=\S+)+)")


def pins(text: str) -> dict[str, tuple[str, tuple[str, ...]]]:
    """Version and SHA-256 hashes of each package that a constraints file pins, by its canonical name.

    >>> pins("Foo==1.2 \\\\\\n    --hash=sha256:aa \\\\\\n    --hash=sha256:bb")
    {'foo': ('1.2', ('aa', 'bb'))}
    """
    return {
        canonicalize_name(name): (version, tuple(re.findall(r"--hash=sha256:(\S+)", hashes)))
        for name, version, hashes in _PIN.findall(text)
    }


def runtime(root: str = "slackwater") -> dict[str, set[str]]:
    """Each package of an installation, with those that it needs itself; by what is installed beside this."""
    found: dict[str, set[str]] = {}
    wanted: list[tuple[str, frozenset[str]]] = [(root, frozenset(EXTRAS))]
    seen = set(wanted)
    while wanted:
        name, extras = wanted.pop()
        needs = list(_needs(name, extras))
        found.setdefault(name, set()).update(each for each, _ in needs)
        wanted += [each for each in needs if each not in seen]
        seen.update(needs)
    return found


def _needs(name: str, extras: frozenset[str]) -> Iterator[tuple[str, frozenset[str]]]:
    for text in requires(name) or ():
        each = Requirement(text)
        if each.marker is None or any(each.marker.evaluate({"extra": extra}) for extra in ("", *extras)):
            yield canonicalize_name(each.name), frozenset(each.extras)


def pinned() -> dict[str, tuple[str, tuple[str, ...]]]:
    """The `pins` of constraints.txt."""
    return pins((_ROOT / "constraints.txt").read_text(encoding="utf-8"))


def requirements() -> str:
    """The pins of an installation, with their hashes, as pip reads them."""
    every = pinned()
    lines = []
    for name in sorted(runtime().keys() - {"slackwater"}):
        version, hashes = every[name]
        lines.append(" \\\n".join([f"{name}=={version}", *(f"    --hash=sha256:{each}" for each in hashes)]))
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    print(requirements(), end="")  # noqa: T201
