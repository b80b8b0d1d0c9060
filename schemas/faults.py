"""What pydantic found wrong with an event, as a `Rejected`: one reason, the field, and what is allowed."""

import re
from collections.abc import Collection, Iterable
from typing import Any

from pydantic_core import ErrorDetails

from schemas.base import NO_CONTROL
from schemas.errors import Reason, Rejected
from schemas.instants import SHAPE

_BY_PATTERN = {
    NO_CONTROL: "must not hold control characters",
    r"^[A-Za-z]{3}$": "must be an ISO 4217 currency code of three letters",
    r"^[0-9a-f]{16}$": "must be an alert id: 16 hexadecimal digits",
}


def explain(fault: ErrorDetails, value: dict[str, Any], discriminator: str | None) -> Rejected:
    """What `fault` is; an unknown version goes before it, since it explains the rest.

    `discriminator` is the field that tells the classes of the topic apart (None: there is one class).
    """
    if not known_version(value):
        return Rejected(Reason.UNKNOWN_VERSION, "schema_version", "must be 1, or absent")
    match fault["type"]:
        case "slackwater":
            context = fault["ctx"]
            return Rejected(Reason(context["reason"]), context["field"], context["detail"])
        case "union_tag_not_found":
            return _missing(str(discriminator))
        case "union_tag_invalid":
            allowed = f"must be one of {fault['ctx']['expected_tags']}"
            return Rejected(Reason.UNKNOWN_TYPE, discriminator, allowed)
    whole = len(fault["loc"]) == (1 if discriminator is None else 2)
    if fault["type"] == "missing" or (fault["input"] is None and whole):
        return _missing(_field(fault, discriminator))
    return _of_a_field(fault, _field(fault, discriminator))


def _of_a_field(fault: ErrorDetails, field: str) -> Rejected:
    if fault["type"] == "time_out_of_range":
        if type(fault["input"]) is int:  # Seconds since the epoch, perhaps: no range would make them a time here.
            return Rejected(Reason.INVALID_FIELD, field, f"must be {SHAPE}")
        return Rejected(Reason.TIME_OUT_OF_RANGE, field, fault["msg"])
    return Rejected(Reason.INVALID_FIELD, field, _allowed(fault))


def known_version(value: dict[str, Any]) -> bool:
    """Whether `schema_version` is 1 or absent (null is absent)."""
    version = value.get("schema_version")
    return version is None or (type(version) in (int, float) and version == 1)


def null_is_absent(value: dict[str, Any], names: Collection[str]) -> dict[str, Any]:
    """The value without those of the named fields that are null."""
    return {name: item for name, item in value.items() if item is not None or name not in names}


def wholes(faults: Iterable[ErrorDetails], discriminator: str | None) -> dict[str, int]:
    """Field to 3 wherever 3.0 stands and an integer is asked for.

    JSON Schema calls 3.0 an integer, and writers whose only number is the double may write it so.
    """
    return {
        _field(fault, discriminator): int(fault["input"])
        for fault in faults
        if fault["type"] == "int_type" and type(fault["input"]) is float and fault["input"].is_integer()
    }


def _field(fault: ErrorDetails, discriminator: str | None) -> str:
    """`champions[2]`, say. The keys of a mapping are left out: they are somebody's data."""
    loc = fault["loc"] if discriminator is None else fault["loc"][1:]
    return str(loc[0]) + "".join(f"[{part}]" for part in loc[1:] if type(part) is int)


def _missing(field: str) -> Rejected:
    return Rejected(Reason.MISSING_FIELD, field, "is missing or null")


def _allowed(fault: ErrorDetails) -> str:
    if fault["type"] == "string_pattern_mismatch":
        allowed = _BY_PATTERN.get(fault["ctx"]["pattern"], "must be an address that starts with http:// or https://")
    else:
        allowed = re.sub(r"^\w+ should\b", "must", fault["msg"])
    return f"one of its keys {allowed}" if fault["loc"][-1] == "[key]" else allowed
