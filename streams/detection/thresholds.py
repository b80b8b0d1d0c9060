"""How high each channel has to stand for a watch, an alert and a critical alert, at the rate of false alarms asked
for."""

from bisect import bisect_right
from math import exp, log, log10
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from schemas.alerts import Severity
from streams.detection.calibration import CLOCK, DROP, SHARED, SILENCE, Scale
from streams.detection.config import DetectionConfig
from streams.detection.habits import Column
from streams.detection.tiers import CLOCK_COLD, DROP_COLD, MEASURED_AT, SILENCE_COLD, TIER_FROM, TIERS, Table, tiers_of

_LEAST: Final = 0.1

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
    """By rate tier, at the rate asked for: as the scale says, and where that knows nothing yet, by the table of a cold
    start. `share` is what is left of the false alarms asked for, as other kinds have theirs; `drop_cold` the table of
    another drop channel than that of activity.

    Scores are log-likelihoods, whose tail is exponential: from the table S and E move by `ln(0.5 / FA)`. The clock is
    days, and moves as E does: by `E(FA) / E(0.5)`.

    >>> levels = Thresholds(DetectionConfig(alert_false_alarms=0.5)).of(0.5)
    >>> levels.drop[1], levels.silence[1], levels.clock[1]
    (7.3, 6.2, 17.0)
    >>> round(Thresholds(DetectionConfig()).false_alarms(DROP, 7.3, 0.5), 2)
    0.5
    """

    __slots__ = ("_columns", "_drop_cold", "_scale", "_share", "_tiers", "least")

    def __init__(
        self,
        config: DetectionConfig,
        scale: Scale | None = None,
        share: float = 1.0,
        drop_cold: Table = DROP_COLD,
    ) -> None:
        watch = max(config.watch_false_alarms, config.alert_false_alarms)
        asked = (share * watch, share * config.alert_false_alarms, share * config.alert_false_alarms / 10.0)
        self._scale = scale
        self._share = share
        self._drop_cold = drop_cold
        self._tiers = tuple(_levels(tier, asked, scale, drop_cold) for tier in range(TIERS))
        self.least = tuple(min(levels[channel][0] for levels in self._tiers) for channel in range(3))
        """The lowest drop, silence and clock scores that mean anything to any account."""

        self._columns = [np.array([levels[channel] for levels in self._tiers]).T for channel in range(3)]

    def of(self, rate: float) -> Levels:
        """The thresholds of an account with `rate` events a day."""
        return self._tiers[bisect_right(TIER_FROM, rate)]

    def columns(self, rate: Column) -> LevelColumns:
        """The thresholds of many accounts with these rates."""
        tier = tiers_of(rate)
        drop, silence, clock = self._columns
        return LevelColumns(drop[:, tier], silence[:, tier], clock[:, tier])

    def asking(self, config: DetectionConfig) -> "Thresholds":
        """The same, at the rate that another configuration asks for."""
        return Thresholds(config, self._scale, self._share, self._drop_cold)

    def alert(self, channel: int, tier: npt.NDArray[np.intp]) -> Column:
        """The threshold of a channel for an alert (a warning), in each of the tiers."""
        level: Column = self._columns[channel][1][tier]
        return level

    @property
    def learnt(self) -> float:
        """Share of them that the scale knows."""
        return 0.0 if self._scale is None else 1.0 - float(self._scale.cold.mean())

    def false_alarms(self, channel: int, score: float, rate: float) -> float:
        """False alarms per account-year at this score of a channel, all channels together."""
        tier = bisect_right(TIER_FROM, rate)
        if self._scale is None or self._scale.cold[channel, tier]:
            if channel == CLOCK:  # which moves as E does
                channel, score = SILENCE, score * SILENCE_COLD[tier] / CLOCK_COLD[tier]
            return MEASURED_AT * exp((self._drop_cold if channel == DROP else SILENCE_COLD)[tier] - score)
        (calibrated,) = self._scale.of(channel, np.array([tier]), np.array([score]))
        return float(SHARED * 10.0**-calibrated)


_Three = tuple[float, float, float]


def _levels(tier: int, asked: _Three, scale: Scale | None, drop_cold: Table) -> Levels:
    def three(channel: int, cold: _Three) -> _Three:
        if scale is None or scale.cold[channel, tier]:
            return cold
        share = SHARED / float(scale.shares[tier])
        watch, warning, critical = (max(scale.at(channel, tier, log10(share / rate)), _LEAST) for rate in asked)
        return watch, warning, critical

    silence = _cold(SILENCE_COLD[tier], asked)
    watch, warning, critical = (CLOCK_COLD[tier] * score / SILENCE_COLD[tier] for score in silence)
    return Levels(
        three(DROP, _cold(drop_cold[tier], asked)), three(SILENCE, silence), three(CLOCK, (watch, warning, critical))
    )


def _cold(base: float, asked: _Three) -> _Three:
    watch, warning, critical = (max(base + log(MEASURED_AT / rate), _LEAST) for rate in asked)
    return watch, warning, critical


def reached(score: float, levels: tuple[float, float, float]) -> int:
    """How many of the three levels a score has reached."""
    return bisect_right(levels, score)
