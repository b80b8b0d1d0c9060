"""Counts of an account by day: the last `kept` days, days without events left out."""

from collections.abc import Mapping


def total(daily: Mapping[int, int], first: int, last: int) -> int:
    """Events from day `first` to day `last`, both included."""
    return sum(daily.get(day, 0) for day in range(first, last + 1))


def spread(daily: Mapping[int, int], first: int, last: int) -> tuple[int, ...]:
    """The counts of each day from `first` to `last`."""
    return tuple(daily.get(day, 0) for day in range(first, last + 1))


def with_day(daily: dict[int, int], day: int, count: int, oldest: int) -> dict[int, int]:
    """The counts with that of a day that had none, ascending by day; without the days before `oldest` as soon as one
    of them is a week older than that. Perhaps the same object."""
    if daily and next(reversed(daily)) > day:
        daily = dict(sorted([*daily.items(), (day, count)]))
    else:
        daily[day] = count
    # A few at a time: most days end nothing but one other day, and a new dict for each would be half the cost of a day.
    if next(iter(daily)) < oldest - 7:
        return {day: count for day, count in daily.items() if day >= oldest}
    return daily


def pack_counts(daily: Mapping[int, int]) -> list[int]:
    """The first day and then each day's count: for a typical account shorter than pairs. Days are ascending."""
    if not daily:
        return []
    days = list(daily)
    return [days[0], *spread(daily, days[0], days[-1])]


def unpack_counts(values: list[int]) -> dict[int, int]:
    """The inverse of `pack_counts`."""
    if not values:
        return {}
    first, *counts = values
    return {first + index: count for index, count in enumerate(counts) if count}
