"""The knob: what one pass says of other settings is what the engine says at them."""

from collections.abc import Callable
from pathlib import Path
from random import Random

import orjson
import pytest

from schemas.alerts import Kind, Resolution, Transition
from schemas.codec import decode
from schemas.errors import Rejected
from schemas.events import InputEvent, InputTopic
from schemas.plain_usage import fields_of
from schemas.usage import UsageEvent
from streams.backtest.activity import Activity
from streams.backtest.incidents import Incident, incidents
from streams.backtest.knob import SHADOWED, Knob, Shadow, asking, settings_beside
from streams.backtest.ledger import Ledger, Told, in_order
from streams.backtest.reading import USAGE
from streams.detection.config import DAY_MS, DetectionConfig
from streams.detection.engine import Engine
from streams.detection.replay import Replay
from streams.simulator import FleetPlan, simulate

pytestmark = pytest.mark.slow

CONFIG = DetectionConfig(timezone="America/New_York")
PLAN = FleetPlan(accounts=120, days=300, seed=8, rate_median=0.8)
END = PLAN.end + 7_000_000
"""In the middle of a day: what came since the last close counts too."""
ASKED = (0.05, 0.5, 3.0)


@pytest.fixture(scope="module")
def events() -> list[tuple[InputTopic, InputEvent]]:
    found: list[tuple[InputTopic, InputEvent]] = []
    for event in simulate(PLAN):
        read = decode(event.topic, orjson.dumps(event.value))
        assert not isinstance(read, Rejected)
        found.append((event.topic, read))
    return found


def with_outages(events: list[tuple[InputTopic, InputEvent]]) -> list[tuple[InputTopic, InputEvent]]:
    """Half of the accounts use another product; five days on which nothing comes in, and ten on which that product is
    silent."""
    first = events[0][1].occurred_at if isinstance(events[0][1], UsageEvent) else PLAN.start
    found = []
    for topic, event in events:
        changed = event
        if isinstance(event, UsageEvent):
            mobile = int(event.account_id[-1]) % 2 == 1
            day = (event.occurred_at - first) // DAY_MS
            if 150 <= day < 155 or (mobile and 200 <= day < 210):
                continue
            changed = event.model_copy(update={"source": "mobile"}) if mobile else event
        found.append((topic, changed))
    return found


def take_all(replay: Replay, activity: Activity, events: list[tuple[InputTopic, InputEvent]]) -> None:
    calendar = replay.engine.rules.calendar
    for topic, event in events:
        if isinstance(event, UsageEvent):
            account, at, *rest = fields_of(event)
            activity.fold([(at, USAGE, account, *rest)], calendar)
        replay.take(topic, str(topic), event)
    replay.end(END)


def followed(events: list[tuple[InputTopic, InputEvent]]) -> dict[float, Shadow]:
    engine, activity, closed = Engine(CONFIG), Activity(), list[Callable[[], None]]()
    replay = Replay(engine, closed=lambda: closed[0]())  # noqa: PLW0108 - it is put there later
    knob = Knob(engine, settings_beside(CONFIG, 0.2), replay.account, activity.first_event)
    closed.append(knob.closed)
    take_all(replay, activity, events)
    return {each.asked: each for each in knob.end()}


def said_at(
    asked: float, events: list[tuple[InputTopic, InputEvent]], folder: Path
) -> tuple[list[Transition], list[Told]]:
    """What the engine says at a setting."""
    run = Replay(Engine(asking(CONFIG, asked)))
    take_all(run, Activity(), events)
    ledger = Ledger(folder / str(asked))
    ledger.take(run.transitions)
    ledger.close()
    return run.transitions, in_order(ledger.told)


def followed_of(told: list[Told]) -> list[Incident]:
    """Its incidents, without what is not followed of them."""
    return sorted(each._replace(since=0, alert_ids=()) for own in incidents(told).values() for each in own)


