"""One attempt at one row of the outbox: from stored bytes to an answer."""

from dataclasses import replace
from pathlib import Path
from traceback import extract_tb

from alerting.delivery import Channel, NoteChannel
from alerting.delivery.answers import OK, Answer, Failure
from alerting.delivery.bot import BotChannel
from alerting.letter import letter_of
from alerting.notification import decode_note
from alerting.outbox import Earlier
from alerting.outbox_rows import Row
from alerting.render import render


async def attempt(row: Row, channel: Channel | NoteChannel, earlier: Earlier | None = None) -> Answer:
    """Render the row's notification and send it: as plain text, where its blocks were refused before. A channel of
    notes gets it as it is.

    A defect in rendering must not hold up the route: it is an answer too, which says where, and ends in the undelivered
    topic.
    """
    if isinstance(channel, NoteChannel):
        answer = await channel.send_note(row)
        return answer if answer == OK else replace(answer, plainest=True)
    try:
        note = decode_note(row.notification)
        letter = letter_of(note) if isinstance(channel, BotChannel) else None
        message = render(note) if letter is None else letter.reply
    except Exception as error:  # noqa: BLE001 - whatever it is, it is this message's own
        place = extract_tb(error.__traceback__)[-1]
        detail = f"{type(error).__name__} at {Path(place.filename).name}:{place.lineno}"
        return Answer(failure=Failure.UNRENDERABLE, detail=detail)
    if isinstance(channel, BotChannel) and letter is not None:
        before = earlier or Earlier()
        told = letter.plain() if row.plain else letter
        return await channel.send_letter(told, before.first, doubtful=before.doubtful)
    return await channel.send(message.plain() if row.plain else message)
