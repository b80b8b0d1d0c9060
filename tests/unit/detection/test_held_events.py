"""What holding events back costs: a worker that has fallen behind holds many, and looks for its turn all the time."""

from collections import Counter

from schemas.events import InputTopic
from schemas.shuffle import ShuffleRecord, Usage
from streams.detection.merge import Merge

ORIGIN = "product-usage/0"
NOON = 1_740_000_000_000 // 3_600_000 * 3_600_000
MINUTE = 60_000
looks: Counter[int] = Counter()


class Watched(Usage):
    """Counts how often its place is looked at."""

    @property
    def effective_at(self) -> int:
        looks[self[1]] += 1
        return self[1]


def minute(number: int, clock: int) -> ShuffleRecord:
    """A record of a hundred events within one minute after noon."""
    first = number * 100
    places = [NOON + number * MINUTE + each for each in range(100)]
    events = tuple(
        Watched(first + each, place, "acct", place, "click", None, 1, "product", None)
        for each, place in enumerate(places)
    )
    return ShuffleRecord(InputTopic.USAGE, ORIGIN, first + 99, clock, False, events)


def test_events_whose_turn_is_far_are_not_looked_at_whenever_others_are_taken() -> None:
    looks.clear()
    merge = Merge(frozenset({ORIGIN}), live=True)
    for number in range(40):
        merge.receive(number, minute(number, NOON + number * MINUTE - 10 * MINUTE))
        taken = [event[1] for events, _ in merge.due(idle=True) for event in events]
        expected = range(NOON + (number - 11) * MINUTE, NOON + (number - 11) * MINUTE + 100) if number >= 11 else []
        assert taken == list(expected)
    assert len(merge) == 11 * 100
    assert max(looks.values()) <= 6, "an event is looked at when it is taken, and not at every turn before"
    assert all(place < NOON + 29 * MINUTE for place in looks), "an event was looked at whose turn is far"
