"""The page of signals is made from the code, and says something of each."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from schemas.alerts import Kind
from streams.cli import app
from streams.cli.signals import markdown, pages
from streams.runtime.settings import Settings

PAGE = Path(__file__).parents[3] / "SIGNALS.md"


def test_the_page_is_that_of_the_code() -> None:
    assert PAGE.read_text() == markdown(pages()), "slackwater signals > SIGNALS.md"


@pytest.mark.parametrize("page", pages(), ids=lambda page: page.kind)
def test_every_kind_says_when_it_fires_and_what_to_do(page: object) -> None:
    (found,) = [each for each in pages() if each is page or each == page]
    assert found.text.startswith("Fires ")
    assert "esolve" in found.text
    assert found.steps[-1][0] == ""
    assert {name.lower() for name in found.settings} <= set(Settings.model_fields)


def test_one_kind_or_all_as_text_or_json() -> None:
    run = CliRunner().invoke
    one = run(app, ["signals", "usage_drop"]).output
    assert "## usage_drop" in one
    assert "## usage_silence" not in one
    every = json.loads(run(app, ["signals", "--json"]).output)
    assert [each["kind"] for each in every] == list(Kind)
    wrong = run(app, ["signals", "usage_dorp"])
    assert wrong.exit_code == 2
    assert "usage_silence" in wrong.output
