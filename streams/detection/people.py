"""Who uses the product at an account: hashes of user ids with the day each was last seen."""

from typing import Any

from streams.detection.packing import pack_days, pack_hashes, unpack_days, unpack_hashes


class People:
    """At most `limit` users; those not seen for longest are forgotten first."""

    __slots__ = ("last_seen",)

    def __init__(self) -> None:
        self.last_seen: dict[int, int] = {}

    def saw(self, user: int, day: int, limit: int) -> None:
        """The user did something on that day."""
        last_seen = self.last_seen
        known = last_seen.get(user)
        if known is None:
            last_seen[user] = day
            if len(last_seen) > limit:
                self._forget(limit)
        elif day > known:
            last_seen[user] = day

    def active_since(self, day: int) -> int:
        """How many were seen on that day or later."""
        return sum(1 for seen in self.last_seen.values() if seen >= day)

    def rename(self, before: int, now: int) -> None:
        """A user is known under another number from now on."""
        day = self.last_seen.pop(before, -1)
        if day >= 0:
            self.last_seen[now] = max(day, self.last_seen.get(now, day))

    def _forget(self, limit: int) -> None:
        # An eighth at a time, so that an account of many users is not sorted anew for each of them.
        kept = sorted(self.last_seen.items(), key=lambda item: (-item[1], item[0]))[: limit - limit // 8]
        self.last_seen = dict(kept)

    def encode(self) -> list[Any]:
        """Two packed columns."""
        return [pack_hashes(self.last_seen), pack_days(self.last_seen.values())]

    @classmethod
    def decode(cls, values: list[Any]) -> "People":
        """The inverse of `encode`."""
        people = cls()
        people.last_seen = dict(zip(unpack_hashes(values[0]), unpack_days(values[1]), strict=True))
        return people
