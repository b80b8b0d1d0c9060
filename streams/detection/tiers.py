"""Rate tiers, and the thresholds of a cold start."""

from typing import Final

import numpy as np
import numpy.typing as npt

TIER_FROM = (0.1, 0.3, 1.0, 3.0, 10.0)
"""Events a day from which the next rate tier begins."""
TIERS: Final = 6
SELDOM: Final = 0.07
"""Events a day below which an account is seldom used: once in two weeks."""
MEASURED_AT: Final = 0.5
"""False alarms per account-year at which the tables below were measured, over the three channels together."""
Table = tuple[float, float, float, float, float, float]
DROP_COLD: Table = (1.6, 3.7, 7.3, 13.6, 17.7, 19.3)
SILENCE_COLD = (4.3, 5.3, 6.2, 6.9, 3.1, 1.6)
CLOCK_COLD = (75.0, 37.0, 17.0, 11.0, 3.7, 1.8)


def tiers_of(rate: npt.NDArray[np.float64]) -> npt.NDArray[np.intp]:
    """The rate tier of each account."""
    return np.searchsorted(TIER_FROM, rate, side="right")
