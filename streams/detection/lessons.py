"""What the fleet learns from how its accounts went on. See `beginnings`, `curve` and `odds`."""

from typing import Any, NamedTuple

from streams.detection.beginnings import Beginnings
from streams.detection.curve import Curve
from streams.detection.odds import Odds
from streams.detection.sequels import Sequels


class Lessons(NamedTuple):
    """What is known by a day; it never changes."""

    curve: Curve
    odds: Odds
    beginnings: Beginnings = Beginnings()

    def learn(self, day: int, sequels: Sequels) -> "Lessons":
        """What is known by the next decided day."""
        return Lessons(
            self.curve.learn(day, sequels.begun),
            self.odds.learn(day, sequels.followed),
            self.beginnings.learn(day, sequels.came),
        )

    def pack(self) -> list[Any]:
        """As plain data."""
        return [self.curve.pack(), self.odds.pack(), self.beginnings.pack()]

    @classmethod
    def unpack(cls, packed: list[Any]) -> "Lessons":
        """What `pack` gave."""
        curve, odds, *newer = packed
        return cls(Curve.unpack(curve), Odds.unpack(odds), *(Beginnings.unpack(each) for each in newer))


NO_LESSONS = Lessons(Curve(), Odds())