@pytest.mark.thorough
@pytest.mark.parametrize("outages", [False, True])
def test_every_setting_that_is_followed_says_what_the_engine_says_at_it(
    events: list[tuple[InputTopic, InputEvent]], tmp_path: Path, outages: bool
) -> None:
    if outages:
        events = with_outages(events)
    shadows = followed(events)
    resolutions: set[Resolution | None] = set()
    of_fleet: set[str] = set()
    for asked in ASKED:
        transitions, told = said_at(asked, events, tmp_path)
        of_fleet |= {each.headline for each in transitions if each.kind is Kind.TELEMETRY_STALLED}
        resolutions |= {each.resolution for each in told if each.kind in SHADOWED}
        assert sorted(shadows[asked].incidents) == followed_of(told)
        spoken = {(each.account, each.at) for each in told if each.message and each.kind in SHADOWED}
        assert sorted(shadows[asked].messages) == sorted(at for _, at in spoken)
    counts = [len(shadows[asked].incidents) for asked in ASKED]
    assert 7 < counts[0] < counts[1] < counts[2]
    assert resolutions >= {Resolution.RECOVERED, Resolution.REBASELINED, Resolution.LOST}
    if outages:
        assert any("mobile" in each for each in of_fleet)
        assert any("mobile" not in each for each in of_fleet)


def two_products() -> list[tuple[InputTopic, InputEvent]]:
    """Some give up one of two products, half of them for a while; one is away altogether, one does less on a product
    for ten weeks, and one does so and more on the other."""
    random, found = Random(3), list[tuple[InputTopic, InputEvent]]()
    for day in range(280):
        for number in range(8) if day % 7 < 5 else ():
            part = number > 5 and 150 <= day < 220
            for source, a_day in (("product", 10 if part and number == 7 else 8), ("mobile", 1 if part else 3)):
                back = 155 + 10 * number if number % 2 else 1_000
                gone = source == "mobile" and number < 4 and 110 + 10 * number <= day < back
                if not gone and not (number == 5 and 150 <= day < 185):
                    usage = UsageEvent(
                        account_id=f"a-{number}",
                        event="used",
                        occurred_at=PLAN.start + day * DAY_MS + 54_000_000 + 1_000 * number,
                        source=source,
                        quantity=a_day if number > 5 else 1 + int(random.expovariate(1 / a_day)),
                    )
                    found.append((InputTopic.USAGE, usage))
    return found


def test_a_product_that_is_given_up_is_followed_at_every_setting(tmp_path: Path) -> None:
    events, fallen = two_products(), set[str]()
    shadows = followed(events)
    for asked in ASKED:
        transitions, told = said_at(asked, events, tmp_path)
        assert sorted(shadows[asked].incidents) == followed_of(told)
        spoken = {(each.account, each.at) for each in told if each.message and each.kind in SHADOWED}
        assert sorted(shadows[asked].messages) == sorted(at for _, at in spoken)
        given_up = {
            (each.account_id, each.resolution)
            for each in transitions
            if any(reason.code == "source_given_up" for reason in each.reasons)
        }
        assert {account for account, _ in given_up} >= {"a-0", "a-1", "a-2", "a-3"}
        assert {resolution for _, resolution in given_up} == {None, Resolution.RECOVERED, Resolution.REBASELINED}
        fallen |= {each.account_id for each in transitions if each.reasons and each.reasons[0].code == "source_fallen"}
    assert "a-6" in fallen
    assert "a-7" not in fallen, "its use has moved"


def used_seldom() -> list[tuple[InputTopic, InputEvent]]:
    """Accounts with an event in two to six weeks; some stop, and some come a third as often."""
    random, found = Random(4), list[UsageEvent]()
    for number in range(40):
        day = random.randint(0, 28)
        while day < 600 and not (number < 4 and day >= 450 + 10 * number):
            at = PLAN.start + day * DAY_MS + 54_000_000 + 1_000 * number
            found.append(UsageEvent(account_id=f"a-{number}", event="used", occurred_at=at))
            day += random.randint(14, 42) * (3 if number < 8 and day >= 300 else 1)
    return [(InputTopic.USAGE, each) for each in sorted(found, key=lambda each: each.occurred_at)]


def test_accounts_that_are_used_seldom_are_followed_at_every_setting(tmp_path: Path) -> None:
    events = used_seldom()
    shadows = followed(events)
    for asked in ASKED:
        _, told = said_at(asked, events, tmp_path)
        assert sorted(shadows[asked].incidents) == followed_of(told)
        assert {each.kind for each in told if each.kind in SHADOWED} == {Kind.USAGE_SILENCE}
    counts = [len(shadows[asked].incidents) for asked in ASKED]
    assert 4 <= counts[0] < counts[1] < counts[2]
