"""A message in Slack's terms, whichever channel carries it."""

from dataclasses import dataclass
from typing import Any

Block = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Message:
    """`blocks`: Block Kit, as JSON values. `text`: the same without them: for notifications, screen readers, and for
    when the blocks are refused."""

    text: str
    blocks: tuple[Block, ...] = ()

    def plain(self) -> "Message":
        """The message without its blocks."""
        return Message(self.text)

    def payload(self) -> dict[str, Any]:
        """The arguments with which it is posted. No link unfolds, and the text is not read as markup."""
        payload: dict[str, Any] = {"text": self.text, "mrkdwn": False, "unfurl_links": False, "unfurl_media": False}
        return payload | {"blocks": list(self.blocks)} if self.blocks else payload


@dataclass(frozen=True, slots=True)
class Receipt:
    """Where a message stands: the channel's id, and the message's `ts`, which names it there."""

    channel: str
    ts: str
