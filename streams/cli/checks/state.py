"""Whether this program can read what is stored: an older one stops at what a newer one wrote."""

from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final

from aiokafka import TopicPartition

from schemas.alias_log import decode_alias_record
from schemas.errors import StateError, VersionError
from schemas.shuffle import decode_shuffle
from schemas.versions import refuse_newer
from streams.cli.checks.finding import Finding, Findings
from streams.cli.checks.records import late
from streams.cli.checks.rows import read_delivery, read_engagement
from streams.cli.checks.sample import SECONDS
from streams.cli.reading import last_records, reader
from streams.detection.state import VERSION
from streams.runtime import topics
from streams.runtime.parked_topic import Stored, by_partition
from streams.runtime.settings import Settings

_SAY: Final = Findings("state")
_RECORDS: Final = 50
"""Of each partition: the newest progress is among them, as every flush writes it."""
_BYTES: Final = 32 << 20


async def look(settings: Settings) -> list[Finding]:
    """What the newest rows and records of slackwater's own topics were written by. Raises `BrokerError`, and what a
    client raises."""
    counts = await topics.partition_counts(settings)
    changelog, deliveries = (topics.changelog(settings, each) for each in (topics.ENGAGEMENT, topics.DELIVERIES))
    decoders: dict[str, Callable[[Any], object]] = {
        changelog: lambda record: read_engagement(settings, record.key, record.value),
        deliveries: lambda record: read_delivery(record.key, record.value),
        settings.parked_topic: lambda record: by_partition(settings, _row_of(record), origins),
        settings.shuffle_topic: lambda record: decode_shuffle(record.value or b""),
        settings.alias_topic: lambda record: decode_alias_record(record.value or b""),
        settings.topic("alerts"): lambda record: refuse_newer(record.value or b"", "a transition"),
        settings.notifications_topic: lambda record: refuse_newer(record.value or b"", "a message"),
    }
    inputs = topics.input_names(settings)
    origins = {f"{name}/{number}" for name in inputs for number in range(counts.get(name, 0))}
    tables = (changelog, deliveries, settings.parked_topic)
    unread: set[TopicPartition] = set()
    found: list[Finding] = []
    rows = 0
    if not any(name in counts for name in decoders):  # a consumer that is stopped at once breaks off whoever waits
        return [_fine(rows, counts, changelog)]
    consumer = reader(settings, "check")
    await consumer.start()
    try:
        for name, decode in decoders.items():
            parts = [TopicPartition(name, number) for number in range(counts.get(name, 0))]
            problems: dict[tuple[int, object], tuple[StateError, str]] = {}
            async for record in last_records(consumer, parts, _RECORDS * len(parts), SECONDS, _BYTES, unread):
                rows += name == changelog
                # Of a row the last one counts: a bootstrap's mark is there until it is compacted away.
                row = (record.partition, record.key if name in tables else record.offset)
                problems.pop(row, None)
                if record.value is None and name in tables:
                    continue
                try:
                    decode(record)
                except StateError as error:
                    problems[row] = (error, f"{name}/{record.partition}/{record.offset}")
                except ValueError:  # damaged, or none of ours: a dead letter for the worker, and holds up nobody
                    continue
            found += _told(problems.values())
    finally:
        await consumer.stop()
    late_rows = sorted(tp.partition for tp in unread if tp.topic == changelog)
    if not rows and late_rows:
        found.append(late(_SAY, changelog, late_rows))
    elif not found:
        found.append(_fine(rows, counts, changelog))
    return found


def _row_of(record: Any) -> dict[bytes, Stored]:
    return {record.key or b"": Stored(record.offset, record.timestamp, record.value)}


def _told(problems: Iterable[tuple[StateError, str]]) -> Iterator[Finding]:
    first: dict[str, tuple[StateError, str]] = {}
    for error, place in problems:
        first.setdefault(str(error), (error, place))
    for text, (error, place) in first.items():
        if isinstance(error, VersionError):
            remedy = (
                'run the version of slackwater that wrote it, or a newer one; the way back is "Roll back" in '
                "deploy/README.md"
            )
        elif "bootstrap" in text:
            remedy = "run the same bootstrap again, or slackwater reset"
        else:
            remedy = "write it again as it was, from a copy of the topic; or slackwater reset, which begins anew"
        yield _SAY.failure(f"{text}: a worker does not start", remedy, place)


def _fine(rows: int, counts: dict[str, int], changelog: str) -> Finding:
    if changelog not in counts or not rows:
        return _SAY.ok("there is none yet: the first worker begins with the earliest records", version=VERSION)
    return _SAY.ok(f"what is stored can be read (this program writes version {VERSION} of it)", version=VERSION)
