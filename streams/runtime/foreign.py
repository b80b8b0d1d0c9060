"""Records on the application's own topics that are none of its own: somebody else's, or damaged.

They must hold up nobody. Each is told in the log and on a metric, and kept as a dead letter.
"""

import logging
from typing import TYPE_CHECKING, Any, NamedTuple

from faust.types import TP

from schemas.dead_letter import DeadLetter, RecordPlace
from schemas.errors import Reason
from streams.runtime.letters import dead_letter, instant_of
from streams.runtime.writer import Record

if TYPE_CHECKING:
    from streams.runtime.task import Task

log = logging.getLogger(__name__)


class Held(NamedTuple):
    """A record of which no more is known."""

    offset: int
    value: bytes
    timestamp: int
    key: bytes | None = None


def foreign(task: "Task", record: Any, what: str, field: str | None = None, tp: TP | None = None) -> Record:
    """The dead letter of a record that is no `what`, which `task` has read, in its own partition or in another, and is
    to write."""
    tp = tp or task.tp
    log.error("offset %d of %s/%d is no %s", record.offset, *tp, what)
    letter = DeadLetter(
        reason=Reason.INVALID_FIELD,
        field=field,
        detail=f"is no {what}",
        origin=RecordPlace(topic=tp.topic, partition=tp.partition, offset=record.offset),
        at=instant_of(record.timestamp),
        raw=record.value,
        key=record.key,
    )
    task.metrics.dead_letters_total.labels(tp.topic, letter.reason.value).inc()
    return dead_letter(task.settings.topic("dead_letters"), task.tasks.dead_letter_partitions, letter)
