"""What the broker has in its files: who wrote each batch, and as which of his lives. No client tells that.

Kafka's record batch, version 2: https://kafka.apache.org/documentation/#recordbatch
"""

from collections.abc import Iterator
from pathlib import Path
from struct import Struct
from typing import Final, NamedTuple

_HEAD: Final = Struct(">qiibIhiqqqhii")
_LENGTH_AT: Final = 12
"""A batch's length counts from here."""
_TRANSACTIONAL: Final = 0x10
_CONTROL: Final = 0x20


class Written(NamedTuple):
    """A batch."""

    first: int
    last: int
    producer: int
    epoch: int
    transactional: bool
    control: bool


def batches(partition: Path) -> Iterator[Written]:
    """The batches of a partition's directory, in order."""
    for segment in sorted(partition.glob("*.log")):
        data, at = segment.read_bytes(), 0
        while at + _HEAD.size <= len(data):
            first, length, _, magic, _, attributes, delta, _, _, producer, epoch, _, _ = _HEAD.unpack_from(data, at)
            if not length:
                break  # a file is longer than what is in it
            assert magic == 2, f"{segment}: a batch of version {magic}"
            control = bool(attributes & _CONTROL)
            yield Written(first, first + delta, producer, epoch, bool(attributes & _TRANSACTIONAL), control)
            at += _LENGTH_AT + length


def zombies(partition: Path) -> list[str]:
    """What somebody wrote after his next life had begun, or outside a transaction; and holes between batches."""
    epochs: dict[int, int] = {}
    found, expected = [], None
    for batch in batches(partition):
        if not batch.transactional:
            found.append(f"{partition.name}: outside a transaction: {batch}")
        if batch.epoch < epochs.get(batch.producer, -1):
            found.append(f"{partition.name}: {batch} after epoch {epochs[batch.producer]}")
        if expected is not None and batch.first != expected:
            found.append(f"{partition.name}: {batch} where {expected} was due")
        epochs[batch.producer] = max(batch.epoch, epochs.get(batch.producer, -1))
        expected = batch.last + 1
    return found
