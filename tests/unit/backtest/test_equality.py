"""A backtest of files comes to what the live engine comes to, whatever the order of their rows."""

import csv
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from random import Random
from typing import Any

import orjson
import pytest

from schemas.alerts import Change, Kind
from schemas.codec import decode, encode
from schemas.errors import Rejected
from schemas.events import InputEvent, InputTopic
from schemas.instants import parse_instant
from streams.backtest.accounts import write_accounts
from streams.backtest.crew import Crew
from streams.backtest.evaluate import Fleet, fleet_of
from streams.backtest.home import Course
from streams.backtest.incidents import ENGAGEMENT
from streams.backtest.job import Job
from streams.backtest.knob import settings_beside
from streams.backtest.ledger import read_whole, write_alerts
from streams.backtest.reading import PART, TOPICS, Reading, parts_of
from streams.detection.calendar import Calendar
from streams.detection.config import DetectionConfig
from streams.detection.engine import Engine
from streams.detection.replay import replay
from streams.produce import Columns, Source
from streams.simulator import FleetPlan, SimulatedEvent, simulate

pytestmark = pytest.mark.slow

NAMES = {
    InputTopic.USAGE: "product-usage",
    InputTopic.BILLING: "billing",
    InputTopic.ACCOUNTS: "accounts",
    InputTopic.FEEDBACK: "feedback",
    InputTopic.COMMANDS: "alert-commands",
}
PLAN = FleetPlan(accounts=60, days=150, seed=11, rate_median=1.0)
END = PLAN.end + 20 * 86_400_000
OUT_OF_ORDER = 600_000


@pytest.fixture(scope="module")
def events() -> list[SimulatedEvent]:
    return list(simulate(PLAN))


def read(event: SimulatedEvent) -> InputEvent:
    found = decode(event.topic, orjson.dumps(event.value))
    assert not isinstance(found, Rejected)
    return found


@pytest.fixture(scope="module")
def expected(events: list[SimulatedEvent]) -> dict[str, list[bytes]]:
    """What the engine alone says, by account."""
    taken = ((event.topic, NAMES[event.topic], read(event)) for event in events)
    run = replay(taken, Engine(DetectionConfig()), end=END, out_of_order=OUT_OF_ORDER)
    found = by_account(encode(each) for each in run.transitions)
    assert sum(map(len, found.values())) > 80
    assert {orjson.loads(line)["kind"] for lines in found.values() for line in lines} > {
        "usage_silence",
        "payment_failed",
    }
    return found


def by_account(lines: Iterable[bytes]) -> dict[str, list[bytes]]:
    found: dict[str, list[bytes]] = {}
    for line in lines:
        found.setdefault(orjson.loads(line)["account_id"], []).append(line)
    return found


def run_with(sources: list[Source], folder: Path, homes: int = 1, part: int = PART) -> tuple[Fleet, Reading]:
    folder.mkdir(exist_ok=True)
    job = Job(DetectionConfig(), NAMES, OUT_OF_ORDER, folder, homes, settings=settings_beside(DetectionConfig(), 0.2))
    with Crew(job) as crew:
        reading = crew.read(parts_of(sources, part), lambda _rows: None)
        assert reading.first_at is not None
        topics = tuple(number for number, topic in enumerate(TOPICS) if reading.rows[topic.value])
        return fleet_of(crew.judge(Course(reading.first_at, END, topics), lambda _events, _at: None)), reading


def backtested(sources: list[Source], folder: Path) -> dict[str, list[bytes]]:
    fleet, _ = run_with(sources, folder)
    out = folder / "alerts.jsonl"
    write_alerts(out, fleet.told)
    lines = out.read_bytes().splitlines()
    times = [parse_instant(orjson.loads(line)["at"]) for line in lines]
    assert times == sorted(times)
    return by_account(lines)


@pytest.mark.parametrize("seed", [1, *(pytest.param(each, marks=pytest.mark.thorough) for each in (None, 2))])
def test_files_in_any_order_give_the_transitions_of_the_engine(
    events: list[SimulatedEvent], expected: dict[str, list[bytes]], tmp_path: Path, seed: int | None
) -> None:
    sources = []
    for topic in (InputTopic.USAGE, InputTopic.BILLING, InputTopic.ACCOUNTS, InputTopic.FEEDBACK):
        lines = [orjson.dumps(event.value) for event in events if event.topic is topic]
        if seed is not None:
            Random(seed).shuffle(lines)
        file = tmp_path / f"{topic}.jsonl"
        file.write_bytes(b"\n".join(lines))
        sources.append(Source(file, topic))
    assert backtested(sources, tmp_path) == expected


