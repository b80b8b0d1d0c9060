"""Slack with a bot's token: an account has one message, kept up to date, and what happens goes into its thread.

Changing a message can be repeated, posting one cannot: `chat.postMessage` has no documented key by which Slack would
know that it has posted the same before (https://github.com/slackapi/slack-api-specs/issues/10; `client_msg_id` is named
by two of its errors, and is no argument). So every message carries a mark as metadata, and where one may have arrived
already, as its answer was lost or its worker ended meanwhile, it is looked for first. That takes the right to read the
channel; without it the message is posted again.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from alerting.delivery.answers import OK, Answer, Verdict, judge
from alerting.delivery.slack_api import Reply, SlackApi
from alerting.letter import Letter
from alerting.message import Message, Receipt

EVENT: Final = "slackwater_news"
"""Type of the metadata that marks a message."""
LOOKED_BACK: Final = 100
"""Messages of a channel, the newest, or of a thread, the oldest, among which a mark is looked for."""

_GONE: Final = frozenset(
    {"message_not_found", "thread_not_found", "restricted_action_thread_locked", "cannot_reply_to_message"}
)
"""Somebody deleted the message, or its thread takes no replies: the account's message is begun anew."""
_PASSING: Final = frozenset({Verdict.RATE_LIMITED, Verdict.SERVER_ERROR, Verdict.TIMEOUT, Verdict.CONNECTION_ERROR})
_FIXED: Final = frozenset({"cant_update_message", "edit_window_closed"})
"""The workspace lets nobody change it any more; its thread goes on."""


class BotChannel:
    """Posts to one channel, by its id."""

    def __init__(self, api: SlackApi, channel: str) -> None:
        self._api = api
        self._channel = channel

    async def send(self, message: Message) -> Answer:
        """See `Channel`. A message that stands alone."""
        return (await self._post(message.payload())).answer

    async def send_letter(self, letter: Letter, first: Receipt | None, *, doubtful: bool) -> Answer:
        """Post the account's message, or change it and add the reply to its thread. `first`: where it stands.
        `doubtful`: all of this may have been done before. Raises nothing but `asyncio.CancelledError`.

        The answer of a delivery says where the account's message stands: elsewhere than before, if that is gone.
        """
        if first is None or first.channel != self._channel:  # one of before another channel was set
            return await self._post_first(letter, doubtful=doubtful)
        if not letter.stays:
            message = {"blocks": [], **letter.first.payload(), "parse": "none"}
            changed = await self._api.call("chat.update", {"channel": first.channel, "ts": first.ts, **message})
            if changed.answer.body_code in _GONE:
                return await self._post_first(letter, doubtful=doubtful)
            if not changed.ok and changed.answer.body_code not in _FIXED:
                return changed.answer
        if doubtful and (found := await self._find(letter.mark, first.ts)):
            return replace(OK, receipt=first) if isinstance(found, str) else found
        reply = {**letter.reply.payload(), "thread_ts": first.ts, "reply_broadcast": letter.loud}
        replied = await self._post(reply | _marked(letter.mark))
        if replied.answer.body_code in _GONE:
            return await self._post_first(letter, doubtful=doubtful)
        return replace(OK, receipt=first) if replied.ok else replied.answer

    async def _post_first(self, letter: Letter, *, doubtful: bool) -> Answer:
        if doubtful and (found := await self._find(letter.mark, None)):
            return replace(OK, receipt=Receipt(self._channel, found)) if isinstance(found, str) else found
        posted = await self._post(letter.first.payload() | _marked(letter.mark))
        if not posted.ok:
            return posted.answer
        ts = posted.body.get("ts")
        # Posted it is: without its ts, which Slack always gives, the next news of it begins another thread.
        return replace(OK, receipt=Receipt(self._channel, ts)) if isinstance(ts, str) else OK

    async def _post(self, message: Mapping[str, Any]) -> Reply:
        return await self._api.call("chat.postMessage", {"channel": self._channel, **message})

    async def _find(self, mark: str, thread: str | None) -> str | Answer | None:
        """The ts of the message with this mark: in a thread, or in the channel. None: it is not there, or the bot may
        not look. An answer: it could not be looked for just now."""
        where: dict[str, Any] = {"channel": self._channel, "limit": LOOKED_BACK, "include_all_metadata": "true"}
        if thread is None:
            found = await self._api.call("conversations.history", where, form=True)
        else:
            found = await self._api.call("conversations.replies", where | {"ts": thread}, form=True)
        if judge(found.answer) in _PASSING:
            return found.answer
        messages = found.body.get("messages")
        for message in messages if isinstance(messages, list) else ():
            if isinstance(message, dict) and _mark(message.get("metadata")) == mark:
                return str(message.get("ts"))
        return None

    def __repr__(self) -> str:
        return f"BotChannel(channel={self._channel!r})"


def _marked(mark: str) -> dict[str, Any]:
    return {"metadata": {"event_type": EVENT, "event_payload": {"mark": mark}}}


def _mark(metadata: object) -> object:
    if not isinstance(metadata, dict) or metadata.get("event_type") != EVENT:
        return None
    payload = metadata.get("event_payload")
    return payload.get("mark") if isinstance(payload, dict) else None
