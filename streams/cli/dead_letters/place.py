"""A record's value with the place of its fault marked. Pure."""

import json
import re
from typing import Any, Final

from schemas.dead_letter import DeadLetter

_MOST: Final = 4_000
"""Characters of a value that is no JSON; around the fault, where that is known."""
_STEP: Final = re.compile(r"([^.\[\]]+)|\[(\d+)\]")
MARK: Final = "<--"

Path = tuple[str | int, ...]


def marked(letter: DeadLetter) -> list[str]:
    """The value in lines: as indented JSON, with a mark behind the field at fault, or behind the object that lacks it;
    as text with a mark under the fault, where it is no JSON; as Python writes bytes, where it is no text."""
    raw = letter.raw
    if not raw:
        return ["(no value)"]
    why = f"{letter.reason.value}: {letter.detail}"
    try:
        text = raw.decode()
    except UnicodeDecodeError as error:
        start = max(error.start - _MOST // 2, 0)
        return [repr(raw[start : start + _MOST])[2:-1], f"{MARK} byte {error.start}: {why}"]
    try:
        value = json.loads(
            text, object_pairs_hook=_Pairs, parse_int=_Number, parse_float=_Number, parse_constant=_Number
        )
        return _marked(value, letter.field, why)
    except json.JSONDecodeError as error:
        return _pointed(text, error.pos, why)
    except RecursionError:
        return [text[:_MOST], f"{MARK} {why}"]


class _Pairs(list[tuple[str, Any]]):
    """An object as it stands in the text, keys that come twice included."""


class _Number(str):
    """A number as it stands in the text."""

    __slots__ = ()


def _marked(value: Any, field: str | None, why: str) -> list[str]:
    path = _path(field)
    while path and not _is_there(value, path):
        path = path[:-1]
    lines = list(_lines(value, (), "", path if field else None, why))
    return lines if field else [*lines, f"{MARK} {why}"]


def _path(field: str | None) -> Path:
    """The steps of `data.items[0]`.

    >>> _path("data.items[0]")
    ('data', 'items', 0)
    """
    return tuple(int(number) if number else name for name, number in _STEP.findall(field or ""))


def _is_there(value: Any, path: Path) -> bool:
    for step in path:
        if isinstance(value, _Pairs):
            found = [each for key, each in value if key == step]
        else:
            is_item = isinstance(value, list) and isinstance(step, int) and step < len(value)
            found = [value[step]] if is_item else []
        if not found:
            return False
        value = found[-1]
    return True


def _lines(value: Any, path: Path, indent: str, fault: Path | None, why: str, head: str = "", tail: str = "") -> Any:
    mark = f" {MARK} {why}" if fault == path else ""
    if isinstance(value, list) and value:
        is_object = isinstance(value, _Pairs)
        yield f"{indent}{head}{'{' if is_object else '['}{mark}"
        for number, each in enumerate(value):
            comma = "," if number < len(value) - 1 else ""
            key, inner = each if is_object else (number, each)
            name = f"{json.dumps(key, ensure_ascii=False)}: " if is_object else ""
            yield from _lines(inner, (*path, key), indent + "  ", fault, why, name, comma)
        yield f"{indent}{'}' if is_object else ']'}{tail}"
        return
    shown = "{}" if isinstance(value, _Pairs) else json.dumps(value, ensure_ascii=False)
    if isinstance(value, _Number):
        shown = value
    yield f"{indent}{head}{shown}{tail}{mark}"


def _pointed(text: str, at: int, why: str) -> list[str]:
    start = text.rfind("\n", 0, at) + 1
    end = text.find("\n", at)
    line = text[start : end if end >= 0 else len(text)]
    cut = max(at - start - _MOST // 2, 0)
    before = text[max(start - _MOST, 0) : start].splitlines()
    return [*before, line[cut : cut + _MOST], f"{' ' * (at - start - cut)}^ {why}"]
