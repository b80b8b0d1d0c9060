"""Importing the pure layers loads no framework and no client library, also not by way of something else."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
FRAMEWORKS = {"aiohttp", "aiokafka", "asyncio", "faust", "mode", "prometheus_client", "rich", "typer"}
_PROGRAM = """
import importlib, sys
for name in sys.argv[1:]:
    importlib.import_module(name)
print(*sys.modules)
"""


@pytest.mark.parametrize(
    ("folder", "also_loads"),
    [
        ("schemas", set()),
        ("streams/detection", set()),
        ("alerting", {"asyncio"}),  # slack_sdk's models come with its package, which loads more than they need
    ],
)
def test_the_pure_layers_load_no_framework(folder: str, also_loads: set[str]) -> None:
    modules = [
        ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
        for path in sorted((ROOT / folder).rglob("*.py"))
        if "delivery" not in path.parts
    ]
    command = [sys.executable, "-c", _PROGRAM, *modules]
    loaded = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.split()
    assert set(loaded) & FRAMEWORKS <= also_loads
