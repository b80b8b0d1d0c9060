"""Where a partition is read on, whatever became of it meanwhile."""

from __future__ import annotations

import pytest

from streams.runtime.losses import notice, title, told
from streams.runtime.resume import UNKNOWN_END, Log, Loss, Resumed, What, resume
from streams.runtime.topic_ids import NO_ID
from tests.unit.alerting.samples import AT

A, B = "Vb2mHdCvTqOyJxkG1c9VAw", "kG1c9VAwVb2mHdCvTqOyJx"


@pytest.mark.parametrize(
    ("position", "mark", "log", "expected"),
    [
        pytest.param(None, "", Log(3, 9, A), Resumed(3, A, None), id="never read"),
        pytest.param(5, A, Log(0, 9, A), Resumed(5, A, None), id="all there"),
        pytest.param(9, A, Log(9, 9, A), Resumed(9, A, None), id="read, and removed since"),
        pytest.param(5, "", Log(0, 9, A), Resumed(5, A, None), id="of an older version, which noted no mark"),
        pytest.param(5, A, Log(7, 9, A), Resumed(7, A, What.REMOVED), id="removed before it was read"),
        pytest.param(5, A, Log(9, 9, A), Resumed(9, A, What.REMOVED), id="all removed"),
        pytest.param(5, A, Log(0, 9, B), Resumed(0, B, What.REPLACED), id="another topic, with more in it"),
        pytest.param(5, A, Log(0, 2, B), Resumed(0, B, What.REPLACED), id="another topic, with less in it"),
        pytest.param(5, A + ".2", Log(0, 9, B), Resumed(0, B, What.REPLACED), id="another one after it was cut"),
        pytest.param(5, A, Log(0, 4, A), Resumed(4, A + ".1", What.CUT), id="the end was lost"),
        pytest.param(5, A + ".1", Log(0, 4, A), Resumed(4, A + ".2", What.CUT), id="the end was lost again"),
        pytest.param(5, A + ".1", Log(0, 9, A), Resumed(5, A + ".1", None), id="cut before, and all there since"),
        pytest.param(5, NO_ID, Log(0, 9, NO_ID), Resumed(5, NO_ID, None), id="no ids, all there"),
        pytest.param(5, NO_ID, Log(0, 4, NO_ID), Resumed(0, NO_ID + ".1", What.CUT), id="no ids, and it is shorter"),
        pytest.param(5, NO_ID, Log(0, 9, A), Resumed(5, NO_ID, None), id="the broker has learnt to give ids"),
        pytest.param(5, A, Log(2), Resumed(5, A, None), id="nobody asked what there is"),
    ],
)
def test_it_is_read_on_after_what_was_read_if_that_is_still_there(
    position: int | None, mark: str, log: Log, expected: Resumed
) -> None:
    assert resume(position, mark, log) == expected


def test_what_is_resumed_is_resumed_at_the_same_place_again() -> None:
    for log in (Log(0, 9, A), Log(7, 9, A), Log(0, 4, A), Log(0, 9, B), Log(0, 2, B), Log(0, UNKNOWN_END, "")):
        first = resume(5, A, log)
        assert resume(first.position, first.mark, log) == first._replace(found=None)


@pytest.mark.parametrize("what", What)
def test_every_loss_has_its_words(what: What) -> None:
    loss = Loss(what, "billing", 3, 100, 1334)
    note = notice(loss, at=AT, timezone="UTC")
    assert note.where == "billing/3"
    assert note.title == title(loss)
    assert "1334" in told(loss)
    assert note.advice.endswith(".")
    assert note.notice_id == notice(loss, at=AT + 1, timezone="UTC").notice_id, "the same thing happened"
    assert note.notice_id != notice(Loss(what, "billing", 3, 100, 1335), at=AT, timezone="UTC").notice_id


@pytest.mark.parametrize(
    ("start", "words"),
    [(101, "1 record of billing/3 (offset 100)"), (1334, "1234 records of billing/3 (offsets 100 to 1333)")],
)
def test_removed_records_are_counted(start: int, words: str) -> None:
    loss = Loss(What.REMOVED, "billing", 3, 100, start)
    assert told(loss).startswith(words)
    assert loss.count == start - 100
