"""Channels: what carries a message to people, or a note to programs, and what their answers mean."""

from typing import Protocol, runtime_checkable

from alerting.delivery.answers import Answer
from alerting.message import Message
from alerting.outbox_rows import Row


class Channel(Protocol):
    """Sends one message, once. It neither retries nor waits its turn: the outbox does."""

    async def send(self, message: Message) -> Answer:
        """Try once, and tell what came of it. Raises nothing but `asyncio.CancelledError`."""
        ...


@runtime_checkable
class NoteChannel(Protocol):
    """The same for who wants the note itself, and no message made of it."""

    async def send_note(self, row: Row) -> Answer:
        """Try once with a row of the outbox. Raises nothing but `asyncio.CancelledError`."""
        ...
