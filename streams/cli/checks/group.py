"""The consumer group: who is in it, and how much it has still to read."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from aiokafka import TopicPartition

from alerting.words import count
from streams.cli.checks.finding import Finding, Findings
from streams.cli.reading import ends_of, reader
from streams.runtime import group, topics
from streams.runtime.settings import Settings

_SAY: Final = Findings("group")
_SHOWN: Final = 5

Offsets = Mapping[TopicPartition, int]


async def look(settings: Settings) -> list[Finding]:
    """Members, and lag by partition. Raises `BrokerError`, and what a client raises."""
    members = await group.members(settings)
    counts = await topics.partition_counts(settings)
    names = [*topics.input_names(settings), settings.shuffle_topic, settings.notifications_topic]
    parts = [TopicPartition(name, number) for name in names for number in range(counts.get(name, 0))]
    if not parts:
        return list(_who(settings, members, parts, 0))
    committed = await group.committed(settings, parts)
    consumer = reader(settings, "check")
    await consumer.start()
    try:
        first, ends = await consumer.beginning_offsets(parts), await consumer.end_offsets(parts)
        ends |= await ends_of(consumer, [part for part, at in committed.items() if at > ends[part]])
    finally:
        await consumer.stop()
    lag = {part: max(0, ends[part] - max(at, first[part])) for part, at in committed.items() if at >= 0}
    return [
        *_who(settings, members, parts, sum(lag.values())),
        *_lag(settings, lag),
        *_out_of_reach(settings, committed, first, ends),
    ]


def _who(settings: Settings, members: tuple[str, ...], parts: list[TopicPartition], waiting: int) -> Iterator[Finding]:
    name, values = settings.app_id, {"members": list(members)}
    if members:
        text = f"{count(len(members), 'worker')}: {', '.join(each.rpartition(' (')[0] for each in members)}"
        most = max((each.partition + 1 for each in parts), default=0)
        if most and len(members) > most:
            text = f"{len(members)} workers, and no topic has more than {count(most, 'partition')}"
            yield _SAY.warning(f"{text}: some have nothing to do", "stop those that are too many", name, **values)
        else:
            yield _SAY.ok(text, name, **values)
    elif waiting:
        yield _SAY.warning(f"no worker runs, and {count(waiting, 'record')} wait", "start one", name, **values)
    else:
        yield _SAY.ok("no worker runs", name, **values)


def _lag(settings: Settings, lag: Mapping[TopicPartition, int]) -> Iterator[Finding]:
    if not lag:
        yield _SAY.ok("has read nothing yet: a worker begins with the earliest records", settings.app_id)
        return
    behind = sorted(((n, each) for each, n in lag.items() if n), key=lambda pair: (-pair[0], pair[1]))
    values: dict[str, Any] = {"lag": {f"{each.topic}/{each.partition}": n for n, each in behind}}
    if not behind:
        yield _SAY.ok("everything is read", settings.app_id, **values)
        return
    worst = ", ".join(f"{each.topic}/{each.partition}: {n:,}" for n, each in behind[:_SHOWN])
    more = f", and {len(behind) - _SHOWN} more" if len(behind) > _SHOWN else ""
    total = count(sum(lag.values()), "record")
    yield _SAY.ok(f"{total} to read (marks of transactions included): {worst}{more}", settings.app_id, **values)


def _out_of_reach(settings: Settings, committed: Offsets, first: Offsets, ends: Offsets) -> Iterator[Finding]:
    inputs = topics.input_names(settings)
    for part, at in committed.items():
        place = f"{part.topic}/{part.partition}"
        if at < 0:
            read_before = any(other.topic == part.topic and there >= 0 for other, there in committed.items())
            if read_before and part.topic in inputs:
                text = "was never read, though other partitions were: it is new"
                yield _SAY.ok(f"{text}, and is read from its start", place)
        elif at < first[part]:
            gone = count(first[part] - at, "record")
            text = f"{gone} were removed before a worker had read them: those events are lost"
            yield _SAY.warning(
                text, "keep records for longer than workers may stand still", place, removed=first[part] - at
            )
        elif at > ends[part]:
            text = f"the group has read up to {at:,}, and the topic ends at {ends[part]:,}: it was created anew"
            yield _SAY.warning(text, "a worker reads it from its start, and tells so", place)
