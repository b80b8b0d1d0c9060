"""Alarms held against outcomes. Pure.

With losses that are known (a file, billing) an alarm is right when it was open, or opened, in the 60 days before the
account left, or decided to: then its *lead* is the days from the alarm to that. With silence as the outcome a loss is
dated to the last event, and an alarm is right that opened from 60 days before it until the silence was long enough to
call it a loss, or that opened sooner and was open still: its *delay* is the days from the last event to the alarm. One
that was over by then was no word on that silence.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from math import exp
from statistics import median

from streams.backtest.incidents import Incident
from streams.backtest.outcomes import Basis, Outcomes
from streams.detection.config import DAY_MS

BEFORE_DAYS = 60
YEAR_MS = 365.25 * DAY_MS


class Verdict(StrEnum):
    """What became of an alarm."""

    RIGHT = "right"
    FALSE = "false"
    UNDECIDED = "undecided"
    """The data end too soon to tell: the account may be leaving."""
    LATE = "late"
    """It opened when the account had decided to leave, or had left."""


@dataclass(frozen=True, slots=True)
class Span:
    """What is known of an account besides its alarms. Times in milliseconds."""

    last_event_at: int
    monitored_at: int | None
    """From when on it is judged; None: never."""
    decided_at: int | None = None
    """When it scheduled its cancellation, if it is lost."""


@dataclass(frozen=True, slots=True)
class Found:
    """A loss and the alarm that was right about it. `days`: the delay, with silence as the outcome; otherwise the lead.
    Both None: it was missed."""

    account: str
    at: int
    judged: bool
    """Whether the account was known well enough, before it left, to be judged; and left before the data end."""
    incident: Incident | None
    days: float | None


@dataclass(frozen=True, slots=True)
class Judged:
    """Alarms and losses, each with its verdict."""

    basis: Basis
    alarms: tuple[tuple[Incident, Verdict], ...]
    losses: tuple[Found, ...]
    silence_days: int
    """See `Outcomes`."""
    account_years: float
    """Time in which accounts were judged and not yet lost."""
    counts: Mapping[Verdict, int]
    """Alarms by verdict."""

    def without_alarms(self) -> "Judged":
        """The same without the alarms one by one, which are many."""
        return replace(self, alarms=())

    @property
    def raised(self) -> int:
        """All alarms."""
        return sum(self.counts.values())

    def count(self, verdict: Verdict) -> int:
        """Alarms with this verdict."""
        return self.counts.get(verdict, 0)

    @property
    def false_alarms_per_account_year(self) -> float | None:
        """None when no account was ever judged."""
        return self.count(Verdict.FALSE) / self.account_years if self.account_years else None

    @property
    def precision(self) -> float | None:
        """Right ones among the alarms that are decided; None without any."""
        right, false = self.count(Verdict.RIGHT), self.count(Verdict.FALSE)
        return right / (right + false) if right + false else None

    @property
    def judged_losses(self) -> list[Found]:
        """Losses of accounts that were known well enough to be judged."""
        return [loss for loss in self.losses if loss.judged]

    @property
    def days(self) -> list[float]:
        """Delays, or leads, of the losses found, ascending."""
        return sorted(loss.days for loss in self.judged_losses if loss.days is not None)

    @property
    def recall(self) -> float | None:
        """Share of the judged losses that were found; None without any."""
        return self._share(len(self.days))

    @property
    def median_days(self) -> float | None:
        """Half of the losses found had a delay, or a lead, of at most so many days."""
        return median(self.days) if self.days else None

    @property
    def by_chance(self) -> float | None:
        """Share of the losses that as many alarms at random times would have been right about."""
        if not self.account_years:
            return None
        days = BEFORE_DAYS + self.silence_days
        return 1.0 - exp(-self.raised / self.account_years * days * DAY_MS / YEAR_MS)

    def within(self, days: float) -> float | None:
        """Share of the judged losses with a delay of at most, or a lead of at least, so many days."""
        if self.basis is Basis.SILENCE:
            return self._share(sum(each <= days for each in self.days))
        return self._share(sum(each >= days for each in self.days))

    def _share(self, count: int) -> float | None:
        losses = len(self.judged_losses)
        return count / losses if losses else None


def judge(alarms: Mapping[str, Iterable[Incident]], outcomes: Outcomes, spans: Mapping[str, Span], end: int) -> Judged:
    """Hold alarms against outcomes. `spans` has every account; the data go up to `end` (ms)."""
    judged: list[tuple[Incident, Verdict]] = []
    losses: list[Found] = []
    exposed = 0
    for account, span in spans.items():
        at = outcomes.losses.get(account)
        own = list(alarms.get(account, ()))
        leaves = None if at is None else _leaves(outcomes, span, at)
        verdicts = [(each, _verdict(each, outcomes, span, leaves, end)) for each in own]
        judged += verdicts
        until = span.last_event_at if outcomes.basis is Basis.SILENCE else end if leaves is None else leaves
        if span.monitored_at is not None:
            exposed += max(0, min(until, end) - span.monitored_at)
        if at is not None and leaves is not None:
            first = next((each for each, verdict in verdicts if verdict is Verdict.RIGHT), None)
            days = None if first is None else (first.opened_at - leaves) / DAY_MS
            if days is not None and outcomes.basis is not Basis.SILENCE:
                days = -days
            latest = leaves + outcomes.silence_days * DAY_MS
            known = span.monitored_at is not None and span.monitored_at < latest and leaves <= end
            losses.append(Found(account, at, known, first, days))
    counts = Counter(verdict for _, verdict in judged)
    return Judged(outcomes.basis, tuple(judged), tuple(losses), outcomes.silence_days, exposed / YEAR_MS, counts)


def _leaves(outcomes: Outcomes, span: Span, at: int) -> int:
    """The moment that an alarm has to come before, or is measured from."""
    if outcomes.basis is Basis.SILENCE or span.decided_at is None:
        return at
    return min(at, span.decided_at)


def _verdict(alarm: Incident, outcomes: Outcomes, span: Span, leaves: int | None, end: int) -> Verdict:
    if leaves is not None:
        latest = leaves + outcomes.silence_days * DAY_MS
        if alarm.opened_at > latest:
            return Verdict.LATE
        earliest = leaves - BEFORE_DAYS * DAY_MS
        silence = outcomes.basis is Basis.SILENCE
        is_open = alarm.closed_at is None or (alarm.closed_at > leaves if silence else alarm.closed_at >= earliest)
        return Verdict.RIGHT if is_open or alarm.opened_at >= earliest else Verdict.FALSE
    if outcomes.basis is Basis.SILENCE:
        return Verdict.UNDECIDED if alarm.opened_at > span.last_event_at else Verdict.FALSE
    recent = alarm.opened_at > end - BEFORE_DAYS * DAY_MS
    return Verdict.UNDECIDED if recent and alarm.closed_at is None else Verdict.FALSE
