"""Names that a setting gives: `*` stands for any text."""

import re
from collections.abc import Iterable
from typing import Final

_REMEMBERED: Final = 1 << 16
"""Names whose answer is remembered."""


class Names:
    """Whether a name is among those given.

    >>> Names(["report.*", "export"]).match("report.viewed"), Names(["export"]).match("exported")
    (True, False)
    """

    def __init__(self, names: Iterable[str]) -> None:
        self._pattern = matching(names)
        self._known: dict[str, bool] = {}

    def match(self, name: str) -> bool:
        """Whether it is."""
        known = self._known
        return known[name] if name in known else self._judge(name)

    def _judge(self, name: str) -> bool:
        found = self._pattern is not None and self._pattern.fullmatch(name) is not None
        if len(self._known) >= _REMEMBERED:
            self._known.clear()
        self._known[name] = found
        return found


def matching(names: Iterable[str]) -> re.Pattern[str] | None:
    """What matches such names in full; None for no name."""
    patterns = [".*".join(re.escape(part) for part in name.split("*")) for name in names]
    return re.compile("|".join(patterns), re.DOTALL) if patterns else None
