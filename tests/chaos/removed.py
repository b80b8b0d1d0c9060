"""Input records that are not there any more, and what comes of the load without those that nobody has read."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import orjson

from tests.chaos.load import Load, Logical

Read = Mapping[str, Counter[int]]
"""The offsets of each origin that are in the shuffle, and how often."""


@dataclass(frozen=True, slots=True)
class Removed:
    """Records of an input topic that were removed, be it with the topic."""

    topic: str
    id: str
    """The topic's, as it was then."""
    records: Mapping[tuple[str, int], bytes]
    """By partition (as the shuffle calls it) and offset; without markers."""
    positions: Mapping[str, int]
    """What had been read by then is below, at least."""

    def unread(self, read: Read) -> list[tuple[str, int]]:
        """Those that nobody has read. What had been read before has to be there."""
        none: Counter[int] = Counter()
        missing = [each for each in self.records if each[1] not in read.get(f"{each[0]}@{self.id}", none)]
        wrong = [(place, offset) for place, offset in missing if offset < self.positions.get(place, 0)]
        assert not wrong, f"read, and not in the shuffle: {wrong[:10]}"
        return missing


def left_of(load: Load, removed: Iterable[Removed], read: Read) -> list[Logical]:
    """The events of which a record was read. One that is sent several times may lose some of its records."""
    sent = Counter(step.value for step in load.steps if step.topic is not None)
    for each in removed:
        sent.subtract(each.records[place] for place in each.unread(read))
    return [event for event in load.events if sent[orjson.dumps(event[2])] > 0]
