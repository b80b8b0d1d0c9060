"""What the group committed is not taken for nothing when the broker cannot say."""

from __future__ import annotations

from typing import Any

import pytest
from aiokafka import OffsetAndMetadata
from aiokafka.errors import GroupAuthorizationFailedError, GroupLoadInProgressError, NotCoordinatorForGroupError
from aiokafka.protocol.commit import OffsetFetchResponse_v3
from faust.types import TP

from streams.runtime import group
from streams.runtime.settings import Settings

BILLING = [TP("billing", 0), TP("billing", 1)]
GIVEN = OffsetFetchResponse_v3(0, [("billing", [(0, 30, "at", 0), (1, -1, "", 0)])], 0)


class Coordinator:
    """A consumer's coordinator whose broker gives these answers, one after the other."""

    group_id = "slackwater"

    def __init__(self, *answers: OffsetFetchResponse_v3) -> None:
        self._answers = list(answers)
        self.asked_for = 0

    async def ensure_coordinator_known(self) -> None:
        self.asked_for = max(self.asked_for, 1)

    def coordinator_dead(self) -> None:
        self.asked_for += 1

    async def _send_req(self, _request: Any) -> OffsetFetchResponse_v3:
        return self._answers.pop(0)


@pytest.fixture(autouse=True)
def hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(group, "_POLL", 0.0)


@pytest.mark.parametrize("error", [GroupLoadInProgressError, NotCoordinatorForGroupError])
async def test_a_group_that_is_still_loaded_is_asked_for_again(error: Any) -> None:
    whole = OffsetFetchResponse_v3(0, [], error.errno)
    single = OffsetFetchResponse_v3(0, [("billing", [(0, -1, "", error.errno), (1, -1, "", 0)])], 0)
    coordinator = Coordinator(whole, single, GIVEN)
    assert await group.positions(coordinator, BILLING) == {BILLING[0]: OffsetAndMetadata(30, "at")}
    assert coordinator.asked_for == (3 if error is NotCoordinatorForGroupError else 1)


async def test_what_waiting_does_not_mend_is_raised() -> None:
    coordinator = Coordinator(OffsetFetchResponse_v3(0, [], GroupAuthorizationFailedError.errno))
    with pytest.raises(GroupAuthorizationFailedError):
        await group.positions(coordinator, BILLING)


async def test_a_topic_that_is_not_there_has_no_position() -> None:
    coordinator = Coordinator(OffsetFetchResponse_v3(0, [("billing", [(0, -1, "", 3), (1, 7, "", 0)])], 0))
    assert await group.positions(coordinator, BILLING) == {BILLING[1]: OffsetAndMetadata(7, "")}


async def test_what_members_call_themselves_does_nothing_to_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    async def ask(_: Settings, question: Any) -> Any:
        return await question(None)

    async def described(*_: Any) -> Any:
        return (0, "", "", "", "", [("\x1b[2Jme-1", "me\x1b]0;x\x07", "/10.0.0.1")])

    monkeypatch.setattr(group, "_ask", ask)
    monkeypatch.setattr(group, "_described", described)
    assert await group.members(Settings()) == ("me ]0;x at 10.0.0.1 ( [2Jme-1)",)
