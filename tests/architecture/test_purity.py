"""The pure layers are pure: `schemas`, `streams/detection`, and `alerting` but for its delivery."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.architecture.purity import imported_names, impurities

ROOT = Path(__file__).resolve().parents[2]
# What each layer may import besides the pure part of the standard library.
LAYERS = {
    "schemas": frozenset(
        {"schemas", "pydantic", "pydantic_core", "annotated_types", "typing_extensions", "msgspec", "orjson", "xxhash"}
    ),
    "streams/detection": frozenset(
        {"schemas", "streams.detection", "alerting.lifecycle", "alerting.playbook", "alerting.words", "orjson", "numpy"}
    ),
    "alerting": frozenset({"schemas", "alerting", "pydantic", "typing_extensions", "slack_sdk.models", "orjson"}),
}
# The table of answers to a delivery: what the outbox decides by, without sending anything.
PURE_DELIVERY = "answers.py"
FILES = [
    pytest.param(path, packages, id=str(path.relative_to(ROOT)))
    for layer, packages in LAYERS.items()
    for path in sorted((ROOT / layer).rglob("*.py"))
    if "delivery" not in path.relative_to(ROOT).parts or path.name == PURE_DELIVERY
]


@pytest.mark.parametrize(("path", "packages"), FILES)
def test_a_pure_file_reads_no_clock_no_environment_and_no_shared_state(path: Path, packages: frozenset[str]) -> None:
    found = impurities(path.read_text(encoding="utf-8"), packages=packages)
    assert not found, "\n".join(f"{path}:{impurity.line}: {impurity.what}" for impurity in found)


@pytest.mark.parametrize("layer", ["schemas", "streams/detection", "alerting"])
def test_every_pure_layer_was_looked_at(layer: str) -> None:
    assert sum(str(file.values[0]).startswith(str(ROOT / layer)) for file in FILES) > 3


def test_the_pure_part_of_alerting_knows_of_its_delivery_only_the_answers() -> None:
    for path in sorted((ROOT / "alerting").glob("*.py")):
        names = imported_names(path.read_text(encoding="utf-8"))
        known = [name for name in names if name.startswith("alerting.delivery")]
        assert [name for name in known if not name.startswith("alerting.delivery.answers.")] == [], path


@pytest.mark.parametrize(
    ("source", "what"),
    [
        ("import time", "imports time"),
        ("import os", "imports os"),
        ("from os import environ", "imports os.environ"),
        ("import logging", "imports logging"),
        ("from random import random", "imports random.random"),
        ("import random", "imports random"),
        ("import aiohttp", "imports aiohttp"),
        ("def f():\n    import socket", "imports socket"),
        ("from datetime import datetime\nx = datetime.now()", "reads the clock: datetime.now()"),
        ("import datetime\nx = datetime.date.today()", "reads the clock: date.today()"),
        ("text = open('x').read()", "calls open()"),
        ("print(1)", "calls print()"),
        ("from random import Random\nchance = Random()", "makes a source of chance: Random()"),
        ("seen = 0\ndef f():\n    global seen\n    seen += 1", "global seen"),
        ("seen = {}\ndef f(x):\n    seen[x] = 1", "changes the module's seen"),
        ("seen = {}\ndef f(x):\n    del seen[x]", "changes the module's seen"),
        ("seen: list[int] = []\ndef f(x):\n    seen.append(x)", "changes the module's seen"),
        ("from alerting.delivery import slack", "imports alerting.delivery.slack"),
    ],
)
def test_what_is_impure_is_found(source: str, what: str) -> None:
    found = impurities(source, packages=frozenset({"schemas"}))
    assert what in [impurity.what for impurity in found]


@pytest.mark.parametrize(
    "source",
    [
        "from schemas.errors import Reason",
        "import schemas.errors",
        "from random import Random\ndef f(chance: Random) -> float:\n    return chance.random()",
        "from datetime import datetime\ndef f(now: datetime) -> datetime:\n    return now.replace(tzinfo=None)",
        "TABLE = {1: 2}\ndef f(x):\n    table = dict(TABLE)\n    table[x] = 1\n    return table",
        "names = []\nnames.append('built once, while the module loads')",
        "items = ()\ndef f(items):\n    items.append(1)",
    ],
)
def test_what_is_pure_is_let_through(source: str) -> None:
    assert impurities(source, packages=frozenset({"schemas"})) == []
