"""Whether this user may do what a worker does, what the broker can promise, and whether it takes the session."""

from typing import Final

from schemas.errors import StartError
from streams.cli.checks.finding import Finding, Findings
from streams.runtime.rights import refuse_without_rights
from streams.runtime.session import refuse_impossible_session
from streams.runtime.settings import Settings
from streams.runtime.writer import has_transactions

AT_LEAST_ONCE: Final = "at least once: this broker has no transactions, so that a crash repeats what was flushed last"
_RIGHTS: Final = Findings("rights")
_PROMISE: Final = Findings("promise")
_SESSION: Final = Findings("session")


async def rights(settings: Settings) -> list[Finding]:
    """What is lacking, with the commands that give it. Raises `BrokerError`."""
    try:
        await refuse_without_rights(settings)
    except StartError as error:
        lines = (line.partition("; ") for line in str(error).splitlines())
        return [_RIGHTS.failure(text, remedy and f"run: {remedy}") for text, _, remedy in lines]
    return [_RIGHTS.ok("this user may do what a worker does, as far as the broker says")]


async def promise(settings: Settings) -> list[Finding]:
    """How often something is told after a crash. Asks as a worker would, with a transactional id of its own. Raises
    `BrokerError`."""
    try:
        exact = await has_transactions(settings)
    except StartError as error:
        text, _, remedy = str(error).partition("; ")
        return [_PROMISE.failure(text, remedy)]
    if exact:
        return [await _session(settings), _PROMISE.ok("exactly once", exactly_once=True)]
    return [_PROMISE.warning(AT_LEAST_ONCE, "use Apache Kafka for what matters", exactly_once=False)]


async def _session(settings: Settings) -> Finding:
    try:
        await refuse_impossible_session(settings)
    except StartError as error:
        text, _, remedy = str(error).partition("; ")
        return _SESSION.failure(text, remedy)
    return _SESSION.ok(f"the broker takes one of {settings.session_timeout / 1000:g} s")
