"""A backtest of files comes to what the live engine comes to, whatever the order of their rows."""

import csv
from collections.abc import Iterable
from pathlib import Path
from random import Random

import orjson
import pytest

from schemas.codec import decode, encode
from schemas.errors import Rejected
from schemas.events import InputEvent, InputTopic
from schemas.instants import parse_instant
from streams.backtest.feed import Feed
from streams.backtest.ledger import Ledger
from streams.backtest.run import run_engine
from streams.detection.config import DetectionConfig
from streams.detection.engine import Engine
from streams.detection.replay import replay
from streams.produce import Columns, Source
from streams.simulator import FleetPlan, SimulatedEvent, simulate

NAMES = {
    InputTopic.USAGE: "product-usage",
    InputTopic.BILLING: "billing",
    InputTopic.ACCOUNTS: "accounts",
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
    assert sum(map(len, found.values())) > 100
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


def backtested(sources: list[Source], out: Path) -> dict[str, list[bytes]]:
    with Feed(sources) as feed, Ledger() as ledger:
        feed.read()
        run_engine(feed.blocks(), DetectionConfig(), ledger, names=NAMES, out_of_order=OUT_OF_ORDER, end=END)
        ledger.write(out)
    lines = out.read_bytes().splitlines()
    times = [parse_instant(orjson.loads(line)["at"]) for line in lines]
    assert times == sorted(times)
    return by_account(lines)


@pytest.mark.parametrize("seed", [None, 1, 2])
def test_files_in_any_order_give_the_transitions_of_the_engine(
    events: list[SimulatedEvent], expected: dict[str, list[bytes]], tmp_path: Path, seed: int | None
) -> None:
    sources = []
    for topic in (InputTopic.USAGE, InputTopic.BILLING, InputTopic.ACCOUNTS):
        lines = [orjson.dumps(event.value) for event in events if event.topic is topic]
        if seed is not None:
            Random(seed).shuffle(lines)
        file = tmp_path / f"{topic}.jsonl"
        file.write_bytes(b"\n".join(lines))
        sources.append(Source(file, topic))
    assert backtested(sources, tmp_path / "alerts.jsonl") == expected


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
    for topic in (InputTopic.BILLING, InputTopic.ACCOUNTS):
        file = tmp_path / f"{topic}.jsonl"
        file.write_bytes(b"\n".join(orjson.dumps(event.value) for event in events if event.topic is topic))
        sources.append(Source(file, topic))
    assert backtested(sources, tmp_path / "alerts.jsonl") == expected
