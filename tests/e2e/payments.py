"""Accounts whose payments fail and succeed, and waiting for what comes of it."""

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from aiokafka import AIOKafkaProducer

from schemas.instants import format_instant
from tests.e2e.harness import Application, eventually


def now_ms() -> int:
    """The wall clock."""
    return int(time.time() * 1_000)


@dataclass
class Payments:
    """Accounts and their payments. `clock`: gives the time (ms) of what is sent."""

    app: Application
    producer: AIOKafkaProducer
    clock: Callable[[], int] = now_ms

    async def belongs(self, account: str, team: str, **fields: object) -> None:
        """The account's record."""
        owned = {"account_id": account, "updated_at": self._now(), "owner": "ann@vendor.example", "team": team}
        await self._send("accounts", owned | fields)

    async def fails(self, account: str, **fields: object) -> None:
        """A failed attempt at a payment."""
        await self._pays(account, {"type": "payment.failed", "attempt": 1} | fields)

    async def succeeds(self, account: str) -> None:
        """The same payment succeeds."""
        await self._pays(account, {"type": "payment.succeeded"})

    async def acknowledges(self, account: str) -> None:
        """Somebody takes on all that is open of it."""
        command = {"command": "acknowledge", "command_id": f"ack-{account}", "kind": "*", "by": "ann"}
        await self._send("commands", {"account_id": account, "at": self._now(), **command})

    async def _pays(self, account: str, fields: Mapping[str, object]) -> None:
        paid = {"invoice_id": f"in-{account}", "amount_minor": 4_900, "currency": "EUR"}
        await self._send("billing", {"account_id": account, "occurred_at": self._now(), **paid, **fields})

    async def _send(self, topic: str, record: Mapping[str, object]) -> None:
        name, key = self.app.settings.topic(topic), str(record["account_id"]).encode()
        await self.producer.send_and_wait(name, json.dumps(record).encode(), key=key, timestamp_ms=self.clock())

    def _now(self) -> str:
        return format_instant(self.clock())


async def until(check: Callable[[], bool], what: str = "messages have arrived", patience: float = 30.0) -> None:
    """Return as soon as it holds."""

    async def holds() -> bool:
        return check()

    await eventually(holds, what, patience=patience)
