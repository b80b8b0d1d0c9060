"""How high each channel has to stand for a watch, an alert and a critical alert, at the rate of false alarms asked
for."""

from bisect import bisect_right
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from schemas.alerts import Severity
from streams.detection.calibration import (
    ALONE,
    CHANNELS,
    CLOCK,
    DROP,
    JOINT,
    SHARED_JOINT,
    SILENCE,
    Calibration,
    Scale,
    none,
)
from streams.detection.config import DetectionConfig
from streams.detection.habits import Column, Mask
from streams.detection.tiers import TIER_FROM, TIERS, tiers_of

_LEAST: Final = 0.1
_LOWEST: Final = -0.49
"""Of what is wanted of a silence: below it one would be told of which no channel says anything."""

SEVERITIES = (Severity.WATCH, Severity.WARNING, Severity.CRITICAL)


class Levels(NamedTuple):
    """Thresholds of one tier; each is for watch, warning and critical."""

    drop: tuple[float, float, float]
    """S, nats."""
    silence: tuple[float, float, float]
    """E, nats."""
    clock: tuple[float, float, float]
    """Days."""


class LevelColumns(NamedTuple):
    """Thresholds of many accounts: a row each for watch, warning and critical."""

    drop: Column
    silence: Column
    clock: Column


class Thresholds:
    """By rate tier, at the rate asked for, on a scale of how rare scores are; without one, on that of a cold start.
    `share` is what is left of the false alarms asked for, as other kinds have theirs. `shared`: all channels make about
    as many alarms as so many would. `falls`: the drop channel may make so many times its part.

    >>> from streams.detection.calibration import DROP
    >>> levels = Thresholds(DetectionConfig(alert_false_alarms=0.5)).of(0.5)
    >>> [round(each[1], 1) for each in levels]
    [7.7, 6.6, 18.1]
    >>> round(Thresholds(DetectionConfig()).false_alarms(DROP, 7.7, 0.5), 1)
    0.5
    """

    __slots__ = (
        "_columns",
        "_days_alone",
        "_falls",
        "_scale",
        "_share",
        "_shared",
        "_tiers",
        "_wanted",
        "_wanted_falls",
        "_wanted_of",
        "least",
        "least_together",
    )

    def __init__(
        self,
        config: DetectionConfig,
        scale: Scale | None = None,
        share: float = 1.0,
        shared: float = SHARED_JOINT,
        falls: float = 1.0,
    ) -> None:
        watch = max(config.watch_false_alarms, config.alert_false_alarms)
        asked = (share * watch, share * config.alert_false_alarms, share * config.alert_false_alarms / 10.0)
        if scale is None:
            scale = Calibration().scale(np.zeros(TIERS, np.int64), none())
        self._scale = scale
        self._share = share
        self._shared = shared
        self._falls = falls
        self._wanted: Column = np.maximum(np.log10(shared / np.outer(asked, scale.silence_shares)), _LOWEST)
        """Calibrated scores of silences [watch, warning or critical; tier]."""
        self._wanted_of: list[list[float]] = self._wanted.T.tolist()
        """The same [tier][watch, warning or critical], ..."""
        self._wanted_falls: list[list[float]] = np.log10(shared / falls / np.outer(asked, scale.shares)).T.tolist()
        """... and of falls."""
        self._tiers = tuple(
            Levels(
                _three(scale, DROP, tier, of_fall),
                _three(scale, SILENCE, tier, of_silence),
                _three(scale, CLOCK, tier, of_silence),
            )
            for tier, (of_fall, of_silence) in enumerate(zip(self._wanted_falls, self._wanted_of, strict=True))
        )
        self._days_alone = _three(scale, CLOCK, 0, [wanted - ALONE for wanted in self._wanted_of[0]])
        self._columns = [np.array([levels[channel] for levels in self._tiers]).T for channel in range(CHANNELS)]
        self.least = tuple(min(levels[channel][0] for levels in self._tiers) for channel in range(CHANNELS))
        """The lowest drop, silence and clock scores that mean anything to any account, each by itself."""
        self.least_together = tuple(
            min(
                self.least[channel],
                *[_at(scale, channel, tier, watch - JOINT) for tier, (watch, _, _) in enumerate(self._wanted_of)],
            )
            for channel in (SILENCE, CLOCK)
        )
        """One of these silence and clock scores it takes for a silence by all channels together, as their mean is no
        higher than the higher of the two; also for one by the clock alone, which is worth less than `JOINT` more."""

    def of(self, rate: float) -> Levels:
        """The thresholds of an account with `rate` events a day."""
        return self._tiers[bisect_right(TIER_FROM, rate)]

    def days(self, rate: float) -> tuple[float, float, float]:
        """On the clock, for a silence to be told by it alone."""
        return self._days_alone if self.is_seldom(rate) else self.of(rate).clock

    def columns(self, rate: Column) -> LevelColumns:
        """The thresholds of many accounts with these rates."""
        tier = tiers_of(rate)
        drop, silence, clock = self._columns
        return LevelColumns(drop[:, tier], silence[:, tier], clock[:, tier])

    def silence(self, rate: Column, drop: Column, silence: Column, clock: Column) -> npt.NDArray[np.int64]:
        """How many of the three levels silences have reached, by the scores of all channels."""
        calibrated = self._scale.silence(rate, drop, silence, clock)
        level: npt.NDArray[np.int64] = (calibrated >= self._wanted[:, tiers_of(rate)]).sum(axis=0)
        return level

    def silence_level(self, rate: float, drop: float, silence: float, clock: float) -> int:
        """`silence` of one account."""
        wanted = self._wanted_of[bisect_right(TIER_FROM, rate)]
        return bisect_right(wanted, self._scale.one_silence(rate, drop, silence, clock))

    def seldom(self, rate: Column) -> Mask:
        """Accounts of which only the time since the last event is judged: see `Scale.seldom`. It takes no number of
        missing events to tell their silence, and by their falls nothing opens."""
        return self._scale.seldom(rate)

    def is_seldom(self, rate: float) -> bool:
        """`seldom` of one account."""
        return self._scale.is_seldom(rate)

    def asking(self, config: DetectionConfig) -> "Thresholds":
        """The same, at the rate that another configuration asks for."""
        return Thresholds(config, self._scale, self._share, self._shared, self._falls)

    def alert(self, channel: int, tier: npt.NDArray[np.intp]) -> Column:
        """The threshold of a channel for an alert (a warning), in each of the tiers."""
        level: Column = self._columns[channel][1][tier]
        return level

    def alert_false_alarms(self, rate: float, channel: int = SILENCE) -> float:
        """False alarms per account-year at which a silence or a fall is an alert: what is asked for, or what the
        account's tier gets of that."""
        wanted = self._wanted_falls if channel == DROP else self._wanted_of
        return float(self._shared * 10.0 ** -wanted[bisect_right(TIER_FROM, rate)][1])

    @property
    def learnt(self) -> float:
        """Share of them that the scale knows."""
        return 1.0 - float(self._scale.cold.mean())

    def false_alarms(self, channel: int, score: float, rate: float) -> float:
        """False alarms per account-year at this score of a channel, all channels together."""
        return float(self._shared * 10.0 ** -self._scale.one(channel, bisect_right(TIER_FROM, rate), score))

    def silence_false_alarms(self, rate: float, drop: float, silence: float, clock: float) -> float:
        """False alarms per account-year at this silence, by the scores of all channels."""
        return float(self._shared * 10.0 ** -self._scale.one_silence(rate, drop, silence, clock))


def _three(scale: Scale, channel: int, tier: int, wanted: list[float]) -> tuple[float, float, float]:
    watch, warning, critical = [_at(scale, channel, tier, each) for each in wanted]
    return watch, warning, critical


def _at(scale: Scale, channel: int, tier: int, calibrated: float) -> float:
    return max(scale.at(channel, tier, calibrated), _LEAST)


def reached(score: float, levels: tuple[float, float, float]) -> int:
    """How many of the three levels a score has reached."""
    return bisect_right(levels, score)
