"""What a Stripe event tells: an object as it is by now, and what of it was otherwise before."""

from dataclasses import dataclass, field
from typing import Any

from schemas.events import InputEvent, InputTopic
from schemas.formats.draft import Draft
from schemas.formats.fields import Fields
from schemas.formats.stripe.account import account_of


@dataclass(slots=True)
class Happening:
    """`at` in RFC 3339. `before` has what has changed, as it was; `key` is that of the metadata that names accounts."""

    event_id: str
    at: str
    object: Fields
    before: Fields
    key: str
    events: list[InputEvent] = field(default_factory=list)
    """The native events that were told so far."""

    @property
    def customer(self) -> str | None:
        """The id of the customer, also of one that it no longer belongs to."""
        return self.object.id_of("customer") or self.before.id_of("customer")

    def tell(self, kind: str, event_id: str | None = None, /, **fields: tuple[Any, str]) -> None:
        """Add a native billing event: each field with the name of Stripe's field, in the object. Without an
        `event_id` the first has the event's own, and each other one a number behind it. Raises FaultError."""
        draft = Draft(InputTopic.BILLING)
        draft.put("type", kind, "type")
        draft.put("account_id", *account_of(self.object, self.key, self.customer))
        number = len(self.events)
        own = f"{self.event_id}#{number + 1}" if number else self.event_id
        draft.put("event_id", own if event_id is None else event_id, "id")
        draft.put("occurred_at", self.at, "created")
        for name, (value, source) in fields.items():
            draft.put(name, value, self.object.place(source))
        self.events.append(draft.event())
