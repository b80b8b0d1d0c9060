"""On which line of a TOML file each key stands: who has to mend it wants to know, and tomllib does not say.

The text has been read by tomllib before, so that it is known to be TOML: this only takes it apart.
"""

import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

Path = tuple[str | int, ...]
"""Keys, and places in arrays of tables, from the outside in: `("routes", 1, "name")`."""

_TOKEN: Final = re.compile(
    r'"""(?:\\.|[^\\])*?"{3,5}'
    r"|'''.*?'{3,5}"
    r'|"(?:\\.|[^"\\])*"'
    r"|'[^']*'"
    r"|\#[^\n]*"
    r"|[\[\]{}\n]"
    r"|[^\[\]{}\n\"'#]+",
    re.DOTALL,
)
_KEY: Final = re.compile(r"""(?:"(?:\\.|[^"\\])*"|'[^']*'|[^="'])+""")


def lines_of(text: str) -> dict[Path, int]:
    r"""The line (from 1) of each key and table header. What stands within an array or an inline table has the line of
    its key.

    >>> lines_of("[channels.cs]\ntype = 'console'\n\n[[routes]]\nname = 'all'\n")[("routes", 0, "name")]
    5
    """
    lines: dict[Path, int] = {}
    last: dict[Path, int] = {}
    table: Path = ()
    for line, statement in _statements(text):
        if not statement.startswith("["):
            _note(lines, line, table, _names(_KEY.match(statement)[0]))  # type: ignore[index]  # it begins with a key
            continue
        *parents, name = _names(statement.strip("[]"))
        table = (*_within(parents, last), name)
        if statement.startswith("[["):
            last[table] = last.get(table, -1) + 1
            lines.setdefault(table, line)
            table = (*table, last[table])
        _note(lines, line, (), table)
    return lines


def line_of(path: Path, lines: Mapping[Path, int]) -> int | None:
    """The line of a key, or of what it stands in; None where that is not in the file either."""
    while path and path not in lines:
        path = path[:-1]
    return lines.get(path)


def _note(lines: dict[Path, int], line: int, path: Path, names: Iterable[str | int]) -> None:
    for name in names:
        path = (*path, name)
        lines.setdefault(path, line)


def _within(names: Iterable[str], last: Mapping[Path, int]) -> Path:
    """The path of a table, by names alone: within an array of tables it is the last one so far."""
    path: Path = ()
    for name in names:
        path = (*path, name)
        if path in last:
            path = (*path, last[path])
    return path


def _names(key: str) -> list[str]:
    r"""A key's parts.

    >>> _names("people.'ann@example.com'")
    ['people', 'ann@example.com']
    """
    names = []
    inside: Any = tomllib.loads(f"{key.strip()} = 0")
    while isinstance(inside, dict):
        ((name, inside),) = inside.items()
        names.append(name)
    return names


def _statements(text: str) -> Iterator[tuple[int, str]]:
    """Table headers and key-value pairs, without comments, each with the line that it begins on."""
    line = first = 1
    depth = 0
    said = ""
    for found in _TOKEN.finditer(f"{text}\n"):
        part = found[0]
        if part == "\n" and not depth:
            if said.strip():
                yield first, said.strip()
            said = ""
        elif not part.startswith("#"):
            if not said.strip():
                first = line
            depth += (part in "[{") - (part in "]}")
            said += part
        line += part.count("\n")