def test_a_table_of_the_same_usage_gives_the_same_transitions(
    events: list[SimulatedEvent], expected: dict[str, list[bytes]], tmp_path: Path
) -> None:
    names = ("event_id", "account_id", "occurred_at", "event", "user_id", "quantity")
    with (tmp_path / "usage.csv").open("w", newline="") as text:
        writer = csv.DictWriter(text, names, restval="", extrasaction="ignore")
        writer.writeheader()
        rows = [{"quantity": 1, **event.value} for event in events if event.topic is InputTopic.USAGE]
        Random(3).shuffle(rows)
        writer.writerows(rows)
    sources = [
        Source(
            tmp_path / "usage.csv", columns=Columns(user="user_id", event="event", quantity="quantity", id="event_id")
        )
    ]
    for topic in (InputTopic.BILLING, InputTopic.ACCOUNTS, InputTopic.FEEDBACK):
        file = tmp_path / f"{topic}.jsonl"
        file.write_bytes(b"\n".join(orjson.dumps(event.value) for event in events if event.topic is topic))
        sources.append(Source(file, topic))
    assert backtested(sources, tmp_path) == expected


def files_of(events: list[SimulatedEvent], folder: Path) -> list[Source]:
    sources = []
    for topic in (InputTopic.USAGE, InputTopic.BILLING, InputTopic.ACCOUNTS, InputTopic.FEEDBACK):
        lines = [orjson.dumps(event.value) for event in events if event.topic is topic]
        Random(4).shuffle(lines)
        (folder / f"{topic}.jsonl").write_bytes(b"\n".join(lines))
        sources.append(Source(folder / f"{topic}.jsonl", topic))
    return sources


@pytest.fixture(scope="module")
def young() -> list[SimulatedEvent]:
    """A fleet large enough to be learnt, of which each home sees a part; one account that comes late and is alone."""
    plan = FleetPlan(accounts=150, days=100, seed=3, rate_median=0.8)
    return list(simulate(plan))


def found_of(fleet: Fleet, reading: Reading, folder: Path) -> tuple[Any, ...]:
    """All that a run came to."""
    write_alerts(folder / "alerts.jsonl", fleet.told)
    write_accounts(folder / "accounts.csv", (each.row for each in fleet.endings.values()), ())
    shadows = [(each.asked, sorted(each.incidents), sorted(each.messages)) for each in fleet.shadows]
    activity = {account: fleet.activity[account] for account in sorted(fleet.activity)}
    return (
        (folder / "alerts.jsonl").read_bytes(),
        (folder / "accounts.csv").read_bytes(),
        shadows,
        activity,
        fleet.events.shares(),
        reading,
        (fleet.duplicates, fleet.late),
    )


@pytest.fixture(scope="module")
def alone(
    young: list[SimulatedEvent], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[list[Source], Fleet, Reading]]:
    """What one process comes to, and the files."""
    folder = tmp_path_factory.mktemp("alone")
    sources = files_of(young, folder)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("streams.produce.ordering.CHUNK", 5_000)
        yield sources, *run_with(sources, folder / "1", part=40_000)


@pytest.mark.parametrize("homes", [2, pytest.param(3, marks=pytest.mark.thorough)])
def test_the_result_does_not_depend_on_the_number_of_processes(
    young: list[SimulatedEvent], alone: tuple[list[Source], Fleet, Reading], tmp_path: Path, homes: int
) -> None:
    sources, fleet, reading = alone
    expected = found_of(fleet, reading, tmp_path)
    assert expected[0].count(b"\n") > 50
    assert found_of(*run_with(sources, tmp_path / "several", homes, part=40_000), tmp_path) == expected
    taken = ((event.topic, NAMES[event.topic], read(event)) for event in young)
    run = replay(taken, Engine(DetectionConfig()), end=END, out_of_order=OUT_OF_ORDER)
    assert by_account(expected[0].splitlines()) == by_account(encode(each) for each in run.transitions)


def test_more_processes_than_accounts_come_to_an_end(tmp_path: Path) -> None:
    file = tmp_path / "f.csv"
    days = [f"a,2025-{month:02d}-{day:02d}T12:00:00Z" for month in (1, 2, 3) for day in range(1, 29)]
    file.write_text("\n".join(["account_id,occurred_at", *days]))
    alone, _ = run_with([Source(file)], tmp_path / "1")
    together, _ = run_with([Source(file)], tmp_path / "2", homes=2)
    assert [each[:8] for each in together.told] == [each[:8] for each in alone.told] != []
    assert together.endings == alone.endings


def test_the_numbers_of_every_usage_alert_can_be_read_off_the_counts(
    alone: tuple[list[Source], Fleet, Reading],
) -> None:
    _, fleet, _ = alone
    calendar = Calendar("UTC", DetectionConfig().grace_ms)
    seen = Counter[str]()
    for told in fleet.told:
        if told.kind not in ENGAGEMENT or told.change not in {Change.OPENED, Change.ESCALATED}:
            continue
        evidence = read_whole(told)["evidence"]
        days, counts = fleet.activity[told.account]
        since, last = calendar.day_of(told.since), calendar.day_of(told.at) - 1
        if told.kind is Kind.USAGE_SILENCE:
            assert max(day for day in days if day <= last) == since
            since += 1
        assert evidence["window_days"] == last - since + 1
        assert evidence["observed"] == sum(c for day, c in zip(days, counts, strict=True) if since <= day <= last)
        assert evidence["observed"] < evidence["expected"] or evidence["expected"] >= 3
        assert evidence["false_alarms_per_account_year"] > 0
        seen[told.kind] += 1
    assert seen["usage_silence"] > 10
    assert seen["usage_drop"] > 3
