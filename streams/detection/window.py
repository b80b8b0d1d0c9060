"""Counts of an account by day: the last `kept` days, days without events left out."""

from collections.abc import Mapping


def total(daily: Mapping[int, int], first: int, last: int) -> int:
    """Events from day `first` to day `last`, both included."""
    return sum(daily.get(day, 0) for day in range(first, last + 1))


def spread(daily: Mapping[int, int], first: int, last: int) -> tuple[int, ...]:
    """The counts of each day from `first` to `last`."""
    return tuple(daily.get(day, 0) for day in range(first, last + 1))


def pruned(daily: dict[int, int], oldest: int) -> dict[int, int]:
    """Without the days before `oldest`; the same object when none of them is a week older than that."""
    # A few at a time: most days end nothing but one other day, and a new dict for each would be half the cost of a day.
    if daily and min(daily) < oldest - 7:
        return {day: count for day, count in daily.items() if day >= oldest}
    return daily


def pack_counts(daily: Mapping[int, int]) -> list[int]:
    """The first day and then each day's count: for a typical account shorter than pairs."""
    if not daily:
        return []
    first, last = min(daily), max(daily)
    return [first, *spread(daily, first, last)]


def unpack_counts(values: list[int]) -> dict[int, int]:
    """The inverse of `pack_counts`."""
    if not values:
        return {}
    first, *counts = values
    return {first + index: count for index, count in enumerate(counts) if count}
