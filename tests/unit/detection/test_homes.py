"""Several home partitions come to what one comes to: each account's state, and what is said of it."""

from collections import defaultdict

import orjson
import pytest

from schemas.alerts import Transition
from schemas.codec import decode
from schemas.errors import Rejected
from schemas.events import InputEvent, InputTopic, moment
from streams.detection.config import DAY_MS, HOUR_MS, DetectionConfig
from streams.detection.engine import Engine
from streams.detection.fleet_log import FleetLog
from streams.detection.home import Home
from streams.detection.homes import Homes
from streams.detection.merge import Merge, Progress
from streams.detection.origin import Origin
from streams.detection.replay import OUT_OF_ORDER_MS, Replay, replay
from streams.detection.state import Account
from streams.simulator import FleetPlan, simulate

pytestmark = pytest.mark.slow

Events = list[tuple[InputTopic, InputEvent]]


def homes_of(events: Events, partitions: int, until: int) -> tuple[Homes, dict[str, list[Transition]]]:
    said: dict[str, list[Transition]] = defaultdict(list)
    before: dict[str, bytes | None] = {}

    def take(number: int, transition: Transition, stored: bytes | None) -> None:
        assert home_of(transition.account_id) == number
        if stored is not None:
            Account.decode(transition.account_id, stored)
        before[transition.account_id] = stored
        said[transition.account_id].append(transition)

    def home_of(account: str) -> int:
        return sum(account.encode()) % partitions

    homes = Homes(DetectionConfig(), partitions, home_of, take, out_of_order=OUT_OF_ORDER_MS)
    for topic, event in events:
        homes.take(event, topic)
    homes.end(until)
    assert any(each is not None for each in before.values())
    return homes, said


@pytest.fixture(scope="module")
def history() -> tuple[Events, int]:
    """A fleet large enough for its days to be learnt from."""
    events: Events = []
    plan = FleetPlan(accounts=90, days=150, seed=4)
    for each in simulate(plan):
        event = decode(each.topic, orjson.dumps(each.value))
        assert not isinstance(event, Rejected)
        events.append((each.topic, event))
    return events, plan.end + 3 * DAY_MS


@pytest.fixture(scope="module")
def alone(history: tuple[Events, int]) -> Replay:
    """What the engine alone comes to."""
    events, until = history
    return replay(((topic, topic.value, event) for topic, event in events), Engine(DetectionConfig()), end=until)


@pytest.mark.parametrize("partitions", [3, *(pytest.param(each, marks=pytest.mark.thorough) for each in (1, 8))])
def test_several_homes_come_to_what_one_comes_to(history: tuple[Events, int], alone: Replay, partitions: int) -> None:
    events, until = history
    expected: dict[str, list[Transition]] = defaultdict(list)
    for each in alone.transitions:
        expected[each.account_id].append(each)
    homes, said = homes_of(events, partitions, until)
    assert said == expected
    assert sum(map(len, said.values())) > 50
    found = {
        name: homes.home(number).account(name).encode() for number in range(partitions) for name in homes.rows(number)
    }
    assert found == {name: account.encode() for name, account in alone.accounts.items()}
    fleets = {homes.fleet(number, 7) for number in range(partitions)}
    assert len(fleets) == 1, "all of them know the same of the fleet"
    for number in range(partitions):
        progress = homes.progress(number, 11, {"usage": until})
        assert Progress.decode(progress.encode()) == progress
        assert (progress.low, progress.read, progress.clock, progress.origins) == (11, 11, until, {})
        assert progress.closed > 0


@pytest.mark.parametrize("into_the_day", [pytest.param(0, marks=pytest.mark.thorough), 11 * HOUR_MS + 7])
def test_who_goes_on_from_loaded_history_comes_to_what_one_comes_to_who_had_it_all(
    history: tuple[Events, int], alone: Replay, into_the_day: int
) -> None:
    events, until = history
    middle = until - 50 * DAY_MS + into_the_day
    homes, said = homes_of([each for each in events if moment(each[1]) < middle], 1, middle)
    known = {"usage": middle, "billing": middle, "accounts": middle}

    rows = homes.rows(0)
    progress = Progress.decode(homes.progress(0, 0, known).encode())
    topics = {topic for topic, _ in events}
    places = frozenset(f"{topic.value}/0" for topic in topics)
    home = Home(
        Engine(DetectionConfig(), FleetLog(DetectionConfig(), 1, homes.fleet(0, 5))), Merge(places, progress), rows.get
    )
    home.enter(rows.items())
    # The topics have all account updates, and the last 80 days of the other events: both overlap with the files.
    live = [each for each in events if each[0] is InputTopic.ACCOUNTS or moment(each[1]) >= until - 80 * DAY_MS]
    origins = {
        topic: Origin(
            topic,
            f"{topic.value}/0",
            homes=1,
            home_of=lambda _: 0,
            out_of_order=OUT_OF_ORDER_MS,
            future_tolerance=0,
        )
        for topic in topics
    }
    shuffled = 0
    for number, (topic, event) in enumerate(live):
        assert origins[topic].take(number, event, None) is None
        if number % 500 and number < len(live) - 1:
            continue
        for origin in origins.values():
            if number == len(live) - 1:
                origin.clock = until
            for record in origin.deal(number, caught_up=False)[0]:
                home.receive(shuffled, record)
                shuffled += 1
        for _ in home.step(idle=True):
            pass
        output = home.take(pictures=0)
        rows.update(output.rows)
        for each in output.transitions:
            said[each.account_id].append(each)
    expected: dict[str, list[Transition]] = defaultdict(list)
    for each in alone.transitions:
        expected[each.account_id].append(each)
    assert said == expected
    assert home.merge.passed_over > 1_000
    totals = {name: home.account(name).events_total for name in rows}
    assert totals == {name: account.events_total for name, account in alone.accounts.items()}
