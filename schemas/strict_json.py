"""Strict JSON: bytes to an object without duplicate keys, nested no deeper than asked, or the reason why not."""

import json
import re
from collections.abc import Iterable
from typing import Any

import orjson

from schemas.errors import Reason, Rejected


def parse_object(raw: bytes, max_depth: int) -> dict[str, Any] | Rejected:
    """The object that `raw` holds (RFC 8259). `max_depth` counts objects and arrays inside each other."""
    try:
        value = orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        return _why_no_json(raw, max_depth, error.msg)
    if type(value) is not dict:
        if deeper_than(value, max_depth):
            return _too_deep(max_depth)
        return Rejected(Reason.NOT_AN_OBJECT, None, "the value must be a JSON object")
    strings = len(value)
    for child in value.values():
        kind = type(child)
        if kind is str:
            strings += 1
        elif kind is dict or kind is list:  # The rare case; a flat object is done in this loop.
            if deeper_than(value, max_depth):
                return _too_deep(max_depth)
            strings = strings_in(value)
            break
    if raw.count(b'"') == 2 * strings and b"\\" not in raw:
        return value
    return value if quotes_in(raw) == 2 * strings else _which_key_twice(raw, max_depth)


def quotes_in(raw: bytes) -> int:
    """How many quotes begin or end a string, in valid JSON."""
    if b"\\" in raw:
        # A run of backslashes begins with one that escapes: pairs taken from the left are escaped backslashes, and a
        # backslash that is then left before a quote escapes it.
        raw = raw.replace(b"\\\\", b"")
        return raw.count(b'"') - raw.count(b'\\"')
    return raw.count(b'"')


def strings_in(value: Any) -> int:
    """How many strings the value was written with: keys and string values, at all levels.

    A parser that keeps one of two values of the same key loses at least the other key: the text then has more strings
    than the value, and the same number otherwise. So two counts tell exactly whether a key came twice.
    """
    count = 0
    waiting = [value]
    while waiting:
        item = waiting.pop()
        children: Iterable[Any] = item
        if type(item) is dict:
            count += len(item)
            children = item.values()
        for child in children:
            kind = type(child)
            if kind is str:
                count += 1
            elif kind is dict or kind is list:
                waiting.append(child)
    return count


def deeper_than(value: Any, depth: int) -> bool:
    """Whether objects and arrays are nested in more than `depth` levels."""
    level = [value] if isinstance(value, dict | list) else []
    while level and depth >= 0:
        depth -= 1
        level = [
            child
            for item in level
            for child in (item.values() if type(item) is dict else item)
            if type(child) is dict or type(child) is list
        ]
    return depth < 0


class _TwiceError(Exception):
    """Carries the key that came twice."""


def _once(pairs: list[tuple[str, Any]]) -> None:
    seen: set[str] = set()
    for key, _ in pairs:
        if key in seen:
            raise _TwiceError(key)
        seen.add(key)


def _which_key_twice(raw: bytes, max_depth: int) -> Rejected:
    try:
        json.loads(raw, object_pairs_hook=_once, parse_int=len, parse_float=len)
    except _TwiceError as twice:
        return Rejected(Reason.DUPLICATE_KEY, _shown(str(twice)), "an object must not name a key twice")
    except RecursionError:  # A value that the later key hides may be deeper than what was measured.
        return _too_deep(max_depth)
    return Rejected(Reason.DUPLICATE_KEY, None, "an object must not name a key twice")


def _shown(key: str) -> str | None:
    """A key that looks like a field's name; others may be somebody's data, and are not repeated."""
    return key if len(key) <= 64 and re.fullmatch(r"[A-Za-z_][A-Za-z0-9_.-]*", key) else None


_STRING = re.compile(rb'"(?:[^"\\]|\\.)*+(?:"|$)', re.DOTALL)
_BRACKETS = re.compile(rb"[\[\]{}]")
_NOT_FINITE = re.compile(rb"(?<![A-Za-z0-9_])-?(?:NaN|Infinity)(?![A-Za-z0-9_])")


def _why_no_json(raw: bytes, max_depth: int, message: str) -> Rejected:
    try:
        raw.decode()
    except UnicodeDecodeError as error:
        return Rejected(Reason.NOT_UTF8, None, f"byte {error.start} is not UTF-8: {error.reason}")
    bare = _STRING.sub(b"", raw)
    depth = 0
    for bracket in _BRACKETS.findall(bare):
        depth += 1 if bracket in b"[{" else -1
        if depth > max_depth:
            return _too_deep(max_depth)
    if _NOT_FINITE.search(bare) or message.startswith("number is infinity"):
        return Rejected(Reason.NOT_FINITE, None, "numbers must be finite: NaN and Infinity are no JSON")
    return Rejected(Reason.NOT_JSON, None, f"no JSON: {message}")


def _too_deep(max_depth: int) -> Rejected:
    return Rejected(Reason.TOO_DEEP, None, f"objects and arrays may be nested {max_depth} levels deep, no deeper")
