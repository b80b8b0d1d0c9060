"""Reading the health topic, from its beginning and on, for as long as the board runs."""

import asyncio
import logging
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from enum import StrEnum
from typing import Final

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from schemas.errors import SlackwaterError
from streams.board.accounts import Accounts

log = logging.getLogger(__name__)

Open = Callable[[], AbstractAsyncContextManager[AIOKafkaConsumer]]
"""Gives a consumer that stands at the beginning of every partition of the topic, and reads committed records only.
Raises BrokerError when there is no broker or no such topic, SettingsError when a certificate cannot be used."""

AGAIN: Final = 5.0
"""Seconds after which a broker that could not be reached is tried again, and one that can be is asked how far it is."""
_AT_ONCE: Final = 100
"""Records that are taken in before pages have their turn."""
_POLL_MS: Final = 500


class Stage(StrEnum):
    """How far the reading is."""

    CONNECTING = "connecting"
    READING = "reading"
    LIVE = "live"
    """What was on the topic when the reading began has been read."""


class Feed:
    """Fills `accounts`, and knows how far it is. Create, and run `follow` as a task."""

    def __init__(self, accounts: Accounts, open_topic: Open, *, again: float = AGAIN) -> None:
        self.accounts = accounts
        self.stage = Stage.CONNECTING
        self.share = 0.0
        """Of the topic, what has been read (0 to 1), while the stage is `reading`."""
        self.trouble: str | None = None
        """Why nothing new can be read at present; None: it can."""
        self.failed = False
        """Of that, that nobody foresaw it."""
        self._open = open_topic
        self._again = again

    async def follow(self) -> None:
        """Read, and go on reading, until cancelled."""
        while True:
            try:
                async with self._open() as consumer:
                    self._note(None)
                    await self._read(consumer)
            except SlackwaterError as error:
                self._note(str(error))
            except Exception as error:  # whatever it is, people look at what was read before
                log.exception("reading failed")
                self.trouble, self.failed = f"reading failed, see the log ({type(error).__name__})", True
            await asyncio.sleep(self._again)

    async def _read(self, consumer: AIOKafkaConsumer) -> None:
        parts = consumer.assignment()
        begins, ends = await consumer.beginning_offsets(parts), await consumer.end_offsets(parts)
        if self.stage is Stage.CONNECTING:
            self.stage = Stage.READING
        loop = asyncio.get_running_loop()
        asked = loop.time()
        while True:
            for records in (await consumer.getmany(timeout_ms=_POLL_MS)).values():
                for start in range(0, len(records), _AT_ONCE):
                    for record in records[start : start + _AT_ONCE]:
                        self.accounts.put(record.key, record.value)
                    await asyncio.sleep(0)
            if self.stage is Stage.READING:
                await self._measure(consumer, begins, ends)
            elif loop.time() - asked > self._again:
                await self._ask(consumer)
                asked = loop.time()

    async def _measure(
        self, consumer: AIOKafkaConsumer, begins: dict[TopicPartition, int], ends: dict[TopicPartition, int]
    ) -> None:
        # By positions: aborted records and the marks of transactions are never handed out.
        done = sum([min(await consumer.position(part), end) - begins[part] for part, end in ends.items()])
        total = sum(end - begins[part] for part, end in ends.items())
        self.share = done / total if total else 1.0
        if done >= total:
            self.stage = Stage.LIVE
            log.info("%d accounts read", len(self.accounts))

    async def _ask(self, consumer: AIOKafkaConsumer) -> None:
        """Whether the broker is still there: the client waits for one that is not without a word."""
        try:
            async with asyncio.timeout(self._again):
                await consumer.end_offsets(consumer.assignment())
        except (KafkaError, OSError, TimeoutError) as error:
            self._note(f"the broker does not answer: {str(error) or type(error).__name__}")
        else:
            self._note(None)

    def _note(self, trouble: str | None) -> None:
        self.failed = False
        if trouble != self.trouble:
            self.trouble = trouble
            if trouble is None:
                log.info("the broker answers")
            else:
                log.warning("%s", trouble)
