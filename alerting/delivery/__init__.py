"""Channels: what carries a message to people, and what their answers mean."""

from typing import Protocol

from alerting.delivery.answers import Answer
from alerting.message import Message


class Channel(Protocol):
    """Sends one message, once. It neither retries nor waits its turn: the outbox does."""

    async def send(self, message: Message) -> Answer:
        """Try once, and tell what came of it. Raises nothing but `asyncio.CancelledError`."""
        ...
