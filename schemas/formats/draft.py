"""A native event in the making: its fields, and where in the foreign record each comes from."""

import re
from typing import Any, Final

from schemas.codec import validate
from schemas.errors import Rejected
from schemas.events import InputEvent, InputTopic
from schemas.formats.fields import FaultError

_ROOT: Final = re.compile(r"[^.\[]*")


class Draft:
    """Of an event for `topic`."""

    def __init__(self, topic: InputTopic) -> None:
        self._topic = topic
        self._values: dict[str, Any] = {}
        self._places: dict[str, str] = {}

    def put(self, field: str, value: Any, place: str) -> None:
        """Fill a native field. None leaves it absent; if the event needs it, the fault names the place all the same."""
        self._places[field] = place
        if value is not None:
            self._values[field] = value

    def event(self) -> InputEvent:
        """The native event. Raises FaultError, which names the place in the foreign record."""
        event = validate(self._topic, self._values)
        if isinstance(event, Rejected):
            native = event.field or ""
            found = _ROOT.match(native)
            root = found[0] if found else ""
            place = self._places[root] + native[len(root) :] if root in self._places else native
            raise FaultError(event.reason, place, event.detail)
        return event
