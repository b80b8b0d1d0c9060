"""The rules load, say what is the matter, fire when they should and only then, and have their page in the runbook."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import Any

import pytest

from deploy.grafana.runbook import RUNBOOK, pages
from tests.unit.monitoring.files import DEPLOY, RULES, STORIES, rules, run

pytestmark = pytest.mark.slow

ALERTS = rules("alerts.yml")
NAMES = [rule["alert"] for rule in ALERTS]
PAGES = list(pages(RUNBOOK.read_text(encoding="utf-8")))
FILES = ["recording.yml", "alerts.yml"]
_STORIES = sorted(STORIES.glob("*.yml"))


def test_the_rules_and_the_configuration_are_valid(promtool: str) -> None:
    run(promtool, "check", "rules", "--lint=all", "--lint-fatal", *FILES, cwd=RULES)
    run(promtool, "check", "config", "--lint=all", "--lint-fatal", "prometheus.yml", cwd=RULES)


def test_the_configuration_of_the_compose_file_is_valid_beside_the_rules_that_it_mounts(
    promtool: str, tmp_path: Path
) -> None:
    for file in (RULES / "recording.yml", RULES / "alerts.yml", DEPLOY / "compose" / "prometheus.yml"):
        shutil.copy(file, tmp_path)
    run(promtool, "check", "config", "--lint=all", "--lint-fatal", "prometheus.yml", cwd=tmp_path)


@pytest.mark.parametrize("story", _STORIES, ids=lambda story: story.stem)
def test_alerts_fire_when_they_should_and_no_other_does(promtool: str, story: Path) -> None:
    run(promtool, "test", "rules", story.name, cwd=STORIES)


def test_every_alert_has_a_story_in_which_it_fires() -> None:
    told = "".join(story.read_text(encoding="utf-8") for story in _STORIES)
    assert set(re.findall(r"""labels: '\{alertname="(\w+)"\}'""", told)) == set(NAMES)
    assert len(NAMES) == len(set(NAMES))


@pytest.mark.parametrize("rule", ALERTS, ids=NAMES)
def test_an_alert_says_how_bad_it_is_what_it_is_and_where_to_read_on(rule: dict[str, dict[str, str]]) -> None:
    name, notes = rule["alert"], rule["annotations"]
    assert rule["labels"]["severity"] in {"critical", "warning", "info"}
    assert notes.keys() == {"summary", "description", "runbook_url"}
    assert notes["runbook_url"] == f"deploy/RUNBOOK.md#{str(name).lower()}"
    assert notes["summary"][-1] != "."
    assert notes["description"][-1] == "."


def test_the_runbook_has_a_page_for_each_alert_and_no_other() -> None:
    assert [name for name, _ in PAGES] == NAMES


@pytest.mark.parametrize(("name", "page"), PAGES, ids=[name for name, _ in PAGES])
def test_a_page_tells_what_it_means_where_to_look_and_what_to_do(name: str, page: str) -> None:
    assert re.findall(r"^\*\*(\w+)\.\*\* ", page, re.MULTILINE) == ["Means", "Look", "Do"]
    known = {*NAMES}
    assert set(re.findall(r"Slackwater[A-Z]\w+", page)) <= known - {name}


@pytest.mark.parametrize("rule", ALERTS, ids=NAMES)
def test_an_alert_names_only_labels_that_it_has(rule: dict[str, Any]) -> None:
    levels = re.findall(r"\b((?:job|topic|route|stage)(?:_[a-z]+)*):slackwater_", rule["expr"])
    added_up = [*re.findall(r"\bby \(([^)]*)\)", rule["expr"]), *(level.replace("_", ",") for level in levels)]
    labels = {label.strip() for some in added_up for label in some.split(",")} or {
        "job",
        "instance",
        "topic",
        "partition",
    }
    said = set(re.findall(r"\$labels\.(\w+)", str(rule["annotations"])))
    assert said <= labels
