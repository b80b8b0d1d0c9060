"""What alerts were worth: how each ended, and what became of the account afterwards. Kept with the account, so that it
is counted once, whatever is killed."""

from collections.abc import Collection, Iterator, Mapping
from enum import StrEnum
from typing import Any, Final, NamedTuple

from schemas.alerts import Kind
from streams.detection.actions import Action, Actions
from streams.detection.bounded import put
from streams.detection.config import DAY_MS

SETTLED_MS: Final = 30 * DAY_MS
"""An alert is judged so long after it was resolved; what is not clear by then is looked at again after as long."""
LOOKS: Final = 6
"""After so many an alert is left out, whose account is neither well nor lost."""
ANY: Final = "any"
"""Stands for a kind where an account is counted, and not its alerts."""
_ENDED: Final = 24
"""More than an account has kinds of alerts, and a loss."""
_PENDING: Final = 32


class Outcome(StrEnum):
    """What an alert came to."""

    SAVED = "saved"
    """Somebody did something about it, and the account is active and well afterwards."""
    RECOVERED_UNAIDED = "recovered_unaided"
    """Nobody did, and it is well nevertheless: no money is claimed."""
    LOST = "lost"
    FALSE_ALARM = "false_alarm"
    """Nobody did, and taken together it never was below its normal."""
    MISSED = "missed"
    """Lost without an alert before: under `ANY`."""


class Pending(NamedTuple):
    """An alert that was resolved, and is to be judged."""

    kind: Kind
    alert_id: str
    since: int
    warned_at: int
    resolved_at: int
    judge_at: int
    acted: bool
    """Somebody did something about it before."""
    mrr_minor: int | None
    currency: str | None
    looks: int = 0
    of_source: bool = False
    """It was about one of several sources, of which the whole of activity says little."""


class Ended(NamedTuple):
    """An alert that was judged: the outcome, what was saved by it, and by how much (ms) it came before the decision."""

    alert_id: str
    outcome: Outcome
    mrr_minor: int = 0
    currency: str = ""
    lead: int = -1
    """-1: none."""
    by_person: bool = False


