"""Events and accounts for tests, in few words. Times are milliseconds; `at(day, hour)` counts days from a Monday."""

from __future__ import annotations

from typing import Any

from schemas.accounts import AccountUpdate
from schemas.alerts import Transition
from schemas.billing import BILLING_EVENT, BillingFact
from schemas.commands import COMMAND
from schemas.feedback import FEEDBACK_EVENT
from schemas.shuffle import Fact, Usage, hash64
from streams.detection.config import DAY_MS, HOUR_MS
from streams.detection.engine import Engine
from streams.detection.results import Refusal
from tests.plain import Plain

FIRST_DAY = 20_094
"""2025-01-06, a Monday."""


def at(day: float, hour: float = 0.0) -> int:
    """A time."""
    return round((FIRST_DAY + day) * DAY_MS + hour * HOUR_MS)


def usage(
    when: int,
    *,
    arrives: int | None = None,
    user: str | None = None,
    id_: str | None = None,
    n: int = 1,
    event: str = "click",
) -> Usage:
    """A usage event."""
    return Usage(
        offset=0,
        effective_at=when if arrives is None else arrives,
        account="acme",
        at=when,
        event=event,
        user=None if user is None else hash64(user),
        quantity=n,
        source="product",
        event_id=None if id_ is None else hash64(id_),
    )


def billing(type_: str, when: int, **fields: Any) -> BillingFact:
    """A billing event, with the fields that it must have filled in."""
    given: dict[str, Any] = {"account_id": "acme", "occurred_at": when, "type": type_}
    if type_ in ("subscription.started", "subscription.updated", "subscription.renewed"):
        given |= {"plan": "team", "mrr_minor": 10_000, "currency": "EUR"}
    if type_.startswith(("payment.", "invoice.")):
        given |= {"invoice_id": "in-1", "amount_minor": 10_000, "currency": "EUR"}
    if type_ == "payment.failed":
        given |= {"attempt": 1}
    if type_.startswith("payment_method."):
        given |= {"payment_method_id": "card-1"}
    if type_ == "payment_method.updated":
        given |= {"kind": "card"}
    event = BILLING_EVENT.validate_python(given | fields)
    assert isinstance(event, BillingFact)
    return event


def bills(type_: str, when: int, *, arrives: int | None = None, id_: str | None = None, **fields: Any) -> Fact:
    """A billing event on its way."""
    body: Any = billing(type_, when, **fields)
    return Fact(0, when if arrives is None else arrives, "acme", when, body, None if id_ is None else hash64(id_))


def says(type_: str, when: int, *, arrives: int | None = None, id_: str | None = None, **fields: Any) -> Fact:
    """A feedback event on its way; a ticket is `t-1` unless it is named."""
    given = {"account_id": "acme", "occurred_at": when, "type": type_}
    if type_ == "ticket":
        given |= {"ticket_id": "t-1"}
    body: Any = FEEDBACK_EVENT.validate_python(given | fields)
    return Fact(0, when if arrives is None else arrives, "acme", when, body, None if id_ is None else hash64(id_))


def update(when: int, **fields: Any) -> Fact:
    """An account update."""
    body = AccountUpdate.model_validate({"account_id": "acme", "updated_at": when} | fields)
    return Fact(0, when, "acme", when, body, None)


def command(name: str, when: int, *, id_: str = "c-1", arrives: int | None = None, **fields: Any) -> Fact:
    """A command."""
    given = {"command": name, "account_id": "acme", "command_id": id_, "by": "ana", "at": when}
    if "alert_id" not in fields:
        given |= {"kind": "*"}
    body = COMMAND.validate_python(given | fields)
    return Fact(0, when if arrives is None else arrives, "acme", when, body, hash64(id_))


class Run:
    """An engine with one account."""

    def __init__(self, engine: Engine, name: str = "acme") -> None:
        self.engine = engine
        self.plain = Plain(engine)
        self.account = self.plain.account(name)
        self.refusals: list[Refusal] = []

    @property
    def transitions(self) -> list[Transition]:
        """All of them."""
        return self.plain.told.get(self.account.id, [])

    def apply(self, *events: Usage | Fact) -> list[Transition]:
        """Apply events, whosever they are; returns the transitions."""
        before = len(self.transitions)
        for event in events:
            self.plain.apply(event._replace(account=self.account.id))
        self.refusals = [each.refusal for each in self.plain.refused]
        return self.transitions[before:]

    def close(self, now: int) -> list[Transition]:
        """Let the time go on; returns the transitions."""
        before = len(self.transitions)
        self.plain.close(now)
        return self.transitions[before:]

    def uses(self, days: range, *, a_day: int = 4, users: int = 2) -> None:
        """Weekday activity."""
        for day in days:
            if (FIRST_DAY + day + 3) % 7 < 5:
                for n in range(a_day):
                    self.apply(usage(at(day, 9 + n), user=f"user-{n % users}", id_=f"{day}/{n}"))

    def changes(self) -> list[str]:
        """What happened, in short."""
        return [f"{each.kind.value} {each.change.value} {each.severity.value}" for each in self.transitions]
