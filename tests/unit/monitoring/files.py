"""The files that are tested, and what is in them."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import yaml

DEPLOY: Final = Path(__file__).parents[3] / "deploy"
RULES: Final = DEPLOY / "prometheus"
DASHBOARDS: Final = DEPLOY / "grafana" / "dashboards"
STORIES: Final = Path(__file__).parent / "rules"
_METRIC: Final = re.compile(r"(?<![\w:])slackwater_\w+")


def rules(file: str) -> list[dict[str, Any]]:
    """The rules of a file."""
    groups = yaml.safe_load((RULES / file).read_text(encoding="utf-8"))["groups"]
    return [rule for group in groups for rule in group["rules"]]


def dashboards() -> dict[str, dict[str, Any]]:
    """Each dashboard by its uid."""
    found = [json.loads(file.read_text(encoding="utf-8")) for file in sorted(DASHBOARDS.glob("*.json"))]
    return {each["uid"]: each for each in found}


def panels(dashboard: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """What is shown, without the headings."""
    return (panel for panel in dashboard["panels"] if panel["type"] != "row")


def metrics_in(expression: str) -> set[str]:
    """The names of slackwater's own metrics in a query, as they are on the page."""
    return set(_METRIC.findall(expression))


def run(*command: str, cwd: Path) -> None:
    """Run a checker; what it says is the failure."""
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
