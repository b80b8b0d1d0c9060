"""Which events of an account have been seen: a repeated one is not counted twice."""

from itertools import islice
from typing import Any, Final

from streams.detection.packing import pack_hashes, unpack_hashes

_SWEEP_HOURS: Final = 24
_FEW: Final = 16
"""So few may stay, however old."""


class Dedup:
    """Event ids (as hashes) of the last `window` hours, at most `limit` of them. Hours are those of the merged order,
    which never goes back, so that the ids lie here by age."""

    __slots__ = ("_hours", "_swept")

    def __init__(self) -> None:
        self._hours: dict[int, int] = {}
        self._swept = 0

    def __len__(self) -> int:
        return len(self._hours)

    def admit(self, event_id: int, hour: int, window: int, limit: int) -> int:
        """Remember an id. Returns -1 when it was seen within the last `window` hours, else how many ids were forgotten
        for it before their time because there were more than `limit`: 0, as a rule."""
        hours = self._hours
        seen = hours.get(event_id)
        if seen is not None:
            if hour - seen <= window:
                return -1
            del hours[event_id]  # to stand behind the younger ones when it is set again
        hours[event_id] = hour
        if len(hours) <= limit and (len(hours) <= _FEW or hour - self._swept < _SWEEP_HOURS):
            return 0
        return self._shrink(hour, hour - window, limit)

    def _shrink(self, hour: int, oldest: int, limit: int) -> int:
        self._swept = hour
        hours = self._hours
        if next(iter(hours.values())) < oldest:
            gone = next((number for number, seen in enumerate(hours.values()) if seen >= oldest), len(hours))
            self._hours = hours = dict(islice(hours.items(), gone, None))
        if len(hours) <= limit:
            return 0
        # A sixteenth at a time: taking one off the front of a dict for every new id would cost more each time.
        extra = len(hours) - limit + limit // 16
        self._hours = dict(islice(hours.items(), extra, None))
        return extra

    def encode(self) -> list[Any]:
        """Hours as runs of (hours since the run before, ids in it), then the ids."""
        runs: list[int] = []
        before = 0
        for hour in self._hours.values():
            if runs and hour == before:
                runs[-1] += 1
            else:
                runs += (hour - before, 1)
                before = hour
        return [self._swept, runs, pack_hashes(self._hours)]

    @classmethod
    def decode(cls, values: list[Any]) -> "Dedup":
        """The inverse of `encode`."""
        dedup = cls()
        dedup._swept, runs, packed = values
        ids = iter(unpack_hashes(packed))
        hour = 0
        for step, count in zip(runs[::2], runs[1::2], strict=True):
            hour += step
            for event_id in islice(ids, count):
                dedup._hours[event_id] = hour
        return dedup
