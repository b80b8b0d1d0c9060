"""Daily counts as one line of text."""

from collections.abc import Sequence

NOTHING = "▁"
LEVELS = "▂▃▄▅▆▇█"


def sparkline(counts: Sequence[int]) -> str:
    """One character a day, oldest first. A day of nothing has the lowest one for itself; the highest is the peak.

    >>> sparkline([3, 7, 0, 14, 1, 0, 0])
    '▃▅▁█▂▁▁'
    """
    peak = max(counts, default=0)
    return "".join(LEVELS[-(-count * len(LEVELS) // peak) - 1] if count > 0 else NOTHING for count in counts)
