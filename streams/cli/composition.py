"""What the usage topic is made of: the last records, looked at for what is perhaps no usage."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from operator import attrgetter
from typing import Any

from alerting.markup import clean
from alerting.words import count
from schemas.instants import format_instant
from schemas.plain_usage import UsageFields
from streams.backtest.events import EventShare, EventTally, UserShare, suggestions
from streams.backtest.reading import usage_item
from streams.backtest.repeats import Repeats, told_of_repeats
from streams.runtime.settings import Settings


@dataclass(frozen=True, slots=True)
class Composition:
    """What a sample of the usage topic holds. Times in milliseconds."""

    events: list[EventShare]
    programs: list[UserShare]
    """Users who are perhaps programs; empty where user ids are hashed."""
    total: int
    counted: int
    """Those that no setting leaves out."""
    repeated: int
    """Those that count and are like another, without an id that would tell them apart."""
    first_at: int | None
    last_at: int | None

    def as_json(self) -> dict[str, Any]:
        """Plain values."""
        return {
            "events": [asdict(each) for each in self.events],
            "perhaps_programs": [asdict(each) for each in self.programs],
            "total": self.total,
            "counted": self.counted,
            "repeated": self.repeated,
            "first_at": None if self.first_at is None else format_instant(self.first_at),
            "last_at": None if self.last_at is None else format_instant(self.last_at),
        }


def composition(settings: Settings, fields: Sequence[UsageFields], most: int) -> Composition:
    """What these usage events come to: the `most` last ones of them."""
    last = sorted(fields, key=attrgetter("at"))[-most:]  # the embedded broker's offsets are those of batches
    rule = settings.usage_rule()
    tally, repeats = EventTally(rule), Repeats()
    for each in last:
        tally.add(each.event, each.account, each.user, each.at)
    counted = [each for each in last if rule.excludes(each.event, each.user) is None]
    repeats.take(usage_item(*each) for each in counted)
    return Composition(
        tally.shares(),
        [] if settings.user_hash_key else tally.programs(),  # then no id is to be seen
        len(last),
        len(counted),
        repeats.count,
        last[0].at if last else None,
        last[-1].at if last else None,
    )


def show(found: Composition, topic: str) -> None:
    """Write it to stdout, for people."""
    from rich.console import Console  # noqa: PLC0415 - slow to import
    from rich.table import Table  # noqa: PLC0415

    console = Console(highlight=False, soft_wrap=True)
    if found.first_at is None or found.last_at is None:
        console.print(f"usage:    no events in {topic} yet", markup=False)
        return
    span = f"{format_instant(found.first_at)} to {format_instant(found.last_at)}"
    console.print(f"usage:    the last {count(found.total, 'event')} of {topic}, {span}", markup=False)
    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
    for name in ("  event", "share", "users", "accounts", "regular", "at night", ""):
        table.add_column(name, justify="left" if name in {"  event", ""} else "right", no_wrap=True)
    for each in found.events:
        shares = [each.share, each.regularity, each.night]
        share, regular, night = ("" if value is None else f"{value:.0%}" for value in shares)
        by = f"left out by {each.excluded}" if each.excluded else "see below" if each.suggestion else ""
        table.add_row(f"  {clean(each.name)}", share, f"{each.users:,}", f"{each.accounts:,}", regular, night, by)
    if not console.is_terminal:
        console.width = 1_000  # for a program or a file nothing is cut off
    console.print(table, markup=False)
    for doubt in suggestions(found.events, found.programs):
        console.print(f"  perhaps no usage: {doubt}", markup=False)
    repeated = told_of_repeats(found.repeated, found.counted, "an event_id that stays the same")
    if repeated:
        console.print(f"  perhaps counted twice: {repeated}", markup=False)
