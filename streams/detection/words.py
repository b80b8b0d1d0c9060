"""Numbers as people read them, the same everywhere: nothing here asks the locale."""

_NO_MINOR = frozenset(
    ("BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG", "RWF", "UGX", "VND", "VUV", "XAF", "XOF", "XPF")
)
_THREE_DIGITS = frozenset(["BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"])


def amount(minor: int, currency: str) -> str:
    """Money in minor units (ISO 4217 digits), with its currency.

    >>> amount(4900, "EUR"), amount(1234567, "USD"), amount(500, "JPY")
    ('49.00 EUR', '12,345.67 USD', '500 JPY')
    """
    digits = 0 if currency in _NO_MINOR else 3 if currency in _THREE_DIGITS else 2
    whole, rest = divmod(minor, 10**digits)
    return f"{whole:,}.{rest:0{digits}} {currency}" if digits else f"{whole:,} {currency}"


def count(number: int, thing: str) -> str:
    """A number of things.

    >>> count(1, "day"), count(12, "event")
    ('1 day', '12 events')
    """
    return f"{number:,} {thing}" if number == 1 else f"{number:,} {thing}s"


def about(number: float) -> str:
    """A quantity that is an estimate: whole from 10 on, else with one decimal.

    >>> about(36.8), about(4.25), about(0.04), about(3.0)
    ('37', '4.2', '0.04', '3')
    """
    if number >= 10:
        return f"{number:,.0f}"
    text = f"{number:.1f}" if number >= 0.1 else f"{number:.2g}"
    return text.removesuffix(".0")
