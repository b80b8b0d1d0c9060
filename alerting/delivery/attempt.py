"""One attempt at one row of the outbox: from stored bytes to an answer."""

from pathlib import Path
from traceback import extract_tb

from alerting.delivery import Channel, NoteChannel
from alerting.delivery.answers import Answer, Failure
from alerting.notification import decode_note
from alerting.outbox_rows import Row
from alerting.render import render


async def attempt(row: Row, channel: Channel | NoteChannel) -> Answer:
    """Render the row's notification and send it: as plain text, where its blocks were refused before. A channel of
    notes gets it as it is.

    A defect in rendering must not hold up the route: it is an answer too, which says where, and ends in the undelivered
    topic.
    """
    if isinstance(channel, NoteChannel):
        return await channel.send_note(row)
    try:
        message = render(decode_note(row.notification))
    except Exception as error:  # noqa: BLE001 - whatever it is, it is this message's own
        place = extract_tb(error.__traceback__)[-1]
        detail = f"{type(error).__name__} at {Path(place.filename).name}:{place.lineno}"
        return Answer(failure=Failure.UNRENDERABLE, detail=detail)
    return await channel.send(message.plain() if row.plain else message)
