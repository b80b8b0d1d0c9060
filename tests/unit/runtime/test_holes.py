from __future__ import annotations

from types import SimpleNamespace

import pytest

from streams.runtime import holes
from streams.runtime.holes import Holes


def records(*offsets: int) -> list[SimpleNamespace]:
    return [SimpleNamespace(offset=offset) for offset in offsets]


@pytest.mark.parametrize(
    ("read", "hole"),
    [
        ((), None),
        ((5, 6, 7), None),
        ((6, 7), 5),
        ((5, 7), 6),
        ((5, 6, 8, 10), 7),
    ],
)
def test_what_is_missing_first_is_read_again(read: tuple[int, ...], hole: int | None) -> None:
    assert Holes().first("topic/0", 5, records(*read)) == hole


def test_what_is_missing_for_long_is_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 0.0
    monkeypatch.setattr(holes, "monotonic", lambda: now)
    met = Holes()
    assert met.first("topic/0", 5, records(5, 7)) == 6
    now = holes.PATIENCE
    assert met.first("topic/0", 6, records(7)) == 6
    assert met.first("topic/1", 6, records(7)) == 6
    now += 0.1
    assert met.first("topic/0", 6, records(7)) is None
    assert met.first("topic/0", 8, records(9)) == 8
    assert met.first("topic/1", 6, records(6, 7)) is None
    assert met.first("topic/1", 6, records(7)) == 6, "another time, with patience of its own"
