"""What a reset will do, and what nobody can get back: pure, from what was found."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from schemas.instants import format_instant
from streams.runtime import topics
from streams.runtime.settings import Settings

Outputs = Literal["keep", "delete"]
Pending = Literal["keep", "drop"]


@dataclass(frozen=True, slots=True)
class Input:
    """An input topic as it is now. Times are milliseconds, of events where they can be read, else of their records."""

    topic: str
    records: int
    """At most: marks of transactions and places that were compacted away count, too."""
    removed: int
    """Records that there once were and that are gone, counted in the same way."""
    first_at: int | None = None
    last_at: int | None = None
    complete_from: int | None = None
    """When partitions have lost records: the time from which on all of them are there."""


@dataclass(frozen=True, slots=True)
class Found:
    """What there is before the reset."""

    members: tuple[str, ...]
    """Workers that are running."""
    inputs: tuple[Input, ...]
    accounts: int
    began_at: int | None
    """The first day of activity that the state knows of."""
    unreadable: int
    """Accounts whose state this version cannot read."""
    transitions: int
    pictures: int
    dead_letters: int
    pending: Mapping[str, int] = field(default_factory=dict)
    """Messages that wait, by route."""
    exactly_once: bool = True


class Step(NamedTuple):
    """What happens to a topic."""

    topic: str
    what: str
    detail: str


def steps(settings: Settings, found: Found, outputs: Outputs, pending: Pending) -> list[Step]:
    """What happens to each topic, in the order in which events go through them."""
    waiting = sum(found.pending.values())
    routes = ", ".join(f"{route} {count:,}" for route, count in sorted(found.pending.items()) if count)
    named = f"{waiting:,} messages that wait ({routes})" if waiting else "no message waits"
    again = [Step(each.topic, "read again from the earliest", _span(each)) for each in found.inputs]
    state = topics.changelog(settings, topics.ENGAGEMENT)
    wait = Step(topics.changelog(settings, topics.DELIVERIES), "kept", named)
    if pending == "drop":
        wait = Step(wait.topic, "dropped" if waiting else "nothing to drop", named)
    alerts, health, letters = (settings.topic(name) for name in ("alerts", "health", "dead_letters"))
    if outputs == "keep":
        ends = [
            Step(alerts, "kept", f"{found.transitions:,} transitions; the same ones follow again, with the same ids"),
            Step(health, "kept", f"{found.pictures:,} pictures; each is written anew once its account is reached"),
            Step(letters, "kept", f"{found.dead_letters:,} dead letters; what is refused again follows again"),
        ]
    else:
        ends = [
            Step(alerts, "emptied", f"{found.transitions:,} transitions"),
            Step(health, "emptied", f"{found.pictures:,} pictures"),
            Step(letters, "emptied", f"{found.dead_letters:,} dead letters"),
        ]
    return [
        *again,
        Step(settings.shuffle_topic, "read on from its end", "what is in it is passed over"),
        Step(settings.fleet_topic, "read on from its end", "what is in it is passed over"),
        Step(settings.alias_topic, "kept", "which ids stood for which accounts, and when"),
        Step(settings.parked_topic, "every row deleted", "what waits for its account is read again"),
        Step(state, "every row deleted", f"{found.accounts:,} accounts"),
        *ends,
        wait,
    ]


def warnings(settings: Settings, found: Found, outputs: Outputs) -> Iterator[str]:
    """What the person who resets should know."""
    for each in found.inputs:
        if each.removed and each.complete_from is not None:
            yield (
                f"{each.topic}: {each.removed:,} records are not there any more; it is whole from "
                f"{_day(each.complete_from)} on only"
            )
    starts = [each.complete_from for each in found.inputs if each.complete_from is not None]
    if starts and found.began_at is not None and found.began_at < max(starts):
        days = -(-(max(starts) - found.began_at) // 86_400_000)
        yield (
            f"the state knows accounts since {_day(found.began_at)}; the new one will lack history of before "
            f"{_day(max(starts))}: {days:,} days, which nothing brings back"
        )
    if found.unreadable:
        yield f"the state of {found.unreadable:,} accounts cannot be read by this version"
    if outputs == "keep":
        yield (
            f"{_retold(settings, found)}; alerts that the new state does not raise stay as "
            "they are on the topic (--outputs delete begins a new one)"
        )
    elif settings.clock == "events":
        yield "with SLACKWATER_CLOCK=events and --outputs delete every alert of the history is sent once more"
    if not found.exactly_once:
        yield "this broker has no transactions: when the reset is interrupted, run it again before a worker starts"


def _retold(settings: Settings, found: Found) -> str:
    """Who hears of the history once more."""
    if found.exactly_once:
        return "nobody is told again of what is of before this reset"
    # The embedded broker does not keep what is stored with a position.
    return "this broker cannot remember who was told: " + (
        "every alert of the history is sent once more"
        if settings.clock == "events"
        else "alerts of the last day are sent once more"
    )


def _span(each: Input) -> str:
    if not each.records:
        return "no records"
    span = ""
    if each.first_at is not None and each.last_at is not None:
        span = f", {_day(each.first_at)} to {_day(each.last_at)}"
    return f"{each.records:,} records{span}"


def _day(at: int) -> str:
    """The day of a time, in UTC."""
    return format_instant(at)[:10]
