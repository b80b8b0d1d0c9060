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
