"""The events that all contestants of a benchmark get: made up from a seed, in order of event time."""

from bisect import bisect
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import accumulate
from random import Random

import orjson

from schemas.events import InputTopic
from schemas.instants import format_instant
from streams.produce.record import InputRecord

DAY_MS = 86_400_000
START = 1_736_121_600_000  # Monday, 6 January 2025: long past, so that no event is of the future
_NAMES = ("session.started", "report.viewed", "report.exported", "dashboard.opened", "member.invited", "search.run")


@dataclass(frozen=True, slots=True)
class Load:
    """`events` events of `accounts` accounts, the n-th most popular of them 1/n as busy as the first, over `days` days.
    Usage events have about 200 bytes and an id each; a `billing` share of all events are payments and renewals.

    As it stands it is 40 events a day and account: 20 users who do two things each."""

    events: int = 600_000
    accounts: int = 500
    days: int = 30
    billing: float = 0.01
    seed: int = 1

    @classmethod
    def sparse(cls) -> "Load":
        """Little more than one event a day and account: closing days is most of the work."""
        return cls(events=400_000, accounts=5_000, days=60)

    @property
    def end(self) -> int:
        """The moment (ms) up to which the accounts are watched: three hours after the last day."""
        return START + self.days * DAY_MS + 3 * 3_600_000

    def records(self) -> Iterator[InputRecord]:
        """The records to send. The same load gives the same records."""
        random = Random(self.seed)
        weights = list(accumulate(1 / rank for rank in range(1, self.accounts + 1)))
        places = list(range(self.accounts))
        random.shuffle(places)  # the popular ones are not neighbours
        span = self.days * DAY_MS
        times = sorted(START + int(random.random() * span) for _ in range(self.events))
        for number, at in enumerate(times):
            place = places[min(bisect(weights, random.random() * weights[-1]), self.accounts - 1)]
            account = f"acct_{place:06d}"
            if random.random() < self.billing:
                yield InputRecord(at, InputTopic.BILLING, account, orjson.dumps(_billing(random, number, account, at)))
            else:
                yield InputRecord(at, InputTopic.USAGE, account, orjson.dumps(_usage(random, account, at)))


def _usage(random: Random, account: str, at: int) -> dict[str, object]:
    return {
        "event_id": f"{random.getrandbits(128):032x}",
        "account_id": account,
        "event": _NAMES[int(random.random() * len(_NAMES))],
        "occurred_at": format_instant(at),
        "user_id": f"user_{int(random.random() * 40):04d}",
        "quantity": 1,
        "source": "product-api",
    }


def _billing(random: Random, number: int, account: str, at: int) -> dict[str, object]:
    head: dict[str, object] = {
        "event_id": f"{random.getrandbits(128):032x}",
        "account_id": account,
        "occurred_at": format_instant(at),
    }
    money = {"currency": "EUR", "amount_minor": 49_900, "invoice_id": f"in_{number}"}
    chance = random.random()
    if chance < 0.1:
        return head | money | {"type": "payment.failed", "attempt": 1, "hard": False}
    if chance < 0.5:
        return head | money | {"type": "payment.succeeded"}
    ends = format_instant(at + 30 * DAY_MS)
    terms = {"subscription_id": f"sub_{account}", "plan": "pro", "seats": 20, "mrr_minor": 49_900}
    return head | terms | {"type": "subscription.renewed", "currency": "EUR", "current_period_end": ends}
