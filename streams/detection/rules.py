"""What every part of the engine goes by."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

from alerting.playbook import Playbook
from streams.detection.calendar import Calendar
from streams.detection.config import HEALTH_WEIGHTS, DetectionConfig
from streams.detection.fleet import FleetDay
from streams.detection.fleet_log import FleetLog
from streams.detection.lessons import Lessons
from streams.detection.reasons import LetGo, Reasons
from streams.detection.thresholds import Thresholds


@dataclass(frozen=True, slots=True)
class Rules:
    """Settings and what follows from them, and what is learnt of the fleet. The same for every account."""

    config: DetectionConfig
    calendar: Calendar
    learnt: FleetLog
    reasons: Reasons
    let_go: LetGo
    playbook: Playbook
    health_weights: Mapping[str, float]

    @classmethod
    def of(cls, config: DetectionConfig, learnt: FleetLog | None = None) -> Self:
        """Raises `ValueError` for a time zone or a class of reasons that is not known."""
        return cls(
            config,
            Calendar(config.timezone, config.grace_ms),
            learnt or FleetLog(config),
            Reasons(config.reason_keywords),
            LetGo(config.let_go),
            Playbook(config.plays),
            {**HEALTH_WEIGHTS, **dict(config.health_weights)},
        )

    @property
    def thresholds(self) -> Thresholds:
        """As of the newest decided day."""
        return self.learnt.thresholds

    def lessons(self, day: int) -> Lessons:
        """What is known, by a closed day, of how accounts go on."""
        return self.learnt.lessons(day)

    def fleet(self, day: int) -> FleetDay:
        """What the fleet says of a day."""
        return self.learnt.of(day)
