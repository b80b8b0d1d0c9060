"""What the broker knows of the consumer group. A broker that has just started, or has never had a group, has to find
out first who keeps it: that is waited for."""

import asyncio
from collections.abc import Awaitable, Callable
from time import monotonic
from typing import Final, TypeVar

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError

from schemas.errors import BrokerError
from streams.runtime.settings import Settings

Answer = TypeVar("Answer")

PATIENCE: Final = 10.0
"""Seconds in which the group's keeper has to be found."""
_POLL: Final = 0.2


async def ask(settings: Settings, question: Callable[[AIOKafkaAdminClient], Awaitable[Answer]]) -> Answer:
    """Put a question about the group. Raises `BrokerError`."""
    admin = AIOKafkaAdminClient(**settings.kafka(), client_id=f"{settings.app_id}-admin")
    deadline = monotonic() + PATIENCE
    try:
        await admin.start()
        while True:
            try:
                return await question(admin)
            except KafkaError as error:
                if not error.retriable or monotonic() > deadline:
                    raise
            await asyncio.sleep(_POLL)
    except (KafkaError, OSError) as error:
        reason = str(error) or type(error).__name__
        raise BrokerError(f"the group {settings.app_id!r} cannot be read at {settings.brokers}: {reason}") from error
    finally:
        await admin.close()
