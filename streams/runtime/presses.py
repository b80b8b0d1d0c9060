"""What is pressed in Slack becomes a command on the commands topic, and its user hears of it where nothing shows it."""

import asyncio
import logging
from collections.abc import Mapping
from enum import StrEnum
from typing import Final

from aiohttp import ClientSession, ClientTimeout
from aiokafka.errors import KafkaError
from pydantic import SecretStr

from alerting.buttons import Press, command_of, press_of
from alerting.markup import clean, cut, escape
from schemas.codec import encode
from schemas.commands import Command, RecordOutcome
from streams.runtime.letting_go import stopped
from streams.runtime.metrics import Metrics
from streams.runtime.producer import Producer
from streams.runtime.settings import Settings

log = logging.getLogger(__name__)

WRITE_SECONDS: Final = 20.0
"""A command that could not be written for so long was not given."""
TELL_SECONDS: Final = 5.0
KNOWN: Final = 1_000
"""Presses that are remembered, so that the same one is not answered twice."""
NAME_LIMIT: Final = 200


class Result(StrEnum):
    """What became of a press; a label of the metric."""

    TAKEN = "taken"
    REPEATED = "repeated"
    REFUSED = "refused"
    """By somebody who is not known."""
    FAILED = "failed"
    """The command could not be written."""
    FOREIGN = "foreign"
    """None of slackwater's buttons."""


class Presses:
    """Takes presses. `people`: names by Slack user id: who may press, and whom a command is given by. `session` is the
    caller's."""

    def __init__(self, settings: Settings, people: Mapping[str, str], session: ClientSession, metrics: Metrics) -> None:
        self._settings = settings
        self._people = people
        self._session = session
        self._metrics = metrics
        self._known: dict[str, None] = {}
        self._producer: Producer | None = None
        self._starting = asyncio.Lock()

    async def take(self, payload: object) -> None:
        """Take the payload of an interaction. Returns when its command is written, or its user was told why not."""
        press = press_of(payload)
        if press is None:
            self._count("other", Result.FOREIGN)
            return
        self._count(press.button.value, await self._taken(press))

    async def stop(self) -> None:
        """Let go of the broker."""
        if self._producer is not None:
            await stopped(self._producer)

    async def _taken(self, press: Press) -> Result:
        if press.press_id in self._known:
            return Result.REPEATED
        by = self._by(press)
        if by is None:
            self._remember(press)
            await self._tell(press.response_url, _unknown(press))
            return Result.REFUSED
        command = command_of(press, by)
        try:
            async with asyncio.timeout(WRITE_SECONDS):
                await self._write(command)
        except (KafkaError, OSError, TimeoutError) as error:
            log.error("a command from Slack could not be written: %s", type(error).__name__)
            await self._tell(press.response_url, "That could not be written down just now. Please press again.")
            return Result.FAILED
        self._remember(press)
        if isinstance(command, RecordOutcome):  # of what changes the alert, its message tells
            await self._tell(press.response_url, f"Noted: {command.outcome.replace('_', ' ')}, by {escape(by)}.")
        return Result.TAKEN

    def _by(self, press: Press) -> str | None:
        known = self._people.get(press.user_id)
        if known is not None or self._settings.slack_users == "known":
            return known
        name = cut(clean(press.user_name), NAME_LIMIT)
        return f"{name} ({press.user_id})" if name else press.user_id

    async def _write(self, command: Command) -> None:
        producer = await self._started()
        topic = self._settings.topic("commands")
        await producer.send_and_wait(topic, encode(command), key=command.account_id.encode())

    async def _started(self) -> Producer:
        async with self._starting:
            if self._producer is None:
                producer = Producer(**self._settings.kafka(), acks="all")
                try:
                    await producer.start()
                except BaseException:
                    await stopped(producer)
                    raise
                self._producer = producer
            return self._producer

    async def _tell(self, url: SecretStr | None, text: str) -> None:
        """Say it to the user alone. Of no consequence when it fails."""
        if url is None:
            return
        answer = {"response_type": "ephemeral", "replace_original": False, "text": text}
        timeout = ClientTimeout(total=TELL_SECONDS)
        try:
            async with self._session.post(
                url.get_secret_value(), json=answer, timeout=timeout, allow_redirects=False
            ) as response:
                if response.status != 200:
                    log.warning("Slack did not pass an answer on: %d", response.status)
        except Exception as error:  # noqa: BLE001 - whatever it is, its text may hold the address
            log.warning("an answer could not be given in Slack: %s", type(error).__name__)

    def _remember(self, press: Press) -> None:
        self._known[press.press_id] = None
        if len(self._known) > KNOWN:
            del self._known[next(iter(self._known))]

    def _count(self, button: str, result: Result) -> None:
        self._metrics.button_presses_total.labels(button, result.value).inc()


def _unknown(press: Press) -> str:
    return (
        f"slackwater does not know who you are ({press.user_id}), so nothing was done. Whoever runs it can name you "
        "under [people] in slackwater.toml, or let everybody press: SLACKWATER_SLACK_USERS=any."
    )
