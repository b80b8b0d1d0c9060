"""Files to items that can be sorted, and sent from one process to another."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final, Self

from schemas.codec import decode, encode
from schemas.errors import Reason, Rejected
from schemas.events import InputEvent, InputTopic, moment
from schemas.formats.outcome import Ignored
from schemas.instants import LATEST
from schemas.plain_usage import UsageFields, fields_of, read_plainly
from schemas.usage import UsageEvent
from streams.backtest.identities import Identities
from streams.produce import Format, Source
from streams.produce.csv_files import OPEN_END
from streams.produce.errors import BadRow
from streams.produce.json_files import Named
from streams.produce.lines import read_events, read_lines
from streams.produce.ordering import Item
from streams.produce.sources import read_table
from streams.produce.text import Span, spans_of

TOPICS: Final = tuple(InputTopic)
USAGE: Final = TOPICS.index(InputTopic.USAGE)
_SAY_WHOSE: Final = {InputTopic.ACCOUNTS, InputTopic.COMMANDS}
"""An account update says itself which ids are its account's; a command waits for nobody."""
PART: Final = 8 << 20
"""Bytes of a file that are read at a time."""
SHOWN: Final = 10
"""Bad rows that are told word for word."""


@dataclass(slots=True)
class Reading:
    """What was read. Times in milliseconds; None: nothing at all."""

    rows: Counter[str] = field(default_factory=Counter)
    """Usable rows, by topic."""
    bad: int = 0
    examples: list[str] = field(default_factory=list)
    """The first bad rows: file, line, column, what is wrong and what is allowed."""
    ignored: Counter[str] = field(default_factory=Counter)
    """Records of a foreign format that say nothing here, by reason."""
    later: int = 0
    """Usable rows that were left out as they lie at or after the end that was asked for."""
    first_at: int | None = None
    last_at: int | None = None
    torn: bool = False
    """A part ended amid a row: the file is to be read as a whole."""
    named: Named = field(default_factory=Named)
    """Whether a table of JSON lines has the users' field: of one part, as different files do not add up."""

    @property
    def total(self) -> int:
        """Usable rows, those left out not among them."""
        return self.rows.total()

    def turn_away(self, row: BadRow) -> None:
        """Count a row that is not usable."""
        self.bad += 1
        if len(self.examples) < SHOWN:
            self.examples.append(str(row))

    def __iadd__(self, other: Self) -> Self:
        """What was read next."""
        self.rows += other.rows
        self.bad += other.bad
        self.examples = [*self.examples, *other.examples][:SHOWN]
        self.ignored += other.ignored
        self.later += other.later
        self.torn |= other.torn
        firsts = [each for each in (self.first_at, other.first_at) if each is not None]
        lasts = [each for each in (self.last_at, other.last_at) if each is not None]
        self.first_at, self.last_at = min(firsts, default=None), max(lasts, default=None)
        return self


@dataclass(frozen=True, slots=True)
class Part:
    """A file, or a part of it, to be read by itself."""

    source: Source
    span: Span | None = None
    last: bool = True
    """Of its file."""


def parts_of(sources: Sequence[Source], size: int = PART) -> list[Part]:
    """The files in parts of about `size` bytes, in the files' order. A file whose rows are looked at together, since
    the first of each id counts, is one part; so is one that is packed, and a Parquet file. Raises InputError for one
    that cannot be read."""
    parts: list[Part] = []
    for source in sources:
        form = source.resolved_format()
        spans: list[Span] = []
        if form is not Format.PARQUET and not (form.is_table and source.columns.id):
            spans = spans_of(source.path, size, quoted=form is Format.CSV)
        parts += [Part(source, span, span is spans[-1]) for span in spans] or [Part(source)]
    return parts


def read_items(part: Part, until: int | None, reading: Reading, ids: Identities | None = None) -> Iterator[Item]:
    """All usable rows, in the file's order: of a usage event
    `(at, USAGE, account, event, user, quantity, source, event_id)`, of any other `(at, topic, account, value)`, the
    topic an index of `TOPICS`. What is at or after `until` (ms) is left out, and so is what is nobody's by `ids`.
    `reading` is whole when all rows are read. Raises InputError for a file that cannot be read at all.
    """
    first_at, last_at = LATEST + 1, -1
    topic = TOPICS.index(part.source.topic)
    named = ids if ids and part.source.topic not in _SAY_WHOSE else None
    usable = 0
    try:
        for row in _rows(part, topic, reading.named):
            if isinstance(row, BadRow):
                reading.torn |= row.detail == OPEN_END and not part.last
                reading.turn_away(row)
                continue
            if isinstance(row, Ignored):
                reading.ignored[row.value] += 1
                continue
            at = row[0]
            if until is not None and at >= until:
                reading.later += 1
                continue
            if named is not None and (account := named.account_of(row[2])) != row[2]:
                if account is None:
                    reading.ignored[Reason.UNKNOWN_ACCOUNT.value] += 1
                    continue
                row = _renamed(row, account)  # noqa: PLW2901
            usable += 1
            first_at = min(first_at, at)
            if at > last_at:  # noqa: PLR1730 - twice as fast as max, and it is done for every row
                last_at = at
            yield row
    finally:
        reading.rows[part.source.topic.value] += usable
        if last_at >= 0:
            reading.first_at, reading.last_at = first_at, last_at


def _rows(part: Part, topic: int, named: Named) -> Iterator[Item | BadRow | Ignored]:
    source = part.source
    form = source.resolved_format()
    if form.is_table:
        for row in read_table(source, part.span, named):
            yield row if isinstance(row, BadRow) else usage_item(*row)
        return
    plainly = topic == USAGE and form in (Format.NATIVE, Format.AUTO)
    for number, raw in read_lines(source.path, part.span):
        plain = read_plainly(raw) if plainly else None
        if plain is not None:
            yield usage_item(*plain)
            continue
        events = read_events(source.path, number, source.topic, raw, form.of_records, source.lookup)
        if isinstance(events, BadRow | Ignored):
            yield events
            continue
        for event in events:
            if isinstance(event, UsageEvent):
                yield usage_item(*fields_of(event))
            else:
                yield (moment(event), topic, event.account_id, encode(event))


def usage_item(
    account: str, at: int, event: str, user: str | None, quantity: int, source: str, event_id: str | None
) -> Item:
    """The item of a usage event."""
    return (at, USAGE, account, event, user, quantity, source, event_id)


def _renamed(item: Item, account: str) -> Item:
    if item[1] == USAGE:
        return (*item[:2], account, *item[3:])
    return (*item[:2], account, encode(event_of(item).model_copy(update={"account_id": account})))


def event_of(item: Item) -> InputEvent:
    """The event that an item was made of."""
    if item[1] == USAGE:
        account, at, event, user, quantity, source, event_id = fields_of_item(item)
        usage: UsageEvent = _usage(
            {
                "account_id": account,
                "event": event,
                "occurred_at": at,
                "event_id": event_id,
                "user_id": user,
                "quantity": quantity,
                "source": source,
            }
        )
        return usage
    read = decode(TOPICS[item[1]], item[3])
    assert not isinstance(read, Rejected)
    return read


def fields_of_item(item: Item) -> UsageFields:
    """The usage event that an item was made of."""
    at, _, account, *rest = item
    return UsageFields(account, at, *rest)


_usage: Final = UsageEvent.__pydantic_validator__.validate_python
