"""Amounts: Stripe's smallest unit of a currency is not always that of ISO 4217."""

from fractions import Fraction
from typing import Final

_TO_ISO: Final = {
    "ISK": Fraction(1, 100),
    "UGX": Fraction(1, 100),
    "MGA": Fraction(100),
}
"""Stripe writes the first two with two decimals that they do not have, and the third without those that it has:
https://docs.stripe.com/currencies#special-cases. All others are the same, those without decimals included."""


def iso_minor(amount: Fraction | int, currency: str | None) -> int:
    """An amount of Stripe's in minor units of ISO 4217, rounded to the nearest.

    >>> iso_minor(500, "jpy"), iso_minor(500, "isk"), iso_minor(1999, "eur")
    (500, 5, 1999)
    """
    return round(amount * _TO_ISO.get((currency or "").upper(), Fraction(1)))
