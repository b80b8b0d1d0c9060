"""The commands of deploy/README.md, and of the pages beside it."""

from __future__ import annotations

import re

from tests.unit.deployment.files import DEPLOY


def commands(heading: str | None = None, page: str = "README.md") -> list[str]:
    """The lines of all blocks of code, or of those under a heading."""
    text = (DEPLOY / page).read_text(encoding="utf-8")
    if heading is not None:
        text = text.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    blocks = re.findall(r"^```\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    return [line for block in blocks for line in block.splitlines()]
