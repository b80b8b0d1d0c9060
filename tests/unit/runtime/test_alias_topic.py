"""The alias topic, with records in it that are none of its own or of another version."""

from __future__ import annotations

import pytest

from schemas.alias_log import VERSION, AliasRecord, Statement, encode_alias_record
from schemas.errors import StateError, VersionError
from streams.runtime.alias_topic import AliasTopic
from streams.runtime.settings import Settings


def says(number: int) -> bytes:
    """A record that names the alias `x1`, say."""
    statement = Statement(number, number, "acme", number, tuple(f"x{each}" for each in range(1, number + 1)))
    return encode_alias_record(AliasRecord("accounts/0", number, 100 + number, True, (statement,)))


class Reader(AliasTopic):
    """What a worker has of the topic, when it holds these values of it from offset 5 on."""

    def __init__(self, *values: bytes) -> None:
        self.refusals: list[tuple[str, StateError]] = []
        self.told = 0
        super().__init__(Settings(), self._tell, lambda place, error: self.refusals.append((place, error)))
        self._held = list(enumerate(values, 5))

    def _tell(self) -> None:
        self.told += 1


def test_what_is_none_of_its_own_is_passed_over_with_a_line_and_all_behind_it_is_learnt(
    caplog: pytest.LogCaptureFixture,
) -> None:
    reader = Reader(says(1), b"noise", says(2), b"", says(3))
    reader._learn()
    assert reader.known.count == 3
    assert [record.getMessage().partition(":")[0] for record in caplog.records] == [
        "offset 6 of slackwater-aliases/0",
        "offset 8 of slackwater-aliases/0",
    ]
    assert (reader.refusals, reader.told) == ([], 1)


def test_behind_a_record_of_another_version_nothing_is_learnt_and_the_worker_is_told_once() -> None:
    newer = bytes([0xC1, VERSION + 1, 0x90])
    reader = Reader(says(1), newer, says(2))
    reader._learn()
    assert reader.known.count == 1
    ((place, error),) = reader.refusals
    assert place == "offset 6 of slackwater-aliases/0"
    assert isinstance(error, VersionError)
    reader._held = [(8, says(3))]
    reader._learn()
    assert reader.known.count == 1, "what came later is not to be known without what came before"
    assert len(reader.refusals) == 1
