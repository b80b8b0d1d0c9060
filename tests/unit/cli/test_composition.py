"""What the usage topic is made of, as a terminal shows it."""

from __future__ import annotations

import pytest

from schemas.plain_usage import UsageFields
from streams.cli.composition import composition, show
from streams.runtime.settings import Settings

T = 1_740_000_000_000


def test_names_of_events_are_shown_as_they_are_and_do_nothing_to_a_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    names = ["[/b] plain", "red\x1b[31m\x1b]0;title\x07"]
    fields = [UsageFields("acme", T + number, name, "ann", 1, "product", None) for number, name in enumerate(names)]
    show(composition(Settings(), fields, 10), "product-usage")
    shown = capsys.readouterr().out
    assert "[/b] plain" in shown
    assert "red [31m ]0;title" in shown
    assert shown.replace("\n", "").isprintable()
