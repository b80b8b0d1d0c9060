"""Amounts: the metrics have them in minor units, and currencies differ in how many of those make a whole one."""

from alerting.words import DIGITS
from deploy.grafana.parts import of


def amount(metric: str, by: str, over: str = "") -> str:
    """A metric of minor units in whole ones, added up by labels, `currency` among them: the value of a gauge; or by how
    much a counter has grown `over` a time."""
    matchers = {2: f'currency!~"{"|".join(sorted(DIGITS))}"'}
    for digits in sorted(set(DIGITS.values())):
        matchers[digits] = f'currency=~"{"|".join(sorted(each for each in DIGITS if DIGITS[each] == digits))}"'
    parts = []
    for digits, chosen in matchers.items():
        values = of(metric, chosen, over)
        parts.append(
            f"sum by ({by}) ({f'increase({values})' if over else values})" + (f" / {10**digits}" if digits else "")
        )
    return " or ".join(parts)
