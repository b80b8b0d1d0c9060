"""Sending a company's own history, or a simulated one, to the input topics in order of event time."""

from streams.produce.columns import Columns
from streams.produce.errors import InputError
from streams.produce.pace import Pace
from streams.produce.record import InputRecord
from streams.produce.sender import Sender, Sent, send
from streams.produce.sources import Format, Source, read, read_in_time_order

__all__ = [
    "Columns",
    "Format",
    "InputError",
    "InputRecord",
    "Pace",
    "Sender",
    "Sent",
    "Source",
    "read",
    "read_in_time_order",
    "send",
]
