"""Amounts: the metrics have them in minor units, and currencies differ in how many of those make a whole one."""

from typing import Final

from alerting.words import NO_MINOR, THREE_DIGITS
from deploy.grafana.parts import of

_NONE: Final = "|".join(sorted(NO_MINOR))
_THOUSAND: Final = "|".join(sorted(THREE_DIGITS))


def amount(metric: str, by: str, over: str = "") -> str:
    """A metric of minor units in whole ones, added up by labels, `currency` among them: the value of a gauge; or by how
    much a counter has grown `over` a time."""
    parts = []
    for matchers, divisor in (
        (f'currency!~"{_NONE}|{_THOUSAND}"', " / 100"),
        (f'currency=~"{_NONE}"', ""),
        (f'currency=~"{_THOUSAND}"', " / 1000"),
    ):
        values = of(metric, matchers, over)
        parts.append(f"sum by ({by}) ({f'increase({values})' if over else values}){divisor}")
    return " or ".join(parts)
