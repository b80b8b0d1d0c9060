"""Dead letters, as records of their topic."""

from time import time

from schemas.codec import encode
from schemas.dead_letter import DeadLetter, RecordPlace, dead_letter_headers
from schemas.instants import EARLIEST, LATEST
from schemas.shuffle import input_of
from streams.detection.results import TurnedAway
from streams.runtime.writer import Record


def instant_of(timestamp: int | None) -> int:
    """A record's timestamp, which may be anything, as an instant; the present, where it is none."""
    return timestamp if timestamp is not None and EARLIEST <= timestamp <= LATEST else int(time() * 1000)


def dead_letter(topic: str, partitions: int, letter: DeadLetter) -> Record:
    """The record of a dead letter; those of one input partition stay in order."""
    partition = letter.origin.partition % partitions
    return Record(topic, partition, None, encode(letter), dead_letter_headers(letter))


def letter_of(each: TurnedAway, what: str) -> DeadLetter:
    """The dead letter of a `what` that its home turned away: the shuffle carries the event, and not the record's bytes
    and key."""
    topic, _, partition = input_of(each.origin).rpartition("/")
    return DeadLetter(
        reason=each.refusal.reason,
        field=each.refusal.field,
        detail=f"{each.refusal.detail}; raw is the {what} as it was understood, the record itself stands at its origin",
        origin=RecordPlace(topic=topic, partition=int(partition), offset=each.offset),
        at=each.at,
        raw=encode(each.body),
        key=None,
    )
