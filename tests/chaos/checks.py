"""What has to be true when a story is over."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from contextlib import suppress
from typing import Final

from schemas.alerts import Transition
from schemas.events import InputTopic
from schemas.shuffle import decode_shuffle, place_of
from streams.cli.reading import read_all
from streams.detection.engine import Engine
from streams.detection.merge import Progress
from streams.runtime import topics
from streams.runtime.engagement import FLEET, PROGRESS, is_account
from streams.runtime.ingest import home_of
from streams.runtime.settings import Settings
from tests.chaos.removed import Removed
from tests.e2e.harness import Application
from tests.e2e.same import by_account, key, same_as_the_pure_engine
from tests.plain import newest, settled
from tests.scenarios.pure import Outcome

Place = tuple[str, int]
"""An input partition as the shuffle calls it, and an offset."""
DAY_MS: Final = 86_400_000
_MARKER: Final = "slackwater-clock"


async def everything(
    app: Application,
    expected: Outcome,
    end_at: int,
    *,
    poison: set[Place],
    repeats: bool,
    removed: Sequence[Removed] = (),
    resets: int = 0,
) -> int:
    """All of it. Gives the number of transitions. `poison` are input records that nothing but a dead letter is to come
    of; with `repeats` the shuffle may have an event more than once, and its reader has to see to it. `removed` are
    input records that are not there any more. After up to so many `resets` what had been said before each is said
    again."""
    totals = {account_id: account.events_total for account_id, account in expected.accounts.items()}
    letters = len(expected.refusals) + len(poison)
    if resets:
        count = await _said_again(app, expected, letters, resets)
    else:
        count = await same_as_the_pure_engine(app, expected.transitions, totals, dead_letters=letters)
    await _states(app, expected, end_at, anew={each.topic for each in removed}, resets=resets)
    await _pictures(app, expected, end_at)
    await _shuffle(app, poison, repeats=repeats, removed=removed)
    return count


async def finished(settings: Settings, end_at: int) -> bool:
    """Whether every home partition has committed that it is through, pictures included."""
    done: dict[int, bool] = {}
    async for record in read_all(settings, topics.changelog(settings, topics.ENGAGEMENT)):
        if record.key == PROGRESS:
            progress = Progress.decode(record.value)
            done[record.partition] = (progress.clock or 0) >= end_at and not progress.behind
    return len(done) == settings.partitions and all(done.values())


async def in_shuffle(app: Application) -> dict[str, Counter[int]]:
    """Of every origin the offsets of the events that are in the shuffle, and how often."""
    found: dict[str, Counter[int]] = defaultdict(Counter)
    async for record in read_all(app.settings, app.settings.shuffle_topic):
        with suppress(ValueError):  # a story's poison
            part = decode_shuffle(record.value)
            found[part.origin].update(event.offset for event in part.events)
    return found


async def _said_again(app: Application, expected: Outcome, letters: int, resets: int) -> int:
    """What an account has said is the beginning of all, for each reset at most once, and then all."""
    whole, found = by_account(expected.transitions), by_account(await app.transitions())
    assert found.keys() == whole.keys()
    for account, those in found.items():
        runs: list[list[Transition]] = []
        for each in those:
            if key(each) == key(whole[account][0]):
                runs.append([])
            runs[-1].append(each)
        assert runs[-1] == whole[account], account
        assert len(runs) <= resets + 1, f"{account}: {len(runs)} times"
        assert all(each == whole[account][: len(each)] for each in runs), account
    assert len({each.origin for each in await app.dead_letters()}) == letters
    counted = {name: picture.engagement.events_total for name, picture in (await app.pictures()).items()}
    assert counted == {name: account.events_total for name, account in expected.accounts.items()}
    return sum(len(those) for those in found.values())


async def _states(app: Application, expected: Outcome, end_at: int, *, anew: set[str], resets: int) -> None:
    """The whole stored state of every account, byte by byte, and progress that only ever goes on."""
    settings = app.settings
    stored: dict[str, bytes] = {}
    last: dict[int, Progress] = {}
    fleets: dict[int, bytes | None] = {}
    begun: Counter[int] = Counter()
    async for record in read_all(settings, topics.changelog(settings, topics.ENGAGEMENT)):
        if is_account(record.key):
            account = record.key.decode()
            assert record.partition == home_of(account, settings.partitions), f"{account} in {record.partition}"
            if record.value is None:
                assert resets, f"{account} is forgotten"
                del stored[account]
            else:
                stored[account] = record.value
            continue
        if record.key == FLEET:
            fleets[record.partition] = record.value
        if record.key != PROGRESS:
            continue
        progress, before = Progress.decode(record.value), last.get(record.partition)
        if before is not None and progress.clock is None and not progress.origins and begun[record.partition] < resets:
            begun[record.partition] += 1
            assert progress.low >= before.read, f"{progress} reads again what was in the shuffle before: {before}"
            assert not [name for name in stored if home_of(name, settings.partitions) == record.partition]
        elif before is not None:
            _goes_on(before, progress, anew)
        last[record.partition] = progress
    config = settings.detection()
    found = settled(stored, config, end_at, newest(filter(None, fleets.values()), config))
    wanted = {name: account.encode() for name, account in expected.accounts.items()}
    assert {name: account.encode() for name, account in found.items()} == wanted


def _goes_on(before: Progress, after: Progress, anew: set[str]) -> None:
    assert (after.low, after.read) >= (before.low, before.read), f"back from {before} to {after}"
    assert after.low >= before.low, f"back from {before} to {after}"
    assert (after.clock or 0) >= (before.clock or 0), f"back from {before} to {after}"
    there = {place_of(origin): state for origin, state in after.origins.items()}
    for origin, (floor, clock) in before.origins.items():
        if origin not in after.origins and origin.partition("/")[0] in anew:
            continue
        there[place_of(origin)] = after.origins.get(origin, there[place_of(origin)])
        assert there[place_of(origin)][0] >= floor, f"{origin}: back from {before} to {after}"
        assert (there[place_of(origin)][1] or 0) >= (clock or 0), f"{origin}: back from {before} to {after}"


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


async def _shuffle(app: Application, poison: set[Place], *, repeats: bool, removed: Sequence[Removed]) -> None:
    """Every event of the input is in the shuffle once, at its account's home, those of an origin in order."""
    settings = app.settings
    wanted: dict[str, Counter[int]] = defaultdict(Counter)
    read = await in_shuffle(app) if removed else {}
    for topic in InputTopic:
        for record in await app.records(topic.value):
            origin = f"{record.topic}/{record.partition}"
            if not any(name == _MARKER for name, _ in record.headers) and (origin, record.offset) not in poison:
                wanted[origin][record.offset] += 1
    for each in removed:
        for place, offset in each.records.keys() - set(each.unread(read)):
            wanted[place][offset] += 1
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
    found = {place: offsets for place, offsets in found.items() if offsets}
    assert {place: set(offsets) for place, offsets in found.items()} == {
        place: set(offsets) for place, offsets in wanted.items()
    }
    if not repeats:
        twice = {place: offsets - wanted[place] for place, offsets in found.items() if offsets - wanted[place]}
        assert not twice, f"more often in the shuffle than in the input: {twice}"
        assert found == dict(wanted)
