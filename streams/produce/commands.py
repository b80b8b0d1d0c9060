"""A person's command, sent to its topic."""

from schemas.codec import encode
from schemas.commands import Command
from schemas.events import InputTopic
from streams.produce.record import InputRecord
from streams.produce.sender import send
from streams.runtime.settings import Settings


async def send_command(command: Command, settings: Settings) -> None:
    """Write it down; returns when the broker has it. Raises BrokerError."""
    record = InputRecord(command.at, InputTopic.COMMANDS, command.account_id, encode(command))
    await send([record], settings, topics=(InputTopic.COMMANDS,), markers=False)
