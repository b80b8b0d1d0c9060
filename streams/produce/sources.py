"""Files to records in order of event time: the one door for every format."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from heapq import merge
from operator import attrgetter
from pathlib import Path
from zoneinfo import ZoneInfo

from schemas.events import InputTopic, moment
from schemas.plain_usage import UsageFields
from streams.produce.columns import Columns, usage_value
from streams.produce.csv_files import read_csv
from streams.produce.errors import BadRow, InputError
from streams.produce.lines import read_event, read_lines
from streams.produce.ordering import CHUNK, in_time_order
from streams.produce.record import InputRecord
from streams.produce.text import Span

_UTC = ZoneInfo("UTC")


class Format(StrEnum):
    """How a file is written."""

    NATIVE = "native"
    CSV = "csv"
    PARQUET = "parquet"


_SUFFIXES = {
    ".jsonl": Format.NATIVE,
    ".ndjson": Format.NATIVE,
    ".json": Format.NATIVE,
    ".csv": Format.CSV,
    ".tsv": Format.CSV,
    ".parquet": Format.PARQUET,
    ".pq": Format.PARQUET,
}


@dataclass(frozen=True, slots=True)
class Source:
    """A file and how to read it. `format` None: by the name's ending. `zone` is that of times without an offset.

    Tables (CSV, Parquet) hold usage events; every topic can be given as JSON lines of native events.
    """

    path: Path
    topic: InputTopic = InputTopic.USAGE
    format: Format | None = None
    columns: Columns = field(default_factory=Columns)
    zone: ZoneInfo = _UTC

    def resolved_format(self) -> Format:
        """The format given or guessed. Raises InputError when it cannot be told, or does not go with the topic."""
        endings = [ending for ending in self.path.suffixes if ending != ".gz"]
        form = self.format or _SUFFIXES.get(endings[-1].lower() if endings else "")
        if form is None:
            raise InputError(f"{self.path}: the name does not tell the format; say --format native, csv or parquet")
        if form is not Format.NATIVE and self.topic is not InputTopic.USAGE:
            raise InputError(f"{self.path}: {form} files hold usage events; give {self.topic} as JSON lines (native)")
        return form


def read_table(source: Source, span: Span | None = None) -> Iterator[UsageFields | BadRow]:
    """A table's usage events in the file's order, each checked; with `span` those of a part of a CSV file. Raises
    InputError when it is no such table."""
    if source.resolved_format() is Format.CSV:
        return read_csv(source.path, source.columns, source.zone, span)
    try:
        from streams.produce.parquet_files import read_parquet  # noqa: PLC0415 - needs an extra
    except ImportError:
        text = f"{source.path}: reading Parquet needs pyarrow: pip install 'slackwater[backtest]'"
        raise InputError(text) from None
    return read_parquet(source.path, source.columns, source.zone)


def read(source: Source) -> Iterator[InputRecord]:
    """A file's records in the file's order, each checked. Raises InputError at the first that is not usable."""
    if source.resolved_format() is Format.NATIVE:
        for number, raw in read_lines(source.path):
            event = read_event(source.path, number, source.topic, raw)
            if isinstance(event, BadRow):
                raise InputError(str(event))
            yield InputRecord(moment(event), source.topic, event.account_id, raw)
    else:
        for fields in read_table(source):
            if isinstance(fields, BadRow):
                raise InputError(str(fields))
            yield InputRecord(fields.at, InputTopic.USAGE, fields.account, usage_value(fields))


def read_in_time_order(sources: Sequence[Source], chunk: int = CHUNK) -> Iterator[InputRecord]:
    """All files' records by event time; at the same time, those of the file named first come first.

    Every file is read to its end before the first record is given out. Raises InputError as `read` does.
    """
    if len(sources) == 1:
        return in_time_order(read(sources[0]), chunk)
    return merge(*(in_time_order(read(source), chunk) for source in sources), key=attrgetter("at"))
