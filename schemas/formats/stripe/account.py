"""Whose a Stripe event is."""

from schemas.formats.fields import Fields, missing


def alias_of(customer: str) -> str:
    """The id under which a Stripe customer is known as long as nothing says which account it is.

    >>> alias_of("cus_Na6dX7aXxi11N4")
    'stripe:cus_Na6dX7aXxi11N4'
    """
    return f"stripe:{customer}"


def account_in(metadata: Fields, key: str) -> str | None:
    """The account that metadata names."""
    return metadata.id(key)


def account_of(object_: Fields, key: str, customer: str | None) -> tuple[str, str]:
    """The account of a subscription, an invoice or a payment method, and the place that named it: its own metadata,
    that of its subscription or customer where it is there, and else the customer's alias. Raises FaultError when there
    is no customer either."""
    owners = (
        object_,
        object_.object("subscription_details"),
        object_.object("parent").object("subscription_details"),
        object_.expanded("customer"),
    )
    for owner in owners:
        metadata = owner.object("metadata")
        found = account_in(metadata, key)
        if found is not None:
            return found, metadata.place(key)
    if customer is None:
        raise missing(object_.place("customer"))
    return alias_of(customer), object_.place("customer")
