"""Random draws the standard library lacks, and lookup tables for fast weighted choices.

Only `random.Random` is used: its generator is the same on every platform and its methods keep their sequences between
Python versions for `random()`; the derived methods used here (gammavariate, gauss, lognormvariate) have not changed
since Python 2.
"""

from collections.abc import Callable, Sequence
from math import exp
from random import Random
from typing import TypeVar

T = TypeVar("T")


def poisson(uniform: Callable[[], float], mean: float) -> int:
    """A Poisson count with this mean (Knuth's product of uniforms; exact, cost grows with the count).

    A Poisson number of a large mean is the sum of two with half of it, which keeps exp(-mean) above zero.
    """
    if mean > 500.0:
        half = mean / 2
        return poisson(uniform, half) + poisson(uniform, half)
    limit = exp(-mean)
    count = 0
    product = uniform()
    while product > limit:
        count += 1
        product *= uniform()
    return count


def negative_binomial(random: Random, mean: float, size: float) -> int:
    """An overdispersed count: mean `mean`, variance mean + mean^2 / size (a Poisson with a gamma rate)."""
    return poisson(random.random, random.gammavariate(size, mean / size))


def choice_table(items: Sequence[T], weights: Sequence[float], length: int) -> tuple[T, ...]:
    """A tuple of `length` entries in which each item appears in proportion to its weight, at least once.

    `table[int(random() * length)]` is then a weighted choice in one lookup.
    """
    if len(items) > length:
        raise ValueError(f"{len(items)} items do not fit a table of {length}")
    spare = length - len(items)
    total = sum(weights)
    table: list[T] = []
    reached = 0.0
    for number, (item, weight) in enumerate(zip(items, weights, strict=True), start=1):
        reached += weight
        table.extend([item] * (number + round(spare * reached / total) - len(table)))
    return tuple(table)
