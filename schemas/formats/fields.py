"""Looking into somebody else's JSON: each value with its place in it, and a fault that names the place."""

from collections.abc import Mapping
from typing import Any

from schemas.errors import Reason, Rejected
from schemas.instants import EARLIEST, LATEST, format_instant


class FaultError(Exception):
    """A record cannot be read: carries the `Rejected`. Caught by `schemas.formats.reader`."""

    def __init__(self, reason: Reason, field: str, detail: str) -> None:
        super().__init__(detail)
        self.rejected = Rejected(reason, field, detail)


def missing(place: str) -> FaultError:
    """A field that is needed is absent, null or empty."""
    return FaultError(Reason.MISSING_FIELD, place, "is missing or null")


def invalid(place: str, detail: str) -> FaultError:
    """A field has a value that is not allowed; `detail` says what is."""
    return FaultError(Reason.INVALID_FIELD, place, detail)


class Fields:
    """An object at a place (`data.object`, say; empty: the record itself). Null and the empty text are absent."""

    __slots__ = ("_place", "values")

    def __init__(self, values: Mapping[str, Any], place: str = "") -> None:
        self.values = values
        self._place = place

    def place(self, name: str) -> str:
        """Where a field of this object stands in the record."""
        return f"{self._place}.{name}" if self._place else name

    def __contains__(self, name: str) -> bool:
        return self.values.get(name) is not None

    def object(self, name: str) -> "Fields":
        """An object; one that is absent has no fields. Raises FaultError for anything else, as all of these do."""
        value = self.values.get(name)
        if value is None:
            value = {}
        if not isinstance(value, dict):
            raise invalid(self.place(name), "must be an object")
        return Fields(value, self.place(name))

    def expanded(self, name: str) -> "Fields":
        """An object where an id may stand in its place; of the id nothing is known."""
        value = self.values.get(name)
        return Fields(value if isinstance(value, dict) else {}, self.place(name))

    def objects(self, name: str) -> "list[Fields]":
        """A list's objects; what else is in it is left out."""
        value = self.values.get(name)
        if value is None:
            return []
        if not isinstance(value, list):
            raise invalid(self.place(name), "must be an array")
        place = self.place(name)
        return [Fields(each, f"{place}[{number}]") for number, each in enumerate(value) if isinstance(each, dict)]

    def text(self, name: str) -> str | None:
        """A text."""
        value = self.values.get(name)
        if value is None or value == "":
            return None
        if not isinstance(value, str):
            raise invalid(self.place(name), "must be a text")
        return value

    def id(self, name: str) -> str | None:
        """An id: a text, or a whole number, which is read as its digits."""
        value = self.values.get(name)
        if type(value) is int:
            return str(value)
        if value is not None and not isinstance(value, str):
            raise invalid(self.place(name), "must be a text or a whole number")
        return value or None

    def id_of(self, name: str) -> str | None:
        """The id of an object that is given by its id or as a whole."""
        value = self.values.get(name)
        return self.object(name).text("id") if isinstance(value, dict) else self.text(name)

    def whole(self, name: str) -> int | None:
        """A whole number, 3.0 being one."""
        value = self.values.get(name)
        if value is None:
            return None
        if isinstance(value, float) and value.is_integer():
            return int(value)
        if type(value) is not int:
            raise invalid(self.place(name), "must be a whole number")
        return value

    def flag(self, name: str) -> bool:
        """Whether a field is true; absent is false."""
        value = self.values.get(name)
        if value is None:
            return False
        if not isinstance(value, bool):
            raise invalid(self.place(name), "must be true or false")
        return value

    def seconds(self, name: str) -> str | None:
        """A time in seconds since the epoch, as RFC 3339."""
        value = self.whole(name)
        if value is None:
            return None
        if not EARLIEST <= value * 1000 <= LATEST:
            detail = "must be a time in seconds since 1970, from 1990 to 2099"
            raise FaultError(Reason.TIME_OUT_OF_RANGE, self.place(name), detail)
        return format_instant(value * 1000)
