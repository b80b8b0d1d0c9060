"""The runbook in Grafana: a text for each page, so that links to it work wherever Grafana is."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from grafana_foundation_sdk.builders import dashboard as build
from grafana_foundation_sdk.builders import text
from grafana_foundation_sdk.models.text import TextMode

from deploy.grafana.parts import board

RUNBOOK: Final = Path(__file__).parents[1] / "RUNBOOK.md"
_HEADING: Final = re.compile(r"^## (\w+)\n", re.MULTILINE)


def pages(runbook: str) -> Iterator[tuple[str, str]]:
    """The name of each alert, and its page in Markdown.

    >>> list(pages("Words.\\n## A\\n\\nmeans\\n\\n## B\\ndo"))
    [('A', 'means'), ('B', 'do')]
    """
    _, *parts = _HEADING.split(runbook)
    for name, page in zip(parts[::2], parts[1::2], strict=True):
        yield name, page.strip()


def runbook() -> build.Dashboard:
    """The dashboard."""
    made = board(
        "runbook", "runbook", "What each alert of Prometheus means, where to look, and what to do.", since="now-6h"
    )
    for name, page in pages(RUNBOOK.read_text(encoding="utf-8")):
        shown = text.Panel().title(name).description("From deploy/RUNBOOK.md.").mode(TextMode.MARKDOWN).content(page)
        made.with_panel(shown.height(9).span(12))
    return made
