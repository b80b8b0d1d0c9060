"""Only a broker that has no transactions is taken for one; whatever else it answers is told, and nothing is begun."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from aiokafka.errors import (
    ClusterAuthorizationFailedError,
    CoordinatorLoadInProgressError,
    KafkaConnectionError,
    KafkaError,
    TransactionalIdAuthorizationFailed,
    UnknownError,
)

from schemas.errors import StartError
from streams.runtime import writer
from streams.runtime.settings import Settings

SETTINGS = Settings(brokers="kafka:9092", app_id="acme")


class Producer:
    """Answers what it was told to, one answer for each start; the last one again and again. None: it starts."""

    answers: list[Exception | None]
    running = 0

    def __init__(self, *, transactional_id: str, **_: Any) -> None:
        assert transactional_id.startswith("acme-")

    async def start(self) -> None:
        Producer.running += 1
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, TimeoutError):
            await asyncio.Event().wait()
        if answer is not None:
            raise answer

    async def stop(self) -> None:
        Producer.running -= 1


async def ask(monkeypatch: pytest.MonkeyPatch, *answers: Exception | None) -> bool:
    monkeypatch.setattr(writer, "AIOKafkaProducer", Producer)
    monkeypatch.setattr(writer, "ASK_SECONDS", 0.2)
    monkeypatch.setattr(writer, "_AGAIN_SECONDS", 0.01)
    monkeypatch.setattr(Producer, "answers", list(answers), raising=False)
    try:
        return await writer.has_transactions(SETTINGS)
    finally:
        assert Producer.running == 0, "a producer was left running"


def wrapped(cause: KafkaError) -> KafkaError:
    """As aiokafka raises what went wrong while it looked for the coordinator."""
    error = KafkaError(repr(cause))
    error.__cause__ = cause
    return error


async def test_a_broker_that_begins_a_transaction_has_them(monkeypatch: pytest.MonkeyPatch) -> None:
    assert await ask(monkeypatch, None)


async def test_the_embedded_brokers_answer_means_that_there_are_none(monkeypatch: pytest.MonkeyPatch) -> None:
    assert not await ask(monkeypatch, UnknownError())


async def test_a_missing_acl_is_a_start_error_that_says_which(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(StartError, match=r"kafka:9092.*--operation Write --transactional-id acme- .*prefixed"):
        await ask(monkeypatch, TransactionalIdAuthorizationFailed("acme-probe"))


@pytest.mark.parametrize("passing", [KafkaConnectionError(), wrapped(KafkaConnectionError())], ids=repr)
async def test_a_broker_that_is_away_for_a_moment_is_asked_again(
    monkeypatch: pytest.MonkeyPatch, passing: KafkaError
) -> None:
    assert await ask(monkeypatch, passing, passing, None)
    assert not await ask(monkeypatch, passing, UnknownError())


@pytest.mark.parametrize("answer", [TimeoutError(), KafkaConnectionError(), CoordinatorLoadInProgressError()], ids=repr)
async def test_a_broker_that_never_gets_so_far_is_a_start_error(
    monkeypatch: pytest.MonkeyPatch, answer: Exception
) -> None:
    with pytest.raises(StartError, match="__transaction_state") as refusal:
        await ask(monkeypatch, answer)
    assert (repr(answer) in str(refusal.value)) == isinstance(answer, KafkaError), "what it answered last is not told"


@pytest.mark.parametrize("answer", [ClusterAuthorizationFailedError(), wrapped(ClusterAuthorizationFailedError())])
async def test_any_other_refusal_is_a_start_error_and_told_at_once(
    monkeypatch: pytest.MonkeyPatch, answer: Exception
) -> None:
    with pytest.raises(StartError, match="ClusterAuthorizationFailed"):
        await ask(monkeypatch, answer, None)
