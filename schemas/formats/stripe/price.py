"""What a subscription costs a month, from the prices of its items."""

from fractions import Fraction
from typing import Final, NamedTuple

from schemas.formats.fields import Fields, invalid
from schemas.formats.stripe.money import iso_minor

_A_YEAR: Final = {"day": 365, "week": 52, "month": 12, "year": 1}
_INTERVALS: Final = {("month", 3): "quarter", ("month", 12): "year"}
_NAME_LENGTH: Final = 256


class Terms(NamedTuple):
    """Of a whole subscription. `mrr_minor` leaves out what depends on use (metered or tiered prices), taxes, and
    discounts that are given by their id alone or come off a single invoice."""

    plan: str | None
    mrr_minor: int
    currency: str | None
    seats: int | None
    """The largest quantity of an item: a small add-on beside it is none of the seats."""
    interval: str | None


class _Item(NamedTuple):
    name: str | None
    monthly: Fraction
    quantity: int | None
    interval: str | None
    every: int


def terms_of(subscription: Fields) -> Terms:
    """The terms. Raises FaultError."""
    items = [_item(each) for each in items_of(subscription)]
    currency = subscription.text("currency") or _currency(subscription)
    first = items[0] if items else None
    amount = max(sum((each.monthly for each in items), Fraction()) - _discounts(subscription, items), Fraction())
    quantities = [each.quantity for each in items if each.quantity is not None]
    plan = ", ".join(sorted({each.name for each in items if each.name is not None}))[:_NAME_LENGTH]
    interval = None if first is None else _native_interval(first)
    return Terms(plan or None, iso_minor(amount, currency), currency, max(quantities, default=None), interval)


def items_of(subscription: Fields) -> list[Fields]:
    """Its items; of the oldest events, which have none, itself."""
    return subscription.object("items").objects("data") or ([subscription] if "plan" in subscription else [])


def _price(item: Fields) -> Fields:
    return item.object("price" if "price" in item else "plan")


def _currency(subscription: Fields) -> str | None:
    return next((found for each in items_of(subscription) if (found := _price(each).text("currency"))), None)


def _item(item: Fields) -> _Item:
    price = _price(item)
    recurring = price.object("recurring")
    rule = recurring if "interval" in recurring else price  # a plan has it itself
    interval, every = rule.text("interval"), rule.whole("interval_count")
    every = 1 if every is None else every
    if interval is not None and (interval not in _A_YEAR or every < 1):
        raise invalid(rule.place("interval"), f"must be one of {', '.join(_A_YEAR)}, interval_count 1 or more")
    metered = rule.text("usage_type") == "metered"
    quantity = None if metered else item.whole("quantity")
    amount = Fraction() if metered else _amount(price)
    amount *= _packages(price, 1 if quantity is None else quantity)
    if interval is not None:
        amount *= Fraction(_A_YEAR[interval], 12 * every)
    name = price.text("nickname") or price.text("lookup_key") or price.id_of("product") or price.text("id")
    return _Item(name, amount, quantity, interval, every)


def _amount(price: Fields) -> Fraction:
    """Of one; nothing for a price in tiers, whose amounts are not in the event."""
    for name in ("unit_amount", "amount"):
        whole = price.whole(name)
        if whole is not None:
            return Fraction(whole)
        decimal = price.text(f"{name}_decimal")
        if decimal is not None:
            try:
                return _decimal(decimal)
            except ValueError:
                raise invalid(price.place(f"{name}_decimal"), "must be a decimal number as a text") from None
    return Fraction()


def _decimal(text: str) -> Fraction:
    """At most as long as Stripe writes them: a large exponent is no amount."""
    if len(text) > 40 or not text.replace(".", "", 1).removeprefix("-").isdecimal():
        raise ValueError(text)
    return Fraction(text)


def _packages(price: Fields, quantity: int) -> int:
    """How many times the amount is paid: seats may be sold in packages."""
    package = price.object("transform_quantity")
    size = package.whole("divide_by")
    if size is None or size < 1:
        return quantity
    return -(-quantity // size) if package.text("round") == "up" else quantity // size


def _discounts(subscription: Fields, items: list[_Item]) -> Fraction:
    """What comes off a month, as far as the event says it."""
    given = [subscription.expanded("discount"), *subscription.objects("discounts")]
    total = sum((each.monthly for each in items), Fraction())
    off = Fraction()
    for discount in given:
        source = discount.expanded("source")
        coupon = discount.expanded("coupon") if "coupon" in discount else source.expanded("coupon")
        if coupon.text("duration") == "once":
            continue
        percent = coupon.values.get("percent_off")
        if isinstance(percent, int | float) and 0 <= percent <= 100:
            off += (total - off) * Fraction(str(percent)) / 100
        amount = coupon.whole("amount_off")
        if amount is not None and items and items[0].interval is not None:
            off += Fraction(amount * _A_YEAR[items[0].interval], 12 * items[0].every)
    return off


def _native_interval(item: _Item) -> str | None:
    """None for one that has no name here, as half a year."""
    if item.interval is None or item.every == 1:
        return item.interval
    return _INTERVALS.get((item.interval, item.every))
