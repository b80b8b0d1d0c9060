"""Activity that stops amid a day is noticed within the hour, where volumes allow."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from random import Random

import orjson
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from schemas.alerts import Change, Kind, Transition
from schemas.events import InputEvent, InputTopic
from schemas.shuffle import ShuffleRecord, Usage
from schemas.usage import UsageEvent
from streams.detection.config import DAY_MS, HOUR_MS, DetectionConfig
from streams.detection.engine import Engine
from streams.detection.fleet_log import FleetLog
from streams.detection.flow import ONE, Counts, Flow, add, pack, unpack, weight_of
from streams.detection.flow_learning import FlowLearning
from streams.detection.home import Home
from streams.detection.merge import Merge
from streams.detection.replay import replay
from streams.detection.sources import DEFAULT_KEY, WHOLE
from streams.detection.stall import FLEET_ID
from tests.properties.shuffled import Offers

pytestmark = pytest.mark.slow

START = 20_000 * DAY_MS  # a Thursday
CONFIG = DetectionConfig(grace_ms=HOUR_MS)
MINUTE_MS = 60_000


def usage(accounts: int, days: int, lost: Callable[[int, str], bool], seed: int = 1) -> Iterator[tuple[int, str, str]]:
    """Time, account and source of each event: eight hours of work a day, less on weekends. A third has another
    source."""
    random = Random(seed)
    for day in range(days):
        chance = 0.15 if (day + 3) % 7 >= 5 else 0.8
        events = []
        for number in range(accounts):
            source = "mobile" if number % 3 == 0 else "product"
            for _ in range(7):
                at = START + day * DAY_MS + 9 * HOUR_MS + random.randrange(8 * HOUR_MS)
                if random.random() < chance and not lost(at, source):
                    events.append((at, f"a-{number}", source))
        yield from sorted(events)


def told(accounts: int, days: int, lost: Callable[[int, str], bool]) -> list[Transition]:
    def events() -> Iterator[tuple[InputTopic, str, InputEvent]]:
        for at, account, source in usage(accounts, days, lost):
            yield InputTopic.USAGE, "usage", UsageEvent(account_id=account, event="x", occurred_at=at, source=source)

    return replay(events(), Engine(CONFIG)).transitions


BROKEN, MENDED = START + 33 * DAY_MS + 11 * HOUR_MS + 20 * MINUTE_MS, START + 34 * DAY_MS + 11 * HOUR_MS


def test_a_broken_producer_is_noticed_within_the_hour_and_so_is_that_it_was_mended() -> None:
    found = told(420, 37, lambda at, _: BROKEN <= at < MENDED)
    assert {each.account_id for each in found} == {FLEET_ID}
    opened, resolved = found
    assert (opened.change, opened.kind) == (Change.OPENED, Kind.TELEMETRY_STALLED)
    assert BROKEN < opened.at <= BROKEN + HOUR_MS
    assert BROKEN - 15 * MINUTE_MS <= opened.since <= BROKEN + 15 * MINUTE_MS
    assert "since 6 November 2024, 11:30: producers may be broken" in opened.headline
    assert (resolved.change, resolved.alert_id) == (Change.RESOLVED, opened.alert_id)
    assert MENDED < resolved.at <= MENDED + HOUR_MS


def test_so_it_is_where_one_in_twenty_events_still_comes() -> None:
    random = Random(2)
    found = told(420, 37, lambda at, _: BROKEN <= at < MENDED and random.random() < 0.95)
    assert [each.change for each in found] == [Change.OPENED, Change.RESOLVED]
    assert found[0].at <= BROKEN + HOUR_MS + 15 * MINUTE_MS


def test_a_dead_source_is_named_within_the_hour() -> None:
    found = told(1_200, 35, lambda at, source: source == "mobile" and at >= BROKEN)
    (opened,) = found
    assert BROKEN < opened.at <= BROKEN + HOUR_MS
    assert "the source mobile has been at" in opened.headline


def test_a_smaller_fleet_takes_longer() -> None:
    opened, _ = told(90, 38, lambda at, _: BROKEN <= at < BROKEN + 2 * DAY_MS)
    assert BROKEN + 2 * HOUR_MS < opened.at < BROKEN + 5 * HOUR_MS


def test_of_a_fleet_too_small_for_days_to_tell_hours_say_when_flow_is_back() -> None:
    mended = BROKEN + 20 * DAY_MS
    found = told(30, 60, lambda at, _: BROKEN <= at < mended)
    opened, resolved = (each for each in found if each.account_id == FLEET_ID)
    assert (opened.change, resolved.change) == (Change.OPENED, Change.RESOLVED)
    assert resolved.alert_id == opened.alert_id
    assert BROKEN < opened.at < BROKEN + 2 * DAY_MS
    assert mended < resolved.at < mended + 4 * DAY_MS
    assert not [each for each in found if opened.at < each.at < mended], "they wait"


@pytest.mark.parametrize("seed", [0, *(pytest.param(seed, marks=pytest.mark.thorough) for seed in (1, 2))])
def test_ordinary_weeks_raise_nothing_and_a_short_morning_neither(seed: int) -> None:
    late = Random(seed)
    begins = {day: late.uniform(0, 0.9) * HOUR_MS for day in range(120)}

    def late_morning(at: int, _: str) -> bool:
        day, within = divmod(at - START, DAY_MS)
        return within < 9 * HOUR_MS + begins[day]

    assert not told(250, 60, late_morning)


@pytest.mark.parametrize(("times", "quantity"), [(40, 1), (4, 2_500)])
def test_a_fleet_that_begins_on_one_day_and_does_the_same_on_every_other_raises_nothing(
    times: int, quantity: int
) -> None:
    random = Random(3)

    def events() -> Iterator[tuple[InputTopic, str, InputEvent]]:
        for day in range(44):
            moments = [(random.randrange(600), number) for number in range(60) for _ in range(times)]
            for minute, number in sorted(moments):
                at = START + day * DAY_MS + 8 * HOUR_MS + minute * MINUTE_MS
                usage = UsageEvent(account_id=f"a-{number}", event="x", occurred_at=at, quantity=quantity)
                yield InputTopic.USAGE, "usage", usage

    assert not replay(events(), Engine(CONFIG)).transitions


@pytest.mark.parametrize("a_day", [50, 1_000, 30_000])
def test_a_day_of_anybody_comes_to_one(a_day: int) -> None:
    flow, weight = Flow(), weight_of(100.0 * a_day, 100.0)
    for each in range(a_day):
        flow.count(START + each * DAY_MS // a_day, "product", weight)
    assert sum(count for counts in flow.open.values() for count in counts.values()) == pytest.approx(ONE, rel=0.03)
    assert weight_of(0.0, 0.0) == 0.0, "nobody knows whether a first day is an ordinary one"


def test_alerts_that_fall_due_while_it_lasts_are_held_and_come_when_flow_is_back() -> None:
    """Accounts leave one a day, and one or the other of them falls due at every close."""
    leaves = {f"a-{number}": 26 + number // 3 for number in range(30)}
    broken, mended = START + 33 * DAY_MS + 13 * HOUR_MS, START + 34 * DAY_MS + 11 * HOUR_MS

    def first_told(outage: bool) -> dict[str, int]:
        def events() -> Iterator[tuple[InputTopic, str, InputEvent]]:
            for at, name, source in usage(420, 39, lambda at, _: outage and broken <= at < mended):
                if (at - START) // DAY_MS < leaves.get(name, 99):
                    event = UsageEvent(account_id=name, event="x", occurred_at=at, source=source)
                    yield InputTopic.USAGE, "usage", event

        found: dict[str, int] = {}
        for each in replay(events(), Engine(CONFIG)).transitions:
            if each.change is Change.OPENED:
                found.setdefault(each.account_id, (each.at - START) // DAY_MS)
        return found

    plain, held = first_told(outage=False), first_told(outage=True)
    assert FLEET_ID not in plain
    due = {name for name, day in plain.items() if day == 34}
    assert due
    assert held.pop(FLEET_ID) == 33
    assert 34 not in held.values(), "the day closes while nothing comes in"
    assert due <= set(held)
    assert all(held[name] in (35, 36) for name in due)


@example([(40, 9)], 0, 96)
@given(
    st.lists(st.tuples(st.integers(0, 671), st.integers(1, 40)), max_size=12),
    st.integers(0, 6),
    st.sampled_from([92, 96, 100]),
)
def test_a_day_of_which_nothing_is_expected_is_told_apart_whatever_the_week_was_like(
    busy: list[tuple[int, int]], weekday: int, slots: int
) -> None:
    counts = {(first + n) % 672: {DEFAULT_KEY: 1 << 20} for first, length in busy for n in range(length)}
    learning = FlowLearning()
    for day in range(28):
        quarters = [96 * (day % 7) + n for n in range(96)]
        flow = {quarter + 672 * (day // 7): counts[quarter] for quarter in quarters if quarter in counts}
        learning.learn(quarters, flow, 96 * day, {DEFAULT_KEY}, stalled=False)
    quarters = [96 * weekday + min(n, 95) for n in range(slots)]
    before = learning.pack()
    for slot, quarter in enumerate(quarters, 96 * 28):
        learning.judge(slot, quarter, {}, frozenset())
    said_nothing = learning.pack()[1:] == before[1:]
    assert said_nothing or learning.expects(quarters)


def shuffled(events: list[tuple[int, str, str]], first: int, clock: int) -> ShuffleRecord:
    rows = tuple(
        Usage(first + number, at, account, at, "x", None, 1, source, None)
        for number, (at, account, source) in enumerate(events)
    )
    return ShuffleRecord(InputTopic.USAGE, "usage/0", first + len(rows) - 1, clock, True, rows)


class Worker:
    """Two homes that share a log; both read all events, each keeps its own accounts."""

    def __init__(self, *, live: bool) -> None:
        self.offers = Offers()
        self.told: list[Transition] = []
        self.homes = [
            Home(
                Engine(CONFIG, FleetLog(CONFIG, 2)),
                Merge(frozenset({"usage/0"}), live=live),
                log=self.offers,
                partition=number,
                speaks=number == 0,
            )
            for number in range(2)
        ]
        self._rows: list[dict[str, bytes]] = [{}, {}]
        self._count = self._records = 0

    def until(self, clock: int, events: list[tuple[int, str, str]]) -> None:
        for number, home in enumerate(self.homes):
            own = [each for each in events if int(each[1][2:]) % 2 == number]
            home.receive(self._records, shuffled(own, self._count, clock))
        self._records += 1
        self._count += len(events)
        for _ in range(4):  # each waits for what the other offers
            for home in self.homes:
                for _whole in home.step(idle=True):
                    pass
        for home in self.homes:
            output = home.take(pictures=0)
            list(output.rows)
            self.told += output.transitions


def run(worker: Worker, lost: Callable[[int, str], bool], minutes: Callable[[int], int], days: int) -> None:
    by_day: dict[int, list[tuple[int, str, str]]] = {}
    for each in usage(420, days, lost):
        by_day.setdefault((each[0] - START) // DAY_MS, []).append(each)
    for day in range(days):
        begin, step = START + day * DAY_MS, minutes(day) * MINUTE_MS
        for at in range(begin, begin + DAY_MS, step):
            worker.until(at + step, [each for each in by_day.get(day, []) if at <= each[0] < at + step])


def test_on_the_wall_clock_homes_tell_each_other_and_say_it_before_the_day_is_over() -> None:
    worker = Worker(live=True)
    run(worker, lambda at, _: BROKEN <= at < MENDED, lambda day: 5 if day >= 32 else 24 * 60, 35)
    opened, resolved = (each for each in worker.told if each.account_id == FLEET_ID)
    assert (opened.change, resolved.change) == (Change.OPENED, Change.RESOLVED)
    assert opened.at <= BROKEN + HOUR_MS
    assert resolved.at <= MENDED + HOUR_MS
    assert all(home.learnt.stall.stalled == frozenset() for home in worker.homes)
    quarters = sum(record.endswith(b"true]") for record in worker.offers.records)
    assert 2 * 2 * 24 <= quarters <= 2 * 3 * 32, "only hours of work are told, of the days that went by live"


def test_a_history_is_agreed_on_day_by_day_and_comes_to_the_same() -> None:
    worker = Worker(live=False)
    lost: Callable[[int, str], bool] = lambda at, _: BROKEN <= at < MENDED  # noqa: E731
    run(worker, lost, lambda _: 24 * 60, 36)
    alone = [each for each in told(420, 36, lost) if each.account_id == FLEET_ID]
    assert [each for each in worker.told if each.account_id == FLEET_ID] == alone
    assert alone
    assert len(worker.offers.records) <= 2 * 37


counts = st.dictionaries(st.sampled_from([DEFAULT_KEY, 7, 900]), st.integers(1, 10**9), max_size=3)


@given(st.lists(st.dictionaries(st.integers(0, 95), counts, max_size=9), min_size=1, max_size=4))
def test_counts_of_several_homes_add_up_to_the_same_in_any_order(homes: list[dict[int, Counts]]) -> None:
    forth: dict[int, Counts] = {}
    back: dict[int, Counts] = {}
    for one, other in zip(homes, reversed(homes), strict=True):
        add(forth, unpack(orjson.loads(orjson.dumps(pack(one)))))
        add(back, other)
    assert pack(forth) == pack(back)


def test_what_is_learnt_goes_on_as_it_was_stored() -> None:
    whole, parted = FlowLearning(), FlowLearning()
    random = Random(5)
    said = []
    for day in range(60):
        first, weekday = day * 96, day % 7
        quarters = [weekday * 96 + each for each in range(96)]
        broken = random.random() < 0.2
        flow = {first + each: {DEFAULT_KEY: random.randrange(20_000) if not broken else 0} for each in range(96)}
        verdicts = []
        for learning in (whole, parted):
            found = [
                each
                for slot, quarter in enumerate(quarters, first)
                for each in learning.judge(slot, quarter, flow[slot], frozenset())
            ]
            learning.learn(quarters, flow, first, {DEFAULT_KEY}, stalled=broken)
            verdicts.append(found)
        assert verdicts[0] == verdicts[1]
        said += verdicts[0]
        again = FlowLearning()
        again.unpack(orjson.loads(orjson.dumps(parted.pack())))
        parted = again
    assert {each.key for each in said} == {WHOLE}
