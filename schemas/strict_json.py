"""Strict JSON: bytes to an object without duplicate keys, nested no deeper than asked, or the reason why not."""

import json
import re
from collections.abc import Iterable
from typing import Any, Final

import orjson

from schemas.errors import Reason, Rejected


def parse_object(raw: bytes, max_depth: int) -> dict[str, Any] | Rejected:
    """The object that `raw` holds (RFC 8259). `max_depth` counts objects and arrays inside each other."""
    try:
        value = orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        return _why_no_json(raw, max_depth, error)
    if type(value) is not dict:
        if count_strings(value, max_depth) is None:
            return _too_deep(max_depth)
        return Rejected(Reason.NOT_AN_OBJECT, None, "the value must be a JSON object")
    strings = len(value)
    for child in value.values():
        kind = type(child)
        if kind is str:
            strings += 1
        elif kind is dict or kind is list:  # The rare case: a flat object is done in this loop.
            counted = count_strings(value, max_depth)
            if counted is None:
                return _too_deep(max_depth)
            strings = counted
            break
    if raw.count(b'"') == 2 * strings:
        return value  # Escaped quotes and lost keys only ever add to the count.
    return value if count_quotes(raw) == 2 * strings else _which_key_twice(raw)


def count_quotes(raw: bytes) -> int:
    """How many quotes begin or end a string, in valid JSON."""
    if b"\\" in raw:
        # A run of backslashes begins with one that escapes: pairs taken from the left are escaped backslashes, and a
        # backslash that is then left before a quote escapes it.
        raw = raw.replace(b"\\\\", b"")
        return raw.count(b'"') - raw.count(b'\\"')
    return raw.count(b'"')


def count_strings(value: Any, max_depth: int) -> int | None:
    """How many strings the value was written with, keys and string values of all levels; None if it is too deep.

    A parser that keeps one of two values of the same key loses at least the other key: the text then has more strings
    than the value, and the same number otherwise. So two counts tell exactly whether a key came twice.
    """
    count = 1 if type(value) is str else 0
    level = [value] if type(value) is dict or type(value) is list else []
    while level:
        max_depth -= 1
        if max_depth < 0:
            return None
        deeper = []
        for item in level:
            if type(item) is dict:
                count += len(item)
                children: Iterable[Any] = item.values()
            else:
                children = item
            for child in children:
                kind = type(child)
                if kind is str:
                    count += 1
                elif kind is dict or kind is list:
                    deeper.append(child)
        level = deeper
    return count


class _TwiceError(Exception):
    """Carries the key that came twice."""


def _once(pairs: list[tuple[str, Any]]) -> None:
    seen: set[str] = set()
    for key, _ in pairs:
        if key in seen:
            raise _TwiceError(key)
        seen.add(key)


def _which_key_twice(raw: bytes) -> Rejected:
    try:
        json.loads(raw, object_pairs_hook=_once, parse_int=len, parse_float=len)
    except _TwiceError as twice:
        return Rejected(Reason.DUPLICATE_KEY, _shown(str(twice)), "an object must not name a key twice")
    except RecursionError:
        pass  # A value that the later key hides may be deeper than what was measured: the key stays unnamed.
    return Rejected(Reason.DUPLICATE_KEY, None, "an object must not name a key twice")


def _shown(key: str) -> str | None:
    """A key that looks like a field's name; others may be somebody's data, and are not repeated."""
    return key if len(key) <= 64 and re.fullmatch(r"[A-Za-z_][A-Za-z0-9_.-]*", key) else None


_NOT_FINITE: Final = re.compile(r"-?(?:NaN|Infinity)\b")


def _why_no_json(raw: bytes, max_depth: int, error: orjson.JSONDecodeError) -> Rejected:
    try:
        text = raw.decode()
    except UnicodeDecodeError as fault:
        return Rejected(Reason.NOT_UTF8, None, f"byte {fault.start} is not UTF-8: {fault.reason}")
    if error.msg.startswith("depth limit exceeded"):
        return _too_deep(max_depth)
    # The parser stops at the sign, or behind it.
    literal = _NOT_FINITE.match(text, error.pos) or _NOT_FINITE.match(text, max(error.pos - 1, 0))
    if literal or error.msg.startswith("number is infinity"):
        return Rejected(Reason.NOT_FINITE, None, "numbers must be finite: NaN and Infinity are no JSON")
    return Rejected(Reason.NOT_JSON, None, f"no JSON: {error.msg}")


def _too_deep(max_depth: int) -> Rejected:
    return Rejected(Reason.TOO_DEEP, None, f"objects and arrays may be nested {max_depth} levels deep, no deeper")
