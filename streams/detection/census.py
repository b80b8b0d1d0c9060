"""How many accounts there are of which standing, kept up to date as they change.

An account's standing is a short text near the beginning of its stored value, so that accounts can be counted after a
recovery without decoding them.
"""

from collections import Counter
from functools import lru_cache
from typing import NamedTuple

from schemas.alerts import Kind, Severity
from schemas.picture import Phase
from streams.detection.state import standing_of


class Standing(NamedTuple):
    """What is counted of one account."""

    phase: Phase
    alerts: tuple[tuple[Kind, Severity], ...]
    currency: str | None
    mrr_minor: int


class Census:
    """Counts over accounts."""

    def __init__(self) -> None:
        self.accounts: Counter[Phase] = Counter()
        self.alerts: Counter[tuple[Kind, Severity]] = Counter()
        """Open alerts."""
        self.mrr_active: Counter[str] = Counter()
        """Monthly recurring revenue in minor units by currency, of all accounts that are not lost."""
        self.mrr_at_risk: Counter[tuple[str, Kind]] = Counter()
        """The same of the accounts with an open alert, under each of its kinds."""

    def enter(self, value: bytes) -> None:
        """Count an account by its stored value. Raises `StateError` for one of a newer version."""
        self.add(standing_of(value), 1)

    def change(self, before: bytes | None, after: bytes) -> None:
        """An account's stored value changes."""
        old, new = None if before is None else standing_of(before), standing_of(after)
        if old != new:
            if old is not None:
                self.add(old, -1)
            self.add(new, 1)

    def add(self, text: str, times: int) -> None:
        """Count so many accounts with the same standing; fewer, when the number is negative."""
        standing = _read(text)
        self.accounts[standing.phase] += times
        for alert in standing.alerts:
            self.alerts[alert] += times
        if standing.currency is not None:
            self.mrr_active[standing.currency] += times * standing.mrr_minor
            for kind, _ in standing.alerts:
                self.mrr_at_risk[standing.currency, kind] += times * standing.mrr_minor


@lru_cache(maxsize=4_096)
def _read(text: str) -> Standing:
    phase, alerts, mrr_minor, currency = text.split("|")
    pairs = (each.split(".") for each in alerts.split("+") if each)
    open_ = tuple((Kind(kind), Severity(severity)) for kind, severity in pairs)
    return Standing(Phase(phase), open_, currency or None, int(mrr_minor or 0))
