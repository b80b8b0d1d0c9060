"""Sorting by event time in bounded memory."""

import marshal
import tempfile
from collections.abc import Iterable, Iterator
from heapq import merge
from itertools import islice
from operator import itemgetter
from typing import IO

from schemas.events import InputTopic
from streams.produce.record import InputRecord

CHUNK = 200_000
_BLOCK = 1_000
_at = itemgetter(0)


def in_time_order(records: Iterable[InputRecord], chunk: int = CHUNK) -> Iterator[InputRecord]:
    """The records by time, those of the same time in the order given.

    All of them are read before the first one is given out, so a fault anywhere in a file shows before anything is sent.
    At most `chunk` records are held in memory; more than that are sorted in runs, in a temporary file.
    """
    source = iter(records)
    first = sorted(islice(source, chunk), key=_at)
    following = list(islice(source, chunk))
    if not following:
        yield from first
        return
    with tempfile.TemporaryFile(prefix="slackwater-sort-") as spool:
        runs = [_spool(spool, first)]
        del first
        while following:
            following.sort(key=_at)
            runs.append(_spool(spool, following))
            following = list(islice(source, chunk))
        yield from merge(*(_read(spool, run) for run in runs), key=_at)


def _spool(spool: IO[bytes], run: list[InputRecord]) -> list[tuple[int, int]]:
    """Write a sorted run in blocks; returns where each block starts and how long it is."""
    blocks = []
    for start in range(0, len(run), _BLOCK):
        data = marshal.dumps(
            [(at, str(topic), account, raw) for at, topic, account, raw in run[start : start + _BLOCK]]
        )
        blocks.append((spool.tell(), len(data)))
        spool.write(data)
    return blocks


def _read(spool: IO[bytes], blocks: list[tuple[int, int]]) -> Iterator[InputRecord]:
    for start, length in blocks:
        spool.seek(start)
        for at, topic, account, raw in marshal.loads(spool.read(length)):  # noqa: S302 - written above by this process
            yield InputRecord(at, InputTopic(topic), account, raw)
