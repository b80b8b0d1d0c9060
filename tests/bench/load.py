"""The events that all contestants of a benchmark get: made up from a seed, in order of event time."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import accumulate
from random import Random

from schemas.events import InputTopic
from schemas.instants import format_instant
from streams.produce.record import InputRecord

DAY_MS = 86_400_000
START = 1_736_121_600_000  # Monday, 6 January 2025: long past, so that no event is of the future
USERS = 20
"""Of each account."""
_NAMES = ("session.started", "report.viewed", "report.exported", "dashboard.opened", "member.invited", "search.run")
_TERMS = '"subscription_id":"main","plan":"pro","seats":20,"mrr_minor":49900,"currency":"EUR","current_period_end":'


@dataclass(frozen=True, slots=True)
class Load:
    """`events` events of `accounts` accounts, the n-th most popular of them 1/n as busy as the first, over `days` days.
    Usage events have about 200 bytes and an id each; a `billing` share of all events are payments and renewals.

    As it stands it is 1.7 events a day and account, and half of the accounts do something every third day or less:
    closing days is a good part of the work."""

    events: int = 2_000_000
    accounts: int = 20_000
    days: int = 60
    billing: float = 0.01
    seed: int = 1

    @classmethod
    def many(cls) -> "Load":
        """Ten times the accounts: most of them are hardly ever seen."""
        return cls(accounts=200_000)

    @classmethod
    def busy(cls) -> "Load":
        """40 events a day and account: 20 users who do two things each."""
        return cls(events=600_000, accounts=500, days=30)

    def sized(self, events: int | None) -> "Load":
        """The same days with so many events, and with fewer accounts in proportion; itself without a number."""
        if events is None:
            return self
        return replace(self, events=events, accounts=max(1, self.accounts * events // self.events))

    @property
    def end(self) -> int:
        """The moment (ms) up to which the accounts are watched: three hours after the last day."""
        return START + self.days * DAY_MS + 3 * 3_600_000

    def records(self) -> Iterator[InputRecord]:
        """The records to send. The same load gives the same records."""
        random = Random(self.seed)
        span = self.days * DAY_MS
        times = sorted(START + int(random.random() * span) for _ in range(self.events))
        for at, account in zip(times, self._accounts(random), strict=True):
            if random.random() < self.billing:
                yield InputRecord(at, InputTopic.BILLING, account, _billing(random, account, at))
            else:
                yield InputRecord(at, InputTopic.USAGE, account, usage(random, account, format_instant(at)))

    def _accounts(self, random: Random) -> list[str]:
        """The account of each event."""
        names = [f"acct_{number:06d}" for number in range(self.accounts)]
        random.shuffle(names)  # the popular ones are not neighbours
        weights = list(accumulate(1 / rank for rank in range(1, self.accounts + 1)))
        return random.choices(names, cum_weights=weights, k=self.events)


def usage(random: Random, account: str, at: str) -> bytes:
    """A usage event; by hand, since there are millions of them."""
    name, user = _NAMES[int(random.random() * len(_NAMES))], int(random.random() * USERS)
    return (
        f'{{"event_id":"{random.getrandbits(128):032x}","account_id":"{account}","event":"{name}","occurred_at":"{at}",'
        f'"user_id":"user_{account[5:]}_{user:02d}","quantity":1,"source":"product-api"}}'
    ).encode()


def failed_payment(random: Random, account: str, at: str) -> bytes:
    """The billing event that opens an alert at once."""
    return _payment(random, account, at, '"type":"payment.failed","attempt":1,"hard":false')


def _payment(random: Random, account: str, at: str, rest: str) -> bytes:
    invoice = f"in_{random.getrandbits(48):012x}"
    return (
        f'{{"event_id":"{random.getrandbits(128):032x}","account_id":"{account}","occurred_at":"{at}",'
        f'"currency":"EUR","amount_minor":49900,"invoice_id":"{invoice}",{rest}}}'
    ).encode()


def _billing(random: Random, account: str, at: int) -> bytes:
    chance, when = random.random(), format_instant(at)
    if chance < 0.1:
        return failed_payment(random, account, when)
    if chance < 0.5:
        return _payment(random, account, when, '"type":"payment.succeeded"')
    ends = format_instant(at + 30 * DAY_MS)
    return (
        f'{{"event_id":"{random.getrandbits(128):032x}","account_id":"{account}","occurred_at":"{when}",'
        f'"type":"subscription.renewed",{_TERMS}"{ends}"}}'
    ).encode()
