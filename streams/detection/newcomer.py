"""A new account that is followed through its first weeks. See `first_weeks`."""

from typing import NamedTuple


class Newcomer(NamedTuple):
    """How it has begun, as of its last full week."""

    start: int
    """In ms."""
    weeks: int = 0
    """Full weeks since then."""
    days: int = 0
    """On how many days of these it was used."""
    low: int = 0
    """At so many ends of a week in a row that was far below the usual."""
    usual: int = 0
    """What was usual then; 0: nobody knew."""
    waiting: bool = False
    """It had no first core action yet, in all of these weeks."""
    slow: int = 0
    """1: it was far below for long enough to be told of; 2: as more than a watch."""
    late: int = 0
    """After so many weeks it is late without one, by what was known then; 0: nobody knew."""
