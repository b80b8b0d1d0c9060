"""What of a promised schema a newer one takes back."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

LOWER = ("minimum", "exclusiveMinimum", "minLength", "minItems", "minProperties")
UPPER = ("maximum", "exclusiveMaximum", "maxLength", "maxItems", "maxProperties")
Schema = dict[str, Any]


def taken_back(old: Schema, new: Schema, *, written: bool) -> list[str]:
    """Places of fields that are gone or narrower, and how. Of an input (not `written`) what was taken has to be taken
    still; of an output what was always there has to be there still."""
    return list(_Comparison(old, new, written).compare(old, new, ""))


class _Comparison:
    def __init__(self, old: Schema, new: Schema, written: bool) -> None:
        self._old = old
        self._new = new
        self._written = written

    def compare(self, old: Schema, new: Schema, place: str) -> Iterator[str]:
        old, new = self._resolved(old, self._old), self._resolved(new, self._new)
        branches, others = _branches(old), _branches(new)
        if branches == [old] and others == [new]:
            yield from self._compare_one(old, new, place)
            return
        for branch in branches:
            found = [list(self.compare(branch, other, place)) for other in others]
            yield from min(found, key=len)

    def _compare_one(self, old: Schema, new: Schema, place: str) -> Iterator[str]:
        if (was := _types(old)) and (now := _types(new)) and not was <= now:
            yield f"{place}: the type was {old['type']}, and is {new['type']}"
            return
        if "enum" in new or "const" in new:
            values = [new["const"]] if "const" in new else new["enum"]
            before = [old["const"]] if "const" in old else old.get("enum")
            if before is None or any(value not in values for value in before):
                yield f"{place}: values are gone"
        if not self._written:
            yield from _bounds(old, new, place)
        yield from self._required(old, new, place)
        for name, field in old.get("properties", {}).items():
            if name not in new.get("properties", {}):
                yield f"{place}.{name}: is gone"
            else:
                yield from self.compare(field, new["properties"][name], f"{place}.{name}")
        for name in ("items", "additionalProperties"):
            if isinstance(old.get(name), dict) and isinstance(new.get(name), dict):
                yield from self.compare(old[name], new[name], f"{place}[]")

    def _required(self, old: Schema, new: Schema, place: str) -> Iterator[str]:
        before, now = set(old.get("required", ())), set(new.get("required", ()))
        for name in sorted(before - now if self._written else now - before):
            yield f"{place}.{name}: {'may be missing' if self._written else 'has to be there'} now"

    @staticmethod
    def _resolved(schema: Schema, whole: Schema) -> Schema:
        while "$ref" in schema:
            schema = whole["$defs"][schema["$ref"].removeprefix("#/$defs/")]
        return schema


def _branches(schema: Schema) -> list[Schema]:
    for name in ("anyOf", "oneOf"):
        if name in schema and "properties" not in schema:
            branches: list[Schema] = schema[name]
            return branches
    return [schema]


def _types(schema: Schema) -> set[str]:
    kind = schema.get("type")
    found = {kind} if isinstance(kind, str) else set(kind or ())
    return found | {"integer"} if "number" in found else found


def _bounds(old: Schema, new: Schema, place: str) -> Iterator[str]:
    for name in LOWER:
        if name in new and new[name] > old.get(name, float("-inf")):
            yield f"{place}: {name} was {old.get(name)}, and is {new[name]}"
    for name in UPPER:
        if name in new and new[name] < old.get(name, float("inf")):
            yield f"{place}: {name} was {old.get(name)}, and is {new[name]}"
    if "pattern" in new and new["pattern"] != old.get("pattern"):
        yield f"{place}: the pattern was {old.get('pattern')}, and is {new['pattern']}"
