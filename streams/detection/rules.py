"""What every part of the engine goes by."""

from dataclasses import dataclass
from typing import Self

from streams.detection.calendar import Calendar
from streams.detection.config import DetectionConfig
from streams.detection.fleet import NEUTRAL, FleetDay
from streams.detection.thresholds import Thresholds


@dataclass(frozen=True, slots=True)
class Rules:
    """Settings and what follows from them: days, thresholds, the fleet. The same for every account."""

    config: DetectionConfig
    calendar: Calendar
    thresholds: Thresholds

    @classmethod
    def of(cls, config: DetectionConfig) -> Self:
        """Raises `ValueError` for a time zone that is not known."""
        return cls(config, Calendar(config.timezone, config.grace_ms), Thresholds(config))

    def fleet(self, day: int) -> FleetDay:
        """What the fleet says of a day; neutral until it is learnt."""
        del day
        return NEUTRAL
