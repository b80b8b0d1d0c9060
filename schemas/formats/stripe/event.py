"""Stripe's envelope, and which of its types say what."""

from collections.abc import Callable
from typing import Any, Final

from schemas.events import InputTopic
from schemas.formats.fields import Fields, invalid, missing
from schemas.formats.options import Lookup
from schemas.formats.outcome import Ignored, Outcome
from schemas.formats.stripe import customer, invoice, payment_method, subscription
from schemas.formats.stripe.happening import Happening

Reader = Callable[[Happening], Outcome]

BILLING: Final[dict[str, Reader]] = {
    "customer.subscription.created": subscription.created,
    "customer.subscription.updated": subscription.updated,
    "customer.subscription.paused": subscription.paused,
    "customer.subscription.resumed": subscription.resumed,
    "customer.subscription.deleted": subscription.deleted,
    "invoice.payment_failed": invoice.failed,
    "invoice.paid": invoice.paid,
    "invoice.payment_succeeded": invoice.paid,
    "invoice.voided": invoice.settled,
    "invoice.marked_uncollectible": invoice.settled,
    "payment_method.attached": payment_method.updated,
    "payment_method.updated": payment_method.updated,
    "payment_method.automatically_updated": payment_method.updated,
    "payment_method.detached": payment_method.detached,
}
ACCOUNTS: Final[dict[str, Reader]] = {
    "customer.created": customer.described,
    "customer.updated": customer.described,
}
_BY_TOPIC: Final = {InputTopic.BILLING: BILLING, InputTopic.ACCOUNTS: ACCOUNTS}


def is_stripe(value: dict[str, Any]) -> bool:
    """Whether an object is a Stripe event."""
    return value.get("object") == "event" and isinstance(value.get("data"), dict)


def read_stripe(topic: InputTopic, value: dict[str, Any], lookup: Lookup) -> Outcome:
    """A Stripe event as events of the topic. Raises FaultError."""
    event = Fields(value)
    if event.text("object") != "event":
        raise invalid("object", "must be 'event': a whole Stripe event, as a webhook gets it")
    kind = event.text("type")
    if kind is None:
        raise missing("type")
    reader = _BY_TOPIC.get(topic, {}).get(kind)
    if reader is None:
        return Ignored.OTHER_TYPE
    event_id, at = event.text("id"), event.seconds("created")
    for name, each in (("id", event_id), ("created", at)):
        if each is None:
            raise missing(name)
    assert event_id is not None
    assert at is not None
    data = event.object("data")
    if "object" not in data:
        raise missing("data.object")
    return reader(Happening(event_id, at, data.object("object"), data.object("previous_attributes"), lookup.stripe))
