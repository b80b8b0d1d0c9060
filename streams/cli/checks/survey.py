"""All checks, one after the other, each with an end."""

import asyncio
import os
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Final

from aiokafka.errors import KafkaError

from schemas.errors import BrokerError
from schemas.events import InputTopic
from streams.cli.checks import connection, delivery, group, promise, records, secret_files, state, topics, waiting
from streams.cli.checks.finding import Finding, Findings
from streams.cli.checks.sample import Sample, samples
from streams.cli.composition import Composition, composition
from streams.runtime import topics as runtime_topics
from streams.runtime.settings import Settings
from streams.runtime.topics import ABSENT

PATIENCE: Final = 10.0
"""Seconds for a question."""
_QUESTIONS: Final[dict[str, Callable[[Settings], Awaitable[list[Finding]]]]] = {
    "rights": promise.rights,
    "topics": topics.look,
    "group": group.look,
    "state": state.look,
}
_PATIENT: Final = 3.0
"""So many times as long may take what asks several questions, or reads."""


class Survey:
    """Looks, and keeps what it has found: `findings`, and what the usage topic is made of, if it was looked at."""

    def __init__(self, settings: Settings, *, config: Path | None = None, patience: float = PATIENCE) -> None:
        self.findings: list[Finding] = []
        self.usage: Composition | None = None
        self._settings = settings
        self._config = config
        self._patience = patience

    async def look(self, *, sample: int) -> None:
        """Ask everything; of each input topic about `sample` records. Raises SettingsError when a certificate or key
        file cannot be used."""
        settings = self._settings
        text = f"brokers {settings.brokers}, {settings.partitions} partitions, application {settings.app_id}"
        self.findings.append(Findings("settings").ok(text))
        self.findings += secret_files.look(settings, os.environ, self._config)
        self.findings += delivery.routes(settings)
        self.findings += await delivery.reach(settings, self._patience)
        found, answered = await connection.look(settings, self._patience)
        self.findings += found
        if not answered:
            return
        for name, ask in _QUESTIONS.items():
            if not await self._bounded(name, self._ask(ask), self._patience * _PATIENT):
                return
        if sample and not await self._bounded("records", self._read(sample), self._patience * _PATIENT * 2):
            return
        # Last, as it may wait for a broker that has just begun; it has an end of its own.
        await self._bounded("promise", self._ask(promise.promise), None)

    async def _ask(self, question: Callable[[Settings], Awaitable[list[Finding]]]) -> None:
        hidden = [each.text for each in self.findings if each.check == "rights"]
        self.findings += [
            each
            for each in await question(self._settings)
            # A topic that this user may not see is none to it: that is told already, by what it lacks.
            if each.text != ABSENT or not any(repr(each.subject) in text for text in hidden)
        ]

    async def _read(self, most: int) -> None:
        settings = self._settings
        async with runtime_topics.admin_of(settings) as admin:
            names = runtime_topics.input_names(settings)
            counts = {each["topic"]: len(each["partitions"]) for each in await admin.describe_topics()}
            configs = await runtime_topics.configs_of(admin, [each for each in names if each in counts])
        found: list[Sample] = []
        async for each in samples(settings, counts, most):
            self._judge(each, most, configs)
            found.append(each)
        self.findings += waiting.look(settings, found)

    def _judge(self, sample: Sample, most: int, configs: dict[str, dict[str, str]]) -> None:
        settings = self._settings
        name = settings.topic(sample.topic.value)
        compacted = "compact" in configs.get(name, {}).get("cleanup.policy", "")
        self.findings += records.readable(settings, sample)
        self.findings += records.keys(settings, sample, compacted=compacted)
        self.findings += records.clocks(settings, sample)
        if sample.topic is InputTopic.USAGE:
            self.usage = composition(settings, sample.usage, most)

    async def _bounded(self, name: str, work: Awaitable[None], seconds: float | None) -> bool:
        """Whether the broker still answers. What goes wrong is a failure of this check."""
        say, remedy = Findings(name), "look at the brokers' logs, and run slackwater check again"
        try:
            async with asyncio.timeout(seconds):
                await work
        except TimeoutError:
            self.findings.append(say.failure(f"not answered within {seconds:g} s: nothing more was asked", remedy))
            return False
        except (BrokerError, KafkaError, OSError) as error:
            self.findings.append(say.failure(str(error) or type(error).__name__, remedy))
        return True
