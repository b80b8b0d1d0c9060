"""What is told of an account where messages can be changed and answered: one that stays up to date, and its thread."""

from dataclasses import dataclass, replace
from hashlib import blake2b

from alerting.buttons import button_row
from alerting.message import Message
from alerting.notification import AnyNote, Notification, Reminder
from alerting.render import render, render_standing
from alerting.threads import alerts_of
from schemas.alerts import Change

_LOUD = frozenset({Change.OPENED, Change.ESCALATED, Change.WOKEN})


@dataclass(frozen=True, slots=True)
class Letter:
    """`first`: what the account's own message says from now on; `stays`: but if it is there already, it stays as it
    is. `reply`: what is added to its thread then; `loud`: and is shown in the channel as well, as it asks for
    something. `mark`: names this news, the same whenever it is told again."""

    first: Message
    reply: Message
    stays: bool
    loud: bool
    mark: str

    def plain(self) -> "Letter":
        """The letter without blocks, and so without buttons."""
        return replace(self, first=self.first.plain(), reply=self.reply.plain())


def letter_of(note: AnyNote) -> Letter | None:
    """The letter of a note that belongs to a thread (`threads.thread_of`); None for others. Total, as `render` is."""
    alerts = alerts_of(note)
    if not alerts:
        return None
    reply = render(note)
    first = render_standing(note) if isinstance(note, Notification) else reply
    reminder = isinstance(note, Reminder)
    return Letter(
        first=replace(first, blocks=first.blocks + button_row(alerts)),
        reply=reply,
        stays=reminder,
        loud=reminder or any(each.transition.change in _LOUD for each in alerts),
        mark=blake2b(note.encode(), digest_size=8).hexdigest(),
    )
