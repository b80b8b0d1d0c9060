"""What the fleet as a whole says about one day: the one place where an account is compared with the others."""

from collections.abc import Iterator
from dataclasses import dataclass
from struct import Struct
from typing import Final

_NUMBERS: Final = Struct("<19d")
FLAT = (1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0)


@dataclass(frozen=True, slots=True)
class FleetDay:
    """The fleet on one day, in the letters of the formulas. The defaults say nothing about any day: they are neutral,
    and in use until the fleet is learnt."""

    factor: float = 1.0
    """g: the day's volume against what was expected of all accounts; a holiday or a broken producer is far below 1."""
    weekday_profile: tuple[float, ...] = FLAT
    """wf: weight of each weekday from Monday, sums to 7."""
    median_rate: float = 1.02
    """m_fleet: the median account's events a day (plus 0.02)."""
    dispersion: float = 0.5
    """v0: the fleet's 1/k."""
    active_factor: float = 1.0
    """g of the stream of active days."""
    active_profile: tuple[float, ...] = FLAT
    """wf of the stream of active days."""
    median_active_rate: float = 0.52
    """The median account's active days a day (plus 0.02)."""

    def pack(self) -> bytes:
        """Its numbers."""
        return _NUMBERS.pack(
            self.factor,
            *self.weekday_profile,
            self.median_rate,
            self.dispersion,
            self.active_factor,
            *self.active_profile,
            self.median_active_rate,
        )

    @classmethod
    def unpack(cls, packed: bytes) -> Iterator["FleetDay"]:
        """Days that were packed one after the other."""
        for each in _NUMBERS.iter_unpack(packed):
            yield cls(each[0], each[1:8], each[8], each[9], each[10], each[11:18], each[18])


NEUTRAL: Final = FleetDay()
