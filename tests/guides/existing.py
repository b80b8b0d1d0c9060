"""Topics of somebody who has Segment and Stripe in Kafka already: eight weeks of 60 companies, up to now.

    python -m tests.guides.existing BROKERS

creates `segment-events` and `stripe-events` and fills them. Segment names companies by their group, Stripe by its
customer, and only the file `accounts.csv` of a CRM knows that both are the same. Initech has not been there for 27
days, Hooli does a fifth of what it did, and Globex could not pay this hour.
"""

from __future__ import annotations

import asyncio
import json
import random
import sys
import time
from collections.abc import Iterator
from typing import Any, Final

from aiokafka import AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from schemas.instants import format_instant
from tests.unit.formats.making import invoice, item, price, segment, stripe, subscription, without_null

COMPANIES: Final = 60
DAYS: Final = 56
NAMES: Final = {0: "Initech", 1: "Hooli", 2: "Globex"}
PARTITIONS: Final = {"segment-events": 6, "stripe-events": 2}
_SILENT_DAYS, _FALLEN_DAYS = 27, 22
_DAY, _HOUR = 86_400, 3_600
_DONE = ("Report Viewed", "Board Edited", "Comment Added", "File Exported")
_OFTEN = (5, 5, 6, 5)

Record = tuple[int, dict[str, Any]]


def name(number: int) -> str:
    return NAMES.get(number, f"Company {number}")


def accounts() -> str:
    """The CRM's file."""
    rows = [
        f"{_group(number)},{name(number)},{_owner(number)},stripe:{_customer(number)}" for number in range(COMPANIES)
    ]
    return "\n".join(["account_id,name,owner,aliases", *rows]) + "\n"


def clicks(now: int) -> Iterator[Record]:
    """Messages of Segment, as (seconds, message), in no order: people at work, a script, the public site."""
    dice = random.Random(8)
    for number in range(COMPANIES):
        yield now - DAYS * _DAY, _message(now - DAYS * _DAY, number, "group", event=None, traits={"name": name(number)})
        for day in range(DAYS, 0, -1):
            at = now - day * _DAY
            if time.gmtime(at).tm_wday < 5:
                for _ in range(_events(number, day, dice)):
                    done, user = dice.choices(_DONE, _OFTEN)[0], f"u-{number}-{dice.randrange(4)}"
                    yield _spoken(at + dice.randrange(8 * _HOUR), number, done, user)
            if number % 3 == 0:
                yield from (_spoken(at + hour * _HOUR, number, "Sync Completed", None) for hour in range(0, 24, 4))
        yield now - _DAY, _message(now - _DAY, None, "page", name="Pricing", event=None, userId=None)


def invoices(now: int) -> Iterator[Record]:
    """Events of Stripe, as `clicks` has those of Segment."""
    for number in range(COMPANIES):
        started = now - DAYS * _DAY
        ids = {"id": f"sub_{number}", "customer": _customer(number), "metadata": {}}
        team = item(price(4_900), 1 + number % 5, current_period_end=now + 10 * _DAY)
        begun = subscription(team, created=started, start_date=started, **ids)
        yield started, stripe("customer.subscription.created", begun, id=f"evt_a{number}", created=started)
    failed = now - 600
    bill = {"id": "in_2", "customer": _customer(2), "parent": None, "created": failed}
    owed = {"amount_due": 14_700, "amount_remaining": 14_700}
    open_bill = invoice(**bill, **owed, attempt_count=1, next_payment_attempt=now + 3 * _DAY)
    yield failed, stripe("invoice.payment_failed", open_bill, id="evt_b2", created=failed)


async def fill(brokers: str) -> None:
    """Create both topics and write what is in them."""
    admin = AIOKafkaAdminClient(bootstrap_servers=brokers)
    await admin.start()
    await admin.create_topics([NewTopic(topic, count, 1) for topic, count in PARTITIONS.items()])
    await admin.close()
    now = int(time.time())
    producer = AIOKafkaProducer(bootstrap_servers=brokers)
    await producer.start()
    for topic, records in (("segment-events", clicks(now)), ("stripe-events", invoices(now))):
        for at, value in sorted(records, key=lambda each: each[0]):
            await producer.send(topic, json.dumps(value).encode(), timestamp_ms=at * 1_000)
    await producer.stop()


def _group(number: int) -> str:
    return f"grp-{number:02}"


def _customer(number: int) -> str:
    return f"cus_{number:02}"


def _owner(number: int) -> str:
    return ("mara", "jan")[number % 2] + "@vendor.example"


def _events(number: int, day: int, dice: random.Random) -> int:
    usual = 15 if name(number) == "Hooli" else 4 + number % 7
    if name(number) == "Initech" and day <= _SILENT_DAYS:
        return 0
    if name(number) == "Hooli" and day <= _FALLEN_DAYS:
        return usual // 5
    return dice.randint(usual - 2, usual + 2)


def _spoken(at: int, number: int, event: str, user: str | None) -> Record:
    return at, _message(at, number, "track", event=event, userId=user)


def _message(at: int, number: int | None, kind: str, **fields: Any) -> dict[str, Any]:
    context = {"groupId": None if number is None else _group(number), "library": {"name": "analytics.js"}}
    when = format_instant(at * 1_000)
    group = {"groupId": context["groupId"]} if kind == "group" else {}
    told = {"context": without_null(context), "timestamp": when, "originalTimestamp": when, "sentAt": when}
    unique = f"{kind}-{number}-{at}-{fields.get('event')}-{fields.get('userId')}"
    return segment(kind, messageId=unique, **told, **group, **fields)


if __name__ == "__main__":
    asyncio.run(fill(sys.argv[1]))
