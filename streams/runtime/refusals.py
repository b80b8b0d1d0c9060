"""What was pressed in Slack and could not be done is said to whoever pressed: to them alone, beside the button.

The home of the account finds it out, on whichever worker that is; who pressed, and where, stands in the command's id.
Nothing depends on it: an answer that cannot be given is not tried again, and a crash may give one twice.
"""

import asyncio
import logging
from collections.abc import Mapping
from typing import Final

from alerting.buttons import presser_of
from alerting.delivery.slack_api import SlackApi
from alerting.markup import escape
from schemas.commands import CommandBase

log = logging.getLogger(__name__)

FRESH_MS: Final = 600_000
"""Who pressed longer ago is not waiting for an answer any more: the command is read again, say."""
AT_MOST: Final = 20
"""Answers under way at a time; those beyond are not given."""
LAST_SECONDS: Final = 2.0


class Refusals:
    """Answers with the bots of these channels, by the channel's id."""

    def __init__(self, bots: Mapping[str, SlackApi]) -> None:
        self._bots = bots
        self._telling: set[asyncio.Task[None]] = set()

    def tell(self, command: CommandBase, why: str, now: int) -> None:
        """Begin to answer a command that was refused, if it came from a button. `now` in ms."""
        presser = presser_of(command.command_id)
        if presser is None or presser.channel not in self._bots or not 0 <= now - command.at < FRESH_MS:
            return
        if len(self._telling) >= AT_MOST:
            log.warning("too many presses are refused: not all are answered in Slack")
            return
        text = f"Nothing was done about {escape(command.account_id)}: {escape(why)}."
        telling = asyncio.create_task(self._tell(presser.channel, presser.user_id, text))
        self._telling.add(telling)
        telling.add_done_callback(self._telling.discard)

    async def stop(self) -> None:
        """Give what is being said a moment."""
        if self._telling:
            await asyncio.wait(self._telling, timeout=LAST_SECONDS)
        for each in self._telling:
            each.cancel()

    async def _tell(self, channel: str, user: str, text: str) -> None:
        # https://docs.slack.dev/reference/methods/chat.postEphemeral
        said = {"channel": channel, "user": user, "text": text, "parse": "none"}
        reply = await self._bots[channel].call("chat.postEphemeral", said)
        if not reply.ok:
            log.warning("an answer could not be given in Slack: %s", reply.answer.short)
