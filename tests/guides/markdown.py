"""The fenced blocks of a Markdown file."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

_FENCE: Final = re.compile(r"^```(\w*)\n(.*?)^```$", re.DOTALL | re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Block:
    """What stands between fences: `sh` is to be run, `console` (with a `$`) cannot be run here, `text` right after
    one of `sh` is what that says."""

    language: str
    text: str
    line: int
    shown: str | None = None
    """Of a block of `sh`: what it says, where the guide shows it."""


def blocks(path: Path) -> list[Block]:
    """The blocks in their order, those that are another's output with that one."""
    text = path.read_text(encoding="utf-8")
    found: list[Block] = []
    end = -1
    for fence in _FENCE.finditer(text):
        language, inside = fence[1], fence[2]
        follows = bool(found) and found[-1].language == "sh" and not text[end : fence.start()].strip()
        if language == "text" and follows:
            found[-1] = Block("sh", found[-1].text, found[-1].line, inside)
        else:
            found.append(Block(language, inside, text.count("\n", 0, fence.start()) + 2))
        end = fence.end()
    return found
