"""Where a partition is read on: after what was read of it, if that is still there. What is not is a `Loss`."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final, NamedTuple

from streams.runtime.topic_ids import NO_ID

UNKNOWN_END: Final = 1 << 62


@dataclass(frozen=True, slots=True)
class Log:
    """A partition as it is there now."""

    first: int = 0
    end: int = UNKNOWN_END
    id: str = ""
    """Its topic's; empty where nobody asked."""
    least: int = 0
    """There is something to be read up to here, where `end` is not known."""


class What(StrEnum):
    """What happened to records that had not been read."""

    REMOVED = "removed"
    """They are no longer in the partition: retention, or somebody by hand."""
    REPLACED = "replaced"
    """The topic was deleted and created anew."""
    CUT = "cut"
    """The partition ends before what was read of it."""
    FORGOTTEN = "forgotten"
    """The changelog of the messages that wait is empty, though messages had been taken in."""


@dataclass(frozen=True, slots=True)
class Loss:
    """What is not there any more of a partition: it was read up to `read`, and is read on at `start`."""

    what: What
    topic: str
    partition: int
    read: int
    start: int

    @property
    def count(self) -> int:
        """Records that were lost, at most (a place that a transaction's mark has counts too); 0: nobody knows."""
        return self.start - self.read if self.what is What.REMOVED else 0


class Resumed(NamedTuple):
    """Where a partition is read on, and the mark of what is read there: its topic's id, and, behind a dot, how many
    times the partition was cut."""

    position: int
    mark: str
    found: What | None


def resume(position: int | None, mark: str, log: Log) -> Resumed:
    """Where to go on in a log that was read up to `position`, when its mark was `mark`; both as they were stored.

    No position: from the first record that there is. An empty mark: an older version, which noted none.
    """
    if position is None:
        return Resumed(log.first, mark or log.id, None)
    if not is_of(mark, log.id):
        return Resumed(log.first, log.id, What.REPLACED)
    mark = mark or log.id
    if position > log.end:
        # Without ids a topic that was created anew looks like this, and that is the likelier thing to happen.
        return Resumed(log.first if log.id == NO_ID else log.end, _next(mark), What.CUT)
    if position < log.first:
        return Resumed(log.first, mark, What.REMOVED)
    return Resumed(position, mark, None)


def is_of(mark: str, topic_id: str) -> bool:
    """Whether what has this mark can be of that topic.

    >>> is_of("Vb2m", "Vb2m"), is_of("Vb2m.1", "Vb2m"), is_of("Vb2m", "kG1c"), is_of("", "kG1c"), is_of("Vb2m", "-")
    (True, True, False, True, True)
    """
    known = mark.partition(".")[0]
    return known == topic_id or known in {"", NO_ID} or topic_id in {"", NO_ID}


def _next(mark: str) -> str:
    name, _, times = mark.partition(".")
    return f"{name}.{int(times or 0) + 1}"
