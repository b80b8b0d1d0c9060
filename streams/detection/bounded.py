"""Dicts that do not grow without end."""

from typing import TypeVar

T = TypeVar("T")


def put(table: dict[str, T], key: str, value: T, limit: int) -> None:
    """Set; the oldest entry makes room for a new one when there are `limit`."""
    if key not in table and len(table) >= limit:
        del table[next(iter(table))]
    table[key] = value
