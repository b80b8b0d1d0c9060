"""What has to be true when a story is over."""

from collections import Counter, defaultdict
from collections.abc import Mapping
from typing import Final

from schemas.events import InputTopic
from schemas.shuffle import decode_shuffle, place_of
from streams.cli.reading import read_all
from streams.detection.engine import Engine
from streams.detection.merge import Progress
from streams.detection.state import Account
from streams.runtime import topics
from streams.runtime.engagement import PROGRESS
from streams.runtime.ingest import home_of
from streams.runtime.settings import Settings
from tests.e2e.harness import Application
from tests.e2e.same import same_as_the_pure_engine
from tests.scenarios.pure import Outcome

Place = tuple[str, int]
"""An input partition as the shuffle calls it, and an offset."""
DAY_MS: Final = 86_400_000
_MARKER: Final = "slackwater-clock"


async def everything(app: Application, expected: Outcome, end_at: int, *, poison: set[Place], repeats: bool) -> int:
    """All of it. Gives the number of transitions. `poison` are input records that nothing but a dead letter is to come
    of; with `repeats` the shuffle may have an event more than once, and its reader has to see to it."""
    totals = {account_id: account.events_total for account_id, account in expected.accounts.items()}
    letters = len(expected.refusals) + len(poison)
    count = await same_as_the_pure_engine(app, expected.transitions, totals, dead_letters=letters)
    await _states(app, expected, end_at)
    await _pictures(app, expected, end_at)
    await _shuffle(app, poison, repeats=repeats)
    return count


async def finished(settings: Settings, end_at: int) -> bool:
    """Whether every home partition has committed that it is through, pictures included."""
    done: dict[int, bool] = {}
    async for record in read_all(settings, topics.changelog(settings, topics.ENGAGEMENT)):
        if record.key == PROGRESS:
            progress = Progress.decode(record.value)
            done[record.partition] = (progress.clock or 0) >= end_at and not progress.behind
    return len(done) == settings.partitions and all(done.values())


async def _states(app: Application, expected: Outcome, end_at: int) -> None:
    """The whole stored state of every account, byte by byte, and progress that only ever goes on."""
    settings = app.settings
    stored: dict[str, Account] = {}
    last: dict[int, Progress] = {}
    async for record in read_all(settings, topics.changelog(settings, topics.ENGAGEMENT)):
        if record.key != PROGRESS:
            account = record.key.decode()
            assert record.partition == home_of(account, settings.partitions), f"{account} in {record.partition}"
            stored[account] = Account.decode(account, record.value)
            continue
        progress, before = Progress.decode(record.value), last.get(record.partition)
        if before is not None:
            _goes_on(before, progress)
        last[record.partition] = progress
    engine = Engine(settings.detection())
    assert _ended(engine, stored, end_at) == _ended(engine, expected.accounts, end_at)


def _goes_on(before: Progress, after: Progress) -> None:
    assert (after.low, after.read) >= (before.low, before.read), f"back from {before} to {after}"
    assert after.low >= before.low, f"back from {before} to {after}"
    assert (after.clock or 0) >= (before.clock or 0), f"back from {before} to {after}"
    there = {place_of(origin): state for origin, state in after.origins.items()}  # no topic is made anew in between
    for origin, (floor, clock) in before.origins.items():
        assert there[place_of(origin)][0] >= floor, f"{origin}: back from {before} to {after}"
        assert (there[place_of(origin)][1] or 0) >= (clock or 0), f"{origin}: back from {before} to {after}"


def _ended(engine: Engine, accounts: Mapping[str, Account], end_at: int) -> dict[str, bytes]:
    """The accounts' states at the end; when a silent day is closed is the engine's own affair."""
    for account in accounts.values():
        assert engine.close(account, end_at) == [], f"{account.id} has something to say that it has not said"
    return {name: account.encode() for name, account in accounts.items()}


async def _pictures(app: Application, expected: Outcome, end_at: int) -> None:
    """What the board reads: daily counts, money, open alerts. A picture is of its account's last change."""
    engine = Engine(app.settings.detection())
    for name, found in (await app.pictures()).items():
        wanted = engine.picture(expected.accounts[name], end_at)
        assert found.billing == wanted.billing, name
        assert found.alerts == wanted.alerts, name
        assert found.timeline == wanted.timeline, name
        days = end_at // DAY_MS - found.at // DAY_MS  # that have gone by since
        assert found.engagement.daily[days:] == wanted.engagement.daily[: len(found.engagement.daily) - days], name


async def _shuffle(app: Application, poison: set[Place], *, repeats: bool) -> None:
    """Every event of the input is in the shuffle once, at its account's home, those of an origin in order."""
    settings = app.settings
    wanted: dict[str, set[int]] = defaultdict(set)
    for topic in InputTopic:
        for record in await app.records(topic.value):
            origin = f"{record.topic}/{record.partition}"
            if not any(name == _MARKER for name, _ in record.headers) and (origin, record.offset) not in poison:
                wanted[origin].add(record.offset)
    found: dict[str, Counter[int]] = defaultdict(Counter)
    last: dict[tuple[int, str], int] = {}
    async for record in read_all(settings, settings.shuffle_topic):
        if (f"{record.topic}/{record.partition}", record.offset) in poison:
            continue
        part = decode_shuffle(record.value)
        offsets = [event.offset for event in part.events]
        found[place_of(part.origin)].update(offsets)
        assert all(home_of(event.account, settings.partitions) == record.partition for event in part.events)
        assert offsets == sorted(offsets)
        lane = (record.partition, part.origin)
        assert repeats or offsets[:1] > [last.get(lane, -1)] or not offsets, f"{lane}: {offsets[:1]} after {last[lane]}"
        assert repeats or part.last >= last.get(lane, -1), f"{lane}: {part.last} after {last[lane]}"
        last[lane] = part.last
    assert {origin: set(offsets) for origin, offsets in found.items()} == dict(wanted)
    if not repeats:
        twice = {origin: [each for each, count in offsets.items() if count > 1] for origin, offsets in found.items()}
        assert not any(twice.values()), f"more than once in the shuffle: {twice}"
