"""How many examples a property has."""

from __future__ import annotations

from hypothesis import settings


def examples(number: int) -> int:
    """`number` where the profile has the usual hundred or more, and as much less as it has less; at least 5."""
    return max(5, number * min(settings().max_examples, 100) // 100)
