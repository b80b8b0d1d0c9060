"""Short names for the kinds of arrays."""

from typing import Any

import numpy as np
import numpy.typing as npt

Counts = npt.NDArray[np.int32]
Days = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]
Scores = npt.NDArray[np.floating[Any]]

#: A day that never comes.
NEVER = 1 << 30
YEAR = 365.25