class Outcomes:
    """Of one account: alerts that wait to be judged, those judged last, the counts of all, and what was done."""

    __slots__ = ("actions", "counts", "ended", "pending")

    def __init__(self) -> None:
        self.actions = Actions()
        self.pending: dict[str, Pending] = {}
        """By alert id; at most 32."""
        self.ended: dict[str, tuple[str, Ended]] = {}
        """By alert id, with the kind: the last ones, which a person's word may still change; at most 24."""
        self.counts: dict[tuple[str, Outcome, str], list[int]] = {}
        """By kind, outcome and currency: how many, the MRR saved (minor units), how many had a lead, and its sum in
        hours."""

    def __bool__(self) -> bool:
        return bool(self.pending or self.counts or self.actions)

    def next_at(self) -> int | None:
        """When the next one is to be judged."""
        return min((each.judge_at for each in self.pending.values()), default=None)

    def wait(self, pending: Pending) -> None:
        """An alert is to be judged."""
        put(self.pending, pending.alert_id, pending, _PENDING)

    def take_back(self, alert_id: str) -> None:
        """What was counted under this id has not been."""
        before = self.ended.pop(alert_id, None)
        if before is not None:
            self._add(before[0], before[1], -1)
            self.actions.settle(alert_id, "")

    def count(self, kind: str, ended: Ended, current: Collection[str], reason: str = "") -> bool:
        """An alert, or under `ANY` the account, came to this; what was said of the same alert before no longer
        counts. A person's word is not overruled by what follows from events: False then. `current`: ids of which more
        may be said, fewer than are kept; the others make room. `reason`: the class of what the account left for."""
        before = self.ended.get(ended.alert_id)
        if before is not None and before[1].by_person and not ended.by_person:
            return False
        self.take_back(ended.alert_id)
        self._add(kind, ended, 1)
        if len(self.ended) >= _ENDED:
            replaceable = [each for each in self.ended if each not in current]
            del self.ended[replaceable[0]]
        self.ended[ended.alert_id] = (kind, ended)
        self._settle_actions(ended, reason)
        return True

    def act(self, action: Action) -> None:
        """Something was done about an alert."""
        self.actions.add(action)
        judged = self.ended.get(action.alert_id)
        if judged is not None:
            self._settle_actions(judged[1])

    def _settle_actions(self, ended: Ended, reason: str = "") -> None:
        saved = ended.mrr_minor if ended.outcome is Outcome.SAVED else 0
        self.actions.settle(ended.alert_id, ended.outcome.value, saved, ended.currency, reason)

    def _add(self, kind: str, ended: Ended, times: int) -> None:
        key = (kind, ended.outcome, ended.currency)
        had = self.counts.get(key, [0, 0, 0, 0])
        with_lead = ended.lead >= 0
        more = [1, ended.mrr_minor, int(with_lead), ended.lead // 3_600_000 if with_lead else 0]
        total = [before + times * each for before, each in zip(had, more, strict=True)]
        if total[0]:
            self.counts[key] = total
        else:
            self.counts.pop(key, None)

    def counted(self) -> list["Counted"]:
        """The counts, in order of their names."""
        return [Counted(*key, *values) for key, values in sorted(self.counts.items())]

    def digest(self) -> str:
        """The counts as short text: `KIND.OUTCOME.CURRENCY.TIMES.MRR.LEADS.HOURS+...`"""
        return "+".join([".".join(map(str, each)) for each in self.counted()])

    def encode(self) -> list[Any]:
        """JSON values; none at all for most accounts."""
        if not self:
            return []
        values: list[Any] = [
            [[each.kind.value, *each[1:]] for each in self.pending.values()],
            [[kind, *each] for kind, each in self.ended.values()],
            [[*key, *numbers] for key, numbers in self.counts.items()],
        ]
        return [*values, self.actions.encode()] if self.actions else values

    @classmethod
    def decode(cls, values: list[Any]) -> "Outcomes":
        """The inverse of `encode`."""
        outcomes = cls()
        if values:
            pending, ended, counts, *actions = values
            outcomes.actions = Actions.decode(actions[0]) if actions else Actions()
            outcomes.pending = {each[0]: Pending(Kind(kind), *each) for kind, *each in pending}
            for kind, alert_id, outcome, *more in ended:
                outcomes.ended[alert_id] = (kind, Ended(alert_id, Outcome(outcome), *more))
            outcomes.counts = {(kind, Outcome(outcome), currency): each for kind, outcome, currency, *each in counts}
        return outcomes


class Counted(NamedTuple):
    """One row of `Outcomes.digest`, read."""

    kind: str
    outcome: Outcome
    currency: str
    times: int
    mrr_minor: int
    leads: int
    lead_hours: int


def read_digest(text: str = "") -> Iterator[Counted]:
    """The inverse of `Outcomes.digest`."""
    for row in text.split("+") if text else ():
        kind, outcome, currency, *numbers = row.split(".")
        yield Counted(kind, Outcome(outcome), currency, *map(int, numbers))


def precision(counts: Mapping[str, int]) -> float | None:
    """Share of a kind's alerts that came to anything but a false alarm, by how many came to which `Outcome`; None where
    none was judged."""
    judged = sum(counts.values())
    return 1.0 - counts.get(Outcome.FALSE_ALARM, 0) / judged if judged else None


def recall(counts: Mapping[str, int], losses: Mapping[str, int]) -> float | None:
    """Share of the lost accounts that an alert of a kind came before; `losses`: the counts of `ANY`. None where none
    was lost."""
    lost = sum(losses.values())
    return counts.get(Outcome.LOST, 0) / lost if lost else None


def mean_lead(leads: int, lead_hours: int) -> float | None:
    """By how much alerts came before the decision, in the mean, in hours; None where there is none."""
    return lead_hours / leads if leads else None
