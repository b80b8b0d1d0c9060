"""A record of the application's own topics that is damaged is refused, or is read; nothing else ends a task."""

from __future__ import annotations

from random import Random
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from schemas.alias_log import AliasRecord, Statement, decode_alias_record, encode_alias_record
from schemas.errors import StateError
from schemas.events import InputTopic
from schemas.shuffle import Fact, ShuffleRecord, Usage, decode_shuffle, encode_shuffle
from streams.detection.aliases import Aliases
from streams.detection.config import DetectionConfig
from streams.detection.day_sums import DaySums
from streams.detection.fleet_log import FleetLog, cut, offer, quarter
from streams.detection.merge import Merge
from tests.corpus import strategies
from tests.fuzz.mutation import Mutator

AT = 1_740_830_400_000
PLACE = "product-usage/0"
SEEDS = st.integers(0, 2**32)
OFFERS = [cut(20_000), offer(0, 20_000, None), offer(0, 20_000, DaySums()), quarter(1, 5, {-1: 3, 2: 1})]


@given(seed=SEEDS, data=st.data())
def test_of_the_shuffle(seed: int, data: st.DataObject) -> None:
    topic = data.draw(st.sampled_from(InputTopic))
    events: tuple[Any, ...] = (Usage(3, AT, "acme", AT, "login", 7, 1, "app", None),)
    if topic is not InputTopic.USAGE:
        events = (Fact(3, AT, "acme", AT, data.draw(strategies.events(topic)), None),)
    raw = Mutator(Random(seed)).damaged(encode_shuffle(ShuffleRecord(topic, PLACE, 3, AT, True, events)))
    try:
        record = decode_shuffle(raw)
    except (ValueError, StateError):
        return
    merge = Merge(frozenset({PLACE}), live=True)
    merge.receive(0, record)
    assert sum(len(some) for some, _ in merge.due(idle=True)) <= len(record.events)
    assert merge.progress().encode()


@given(SEEDS)
def test_of_aliases(seed: int) -> None:
    record = AliasRecord(
        "accounts/0", 3, AT, True, (Statement(3, AT, "acme", AT, ("a", "b")), Statement(2, 5, "a", 7, None))
    )
    raw = Mutator(Random(seed)).damaged(encode_alias_record(record))
    try:
        read = decode_alias_record(raw)
    except (ValueError, StateError):
        return
    known = Aliases(frozenset({"accounts/0"}), live=True)
    known.take(record)
    known.take(read)
    assert known.count >= 0


@given(seed=SEEDS, base=st.sampled_from(OFFERS), whole=st.booleans())
def test_of_the_fleet(seed: int, base: bytes, whole: bool) -> None:
    mutator, log = Mutator(Random(seed)), FleetLog(DetectionConfig(), 2)
    changed = b"fleet[2," + mutator.damaged(base[8:]) if whole else mutator.damaged(base)
    for offset, record in enumerate((offer(1, 20_000, None), changed, offer(0, 20_000, DaySums()), cut(20_000))):
        try:
            log.take(offset, record)
        except StateError:
            assert offset == 1
            return
    assert log.decided >= 20_000 or log.left_out == 0
    assert log.encode()
