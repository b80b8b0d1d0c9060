"""Files to records in order of event time: the one door for every format."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from heapq import merge
from operator import attrgetter
from pathlib import Path
from zoneinfo import ZoneInfo

from schemas.codec import encode
from schemas.events import InputTopic, moment
from schemas.formats import options, reader
from schemas.formats.options import Lookup
from schemas.formats.outcome import Ignored
from schemas.formats.reader import FORMATS
from schemas.plain_usage import UsageFields
from streams.produce.columns import Columns, usage_value
from streams.produce.csv_files import read_csv
from streams.produce.errors import BadRow, InputError
from streams.produce.json_files import Named, read_json
from streams.produce.lines import read_events, read_lines
from streams.produce.ordering import CHUNK, in_time_order
from streams.produce.record import InputRecord
from streams.produce.text import PACKED, Span

_UTC = ZoneInfo("UTC")


class Format(StrEnum):
    """How a file is written: a table, or JSON lines of records of a format. Of `jsonl` the objects are a table's rows,
    with names of a company's own."""

    NATIVE = "native"
    CSV = "csv"
    PARQUET = "parquet"
    JSONL = "jsonl"
    SEGMENT = "segment"
    STRIPE = "stripe"
    CLOUDEVENTS = "cloudevents"
    AUTO = "auto"

    @property
    def is_table(self) -> bool:
        """Rows and columns; all others are JSON lines of records."""
        return self in (Format.CSV, Format.PARQUET, Format.JSONL)

    @property
    def of_records(self) -> options.Format:
        """That of a line; what a table's rows become is native."""
        return options.Format.NATIVE if self.is_table else options.Format(self.value)


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
    """A file and how to read it. `format` None: by the name's ending, and JSON lines are a table when `columns` names
    any. `zone` is that of times without an offset.

    Tables hold usage events; every topic can be given as JSON lines. `sent_as` is how the topic's
    records are to be written.
    """

    path: Path
    topic: InputTopic = InputTopic.USAGE
    format: Format | None = None
    columns: Columns = field(default_factory=Columns)
    zone: ZoneInfo = _UTC
    lookup: Lookup = field(default_factory=Lookup)
    sent_as: options.Format = options.Format.NATIVE

    def resolved_format(self) -> Format:
        """The format given or guessed. Raises InputError when it cannot be told, or does not go with the topic."""
        endings = [ending for ending in self.path.suffixes if ending not in PACKED]
        form = self.format or _SUFFIXES.get(endings[-1].lower() if endings else "")
        if form is None:
            known = ", ".join(Format)
            raise InputError(f"{self.path}: the name does not tell the format; say --format, one of {known}")
        if self.columns != Columns() and not form.is_table:
            if self.format is not None:
                tables = ", ".join(each for each in Format if each.is_table)
                raise InputError(f"{self.path}: {form} records have names of their own; columns are those of {tables}")
            form = Format.JSONL
        if form.is_table and self.topic is not InputTopic.USAGE:
            raise InputError(f"{self.path}: {form} files hold usage events; give {self.topic} as JSON lines (native)")
        if form.of_records not in FORMATS[self.topic]:
            allowed = ", ".join(FORMATS[self.topic])
            raise InputError(f"{self.path}: {form} records say nothing of {self.topic}; there it may be {allowed}")
        return form

    @property
    def as_they_are(self) -> bool:
        """Whether the file's records are sent as they stand in it, and not as native events. Raises InputError where
        the topic takes neither."""
        form = self.resolved_format()
        if not form.is_table and self.sent_as in (form.of_records, options.Format.AUTO):
            return True
        if self.sent_as in (options.Format.NATIVE, options.Format.AUTO):
            return False
        raise InputError(
            f"{self.path}: format_{self.topic}={self.sent_as}: the topic takes no other records, and these are {form}"
        )


def read_table(source: Source, span: Span | None = None, named: Named | None = None) -> Iterator[UsageFields | BadRow]:
    """A table's usage events in the file's order, each checked; with `span` those of a part of it. Raises
    InputError when it is no such table; what lines of JSON may leave out goes by `named`, see `read_json`."""
    form = source.resolved_format()
    if form is Format.CSV:
        return read_csv(source.path, source.columns, source.zone, span)
    if form is Format.JSONL:
        return read_json(source.path, source.columns, source.zone, span, named)
    try:
        from streams.produce.parquet_files import read_parquet  # noqa: PLC0415 - needs an extra
    except ImportError:
        text = f"{source.path}: reading Parquet needs pyarrow: pip install 'slackwater[backtest]'"
        raise InputError(text) from None
    return read_parquet(source.path, source.columns, source.zone)


def read(source: Source, ignored: Counter[str] | None = None) -> Iterator[InputRecord]:
    """A file's records in the file's order, each checked. Those that say nothing are counted in `ignored`, by reason.
    Raises InputError at the first that is not usable."""
    form, as_they_are = source.resolved_format(), source.as_they_are
    if form.is_table:
        for fields in read_table(source):
            if isinstance(fields, BadRow):
                raise InputError(str(fields))
            yield InputRecord(fields.at, InputTopic.USAGE, fields.account, usage_value(fields))
        return
    for number, raw in read_lines(source.path):
        events = read_events(source.path, number, source.topic, raw, form.of_records, source.lookup)
        if isinstance(events, BadRow):
            raise InputError(str(events))
        if isinstance(events, Ignored):
            if ignored is not None:
                ignored[events.value] += 1
        elif as_they_are or events == reader.read(source.topic, options.Format.NATIVE, raw):
            yield InputRecord(moment(events[0]), source.topic, events[0].account_id, raw)
        else:
            for event in events:
                yield InputRecord(moment(event), source.topic, event.account_id, encode(event))


def read_in_time_order(
    sources: Sequence[Source], chunk: int = CHUNK, ignored: Counter[str] | None = None
) -> Iterator[InputRecord]:
    """All files' records by event time; at the same time, those of the file named first come first. `ignored` as in
    `read`.

    Every file is read to its end before the first record is given out. Raises InputError as `read` does.
    """
    if len(sources) == 1:
        return in_time_order(read(sources[0], ignored), chunk)
    return merge(*(in_time_order(read(source, ignored), chunk) for source in sources), key=attrgetter("at"))
