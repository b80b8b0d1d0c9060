"""The page of formats is made from the code, and names every type and reason there is."""

from __future__ import annotations

from pathlib import Path

from typer.testing import CliRunner

from schemas.formats.outcome import Ignored
from schemas.formats.stripe.event import ACCOUNTS, BILLING
from streams.cli import app
from streams.cli.formats import markdown

PAGE = Path(__file__).parents[3] / "FORMATS.md"


def test_the_page_is_that_of_the_code() -> None:
    assert PAGE.read_text() == markdown(), "slackwater formats > FORMATS.md"
    assert CliRunner().invoke(app, ["formats"]).output == markdown()


def test_every_type_and_every_reason_for_saying_nothing_is_on_it() -> None:
    for name in (*BILLING, *ACCOUNTS, *Ignored):
        assert f"| `{name}` |" in markdown(), name
