"""How many accounts there are of which standing, kept up to date as they change.

An account's standing is a short text near the beginning of its stored value, so that accounts can be counted after a
recovery without decoding them.
"""

from collections import Counter
from functools import lru_cache
from typing import NamedTuple

from schemas.alerts import Kind, Severity
from schemas.picture import Phase
from streams.detection.actions import Came
from streams.detection.actions import read_digest as actions_of
from streams.detection.outcomes import Counted, Outcome, read_digest
from streams.detection.state import standing_of


class Standing(NamedTuple):
    """What is counted of one account."""

    phase: Phase
    alerts: tuple[tuple[Kind, Severity], ...]
    currency: str | None
    mrr_minor: int
    outcomes: tuple[Counted, ...]
    actions: tuple[Came, ...]
    explained: bool | None
    """A lost account has said why; None of one that is not lost, or whose state is of a time when that was not kept."""


class Census:
    """Counts over accounts."""

    def __init__(self) -> None:
        self.accounts: Counter[Phase] = Counter()
        self.alerts: Counter[tuple[Kind, Severity]] = Counter()
        """Open alerts."""
        self.mrr_active: Counter[str] = Counter()
        """Monthly recurring revenue in minor units by currency, of all accounts that are not lost."""
        self.paying: Counter[str] = Counter()
        """How many of these accounts pay anything, by currency."""
        self.explained: Counter[bool] = Counter()
        """Lost accounts, by whether they have said why."""
        self.actions: Counter[tuple[str, str, str]] = Counter()
        """What was done about alerts that are judged: by their kind, the class of the action, and the outcome."""
        self.outcomes: Counter[tuple[str, Outcome]] = Counter()
        """Alerts by kind, and accounts under `ANY`, by what they came to."""
        self.mrr_saved: Counter[tuple[str, str]] = Counter()
        """Monthly recurring revenue in minor units by currency and kind."""
        self.leads: Counter[str] = Counter()
        """Losses by kind that an alert came before."""
        self.lead_hours: Counter[str] = Counter()
        """By how many hours it did, added up."""
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
            self.paying[standing.currency] += times * (standing.mrr_minor > 0)
            for kind, _ in standing.alerts:
                self.mrr_at_risk[standing.currency, kind] += times * standing.mrr_minor
        if standing.explained is not None:
            self.explained[standing.explained] += times
        for done in standing.actions:
            self.actions[done.kind, done.action, done.outcome] += times * done.times
        for each in standing.outcomes:
            self.outcomes[each.kind, each.outcome] += times * each.times
            self.leads[each.kind] += times * each.leads
            self.lead_hours[each.kind] += times * each.lead_hours
            if each.outcome is Outcome.SAVED and each.currency:
                self.mrr_saved[each.currency, each.kind] += times * each.mrr_minor


@lru_cache(maxsize=4_096)
def _read(text: str) -> Standing:
    phase, alerts, mrr_minor, currency, *more = text.split("|")
    outcomes, actions, explained = [*more, *("", "", "")][:3]
    pairs = (each.split(".") for each in alerts.split("+") if each)
    open_ = tuple((Kind(kind), Severity(severity)) for kind, severity in pairs)
    return Standing(
        Phase(phase),
        open_,
        currency or None,
        int(mrr_minor or 0),
        tuple(read_digest(outcomes)),
        tuple(actions_of(actions)),
        explained == "1" if explained else None,
    )
