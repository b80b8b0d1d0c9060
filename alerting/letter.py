"""What is told of an alert where messages can be changed and answered: one that stays up to date, and its thread."""

from dataclasses import dataclass, replace

from alerting.buttons import button_row
from alerting.message import Message
from alerting.notification import AnyNote, Notification
from alerting.render import render, render_standing
from schemas.alerts import Change

_LOUD = frozenset({Change.OPENED, Change.ESCALATED, Change.WOKEN})


@dataclass(frozen=True, slots=True)
class Letter:
    """`first`: what the alert's own message says from now on. `reply`: what is added to its thread, if that message is
    there already; `loud`: and is shown in the channel as well, as it asks for something. `mark`: names this news of
    this alert, the same whenever it is told again."""

    first: Message
    reply: Message
    loud: bool
    mark: str

    def plain(self) -> "Letter":
        """The letter without blocks, and so without buttons."""
        return replace(self, first=self.first.plain(), reply=self.reply.plain())


def letter_of(note: AnyNote) -> Letter | None:
    """The letter of a note that belongs to a thread (`threads.thread_of`); None for others. Total, as `render` is."""
    if not isinstance(note, Notification):
        return None
    transition = note.transition
    standing = render_standing(note)
    return Letter(
        first=replace(standing, blocks=standing.blocks + button_row(transition)),
        reply=render(note),
        loud=transition.change in _LOUD,
        mark=f"{note.route}/{transition.alert_id}/{transition.revision}",
    )
