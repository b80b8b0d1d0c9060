"""Whether this program can read what is stored: an older one stops at what a newer one wrote."""

from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final

from aiokafka import AIOKafkaConsumer, TopicPartition

from schemas.alias_log import decode_alias_record
from schemas.errors import StateError
from schemas.shuffle import decode_shuffle
from streams.cli.checks.finding import Finding, Findings
from streams.cli.reading import last_records
from streams.detection.fleet_log import FleetLog
from streams.detection.merge import Progress
from streams.detection.state import VERSION, head_of
from streams.runtime import topics
from streams.runtime.engagement import BOOTSTRAP, FLEET, PROGRESS, is_account
from streams.runtime.settings import Settings

_SAY: Final = Findings("state")
_RECORDS: Final = 50
"""Of each partition: the newest progress is among them, as every flush writes it."""
_SECONDS: Final = 6.0
_BYTES: Final = 32 << 20


async def look(settings: Settings) -> list[Finding]:
    """What the newest rows and records of slackwater's own topics were written by. Raises `BrokerError`, and what a
    client raises."""
    counts = await topics.partition_counts(settings)
    changelog = topics.changelog(settings, topics.ENGAGEMENT)
    decoders: dict[str, Callable[[Any], None]] = {
        changelog: lambda record: _row(settings, record.key, record.value),
        settings.shuffle_topic: lambda record: _ours(decode_shuffle, record.value),
        settings.alias_topic: lambda record: _ours(decode_alias_record, record.value),
    }
    found: list[Finding] = []
    rows = 0
    if not any(name in counts for name in decoders):  # a consumer that is stopped at once breaks off whoever waits
        return [_fine(rows, counts, changelog)]
    consumer = AIOKafkaConsumer(**settings.kafka(), isolation_level="read_committed", client_id="slackwater-check")
    await consumer.start()
    try:
        for name, decode in decoders.items():
            parts = [TopicPartition(name, number) for number in range(counts.get(name, 0))]
            problems: dict[tuple[int, object], tuple[str, str]] = {}
            async for record in last_records(consumer, parts, _RECORDS * len(parts), _SECONDS, _BYTES):
                rows += name == changelog
                # Of a row the last one counts: a bootstrap's mark is there until it is compacted away.
                row = (record.partition, record.key if name == changelog else record.offset)
                problems.pop(row, None)
                try:
                    decode(record)
                except StateError as error:
                    problems[row] = (str(error), f"{name}/{record.partition}/{record.offset}")
            found += _told(problems.values())
    finally:
        await consumer.stop()
    if not found:
        found.append(_fine(rows, counts, changelog))
    return found


def _row(settings: Settings, key: bytes | None, value: bytes | None) -> None:
    """Read a row of the changelog as a worker does that starts. Raises `StateError`."""
    if value is None:
        return
    if key == PROGRESS:
        Progress.decode(value)
    elif key == FLEET:
        FleetLog(settings.detection(), settings.partitions, value)
    elif key == BOOTSTRAP:
        raise StateError("a bootstrap was begun and is not done")
    elif is_account(key):
        head_of(value)


def _ours(decode: Callable[[bytes], object], value: bytes | None) -> None:
    """Raises `StateError`; what is none of ours at all is a dead letter for the worker, and holds up nobody."""
    try:
        decode(value or b"")
    except StateError:
        raise
    except ValueError:
        return


def _told(problems: Iterable[tuple[str, str]]) -> Iterator[Finding]:
    first: dict[str, str] = {}
    for text, place in problems:
        first.setdefault(text, place)
    for text, place in first.items():
        remedy = (
            "run the same bootstrap again, or slackwater reset"
            if "bootstrap" in text
            else "run the version of slackwater that wrote it, or a newer one; or slackwater reset, which begins anew"
        )
        yield _SAY.failure(f"{text}: a worker does not start", remedy, place)


def _fine(rows: int, counts: dict[str, int], changelog: str) -> Finding:
    if changelog not in counts or not rows:
        return _SAY.ok("there is none yet: the first worker begins with the earliest records", version=VERSION)
    return _SAY.ok(f"what is stored can be read (this program writes version {VERSION} of it)", version=VERSION)
