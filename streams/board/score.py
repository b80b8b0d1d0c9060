"""What is added up over accounts' pictures: what alerts and actions were worth, and what was lost."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

from schemas.instants import format_instant
from schemas.picture import ActionCount, Loss, OutcomeCount
from streams.detection.outcomes import ANY, Outcome, mean_lead, precision, recall

OUTCOMES: Final = tuple(
    each.value for each in (Outcome.SAVED, Outcome.RECOVERED_UNAIDED, Outcome.LOST, Outcome.FALSE_ALARM)
)
OF_ACTIONS: Final = (*OUTCOMES, "open")
"""What an alert that something was done about came to; open: it is not judged."""


class Paying(Protocol):
    """What of an account's billing is counted."""

    @property
    def mrr_minor(self) -> int | None: ...
    @property
    def currency(self) -> str | None: ...


class Scored(Protocol):
    """What of an account's picture is counted."""

    @property
    def account_id(self) -> str: ...
    @property
    def account_name(self) -> str | None: ...
    @property
    def billing(self) -> Paying: ...
    @property
    def loss(self) -> Loss | None: ...
    @property
    def outcomes(self) -> tuple[OutcomeCount, ...]: ...
    @property
    def actions(self) -> tuple[ActionCount, ...]: ...


@dataclass
class Score:
    """Sums over accounts. Money is in minor units, by currency: currencies are never added to each other."""

    accounts: int = 0
    paying: int = 0
    mrr: Counter[str] = field(default_factory=Counter)
    outcomes: dict[str, Counter[str]] = field(default_factory=dict)
    """By kind."""
    saved: dict[str, Counter[str]] = field(default_factory=dict)
    """MRR by kind and currency."""
    leads: Counter[str] = field(default_factory=Counter)
    lead_hours: Counter[str] = field(default_factory=Counter)
    done: Counter[tuple[str, str, str, str]] = field(default_factory=Counter)
    """What was done: by what it was, the kind of the alert, the reason class, and what the alert came to."""
    cost: dict[tuple[str, str, str], Counter[str]] = field(default_factory=dict)
    """Of what was done, whatever it came to; and the MRR that it saved."""
    returned: dict[tuple[str, str, str], Counter[str]] = field(default_factory=dict)
    lost: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    """Accounts by month (UTC), decision and reason class."""
    mrr_lost: dict[tuple[str, str, str], Counter[str]] = field(default_factory=dict)
    influenceable: int = 0
    to_ask: list[tuple[int, str]] = field(default_factory=list)
    """Accounts that decided to leave for no known reason: when, and who."""

    def add(self, picture: Scored) -> None:
        """Count an account."""
        self.accounts += 1
        billing = picture.billing
        if picture.loss is not None:
            self._add_loss(picture.account_name or picture.account_id, picture.loss)
        elif billing.mrr_minor is not None and billing.currency is not None:
            self.paying += billing.mrr_minor > 0
            self.mrr[billing.currency] += billing.mrr_minor
        for each in picture.outcomes:
            self.outcomes.setdefault(each.kind, Counter())[each.outcome] += each.times
            self.leads[each.kind] += each.leads
            self.lead_hours[each.kind] += each.lead_hours
            if each.outcome == Outcome.SAVED and each.currency is not None:
                self.saved.setdefault(each.kind, Counter())[each.currency] += each.mrr_minor

        for done in picture.actions:
            self._add_action(done)

    def _add_action(self, done: ActionCount) -> None:
        what = (done.action, done.kind, done.reason_class or "unknown")
        self.done[*what, done.outcome or "open"] += done.times
        if done.currency is not None or done.cost_minor:
            self.cost.setdefault(what, Counter())[done.currency or ""] += done.cost_minor
            self.returned.setdefault(what, Counter())[done.currency or ""] += done.saved_minor

    def _add_loss(self, who: str, loss: Loss) -> None:
        decision = "voluntary" if loss.voluntary else "involuntary"
        row = (format_instant(loss.at)[:7], decision, loss.reason_class or "unknown")
        self.lost[row] += 1
        self.influenceable += bool(loss.influenceable)
        if loss.mrr_minor is not None and loss.currency is not None:
            self.mrr_lost.setdefault(row, Counter())[loss.currency] += loss.mrr_minor
        if loss.voluntary and loss.reason_class is None:
            self.to_ask.append((loss.at, who))

    def kinds(self) -> list[str]:
        """Kinds that have been judged."""
        return sorted(kind for kind in self.outcomes if kind != ANY)

    def actions(self) -> list[tuple[str, str, str]]:
        """What was done: what it was, the kind of the alert, and the reason class."""
        return sorted({(action, kind, reason) for action, kind, reason, _ in self.done})

    @property
    def losses(self) -> int:
        """Lost accounts that were judged."""
        return self.outcomes.get(ANY, Counter()).total()

    def precision(self, kind: str) -> float | None:
        """See `outcomes.precision`."""
        return precision(self.outcomes.get(kind, {}))

    def recall(self, kind: str) -> float | None:
        """See `outcomes.recall`."""
        return recall(self.outcomes.get(kind, {}), self.outcomes.get(ANY, {}))

    def lead_days(self, kind: str) -> float | None:
        """By how much before the decision, in the mean."""
        hours = mean_lead(self.leads[kind], self.lead_hours[kind])
        return None if hours is None else hours / 24

    def as_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return {
            "accounts": self.accounts,
            "paying": self.paying,
            "mrr_active_minor": dict(self.mrr),
            "losses": {"judged": self.losses, "foreseen": self.recall(ANY), "lead_days": self.lead_days(ANY)},
            "influenceable": self.influenceable,
            "kinds": {
                kind: {
                    "outcomes": dict(self.outcomes[kind]),
                    "precision": self.precision(kind),
                    "recall": self.recall(kind),
                    "lead_days": self.lead_days(kind),
                    "mrr_saved_minor": dict(self.saved.get(kind, {})),
                }
                for kind in self.kinds()
            },
            "actions": [
                {
                    "action": what[0],
                    "kind": what[1],
                    "reason": what[2],
                    "outcomes": {
                        outcome: self.done[*what, outcome] for outcome in OF_ACTIONS if self.done[*what, outcome]
                    },
                    "cost_minor": dict(self.cost.get(what, {})),
                    "mrr_saved_minor": dict(self.returned.get(what, {})),
                }
                for what in self.actions()
            ],
            "lost": [
                {
                    "month": month,
                    "decision": decision,
                    "reason": reason,
                    "accounts": count,
                    "mrr_minor": dict(self.mrr_lost.get((month, decision, reason), {})),
                }
                for (month, decision, reason), count in sorted(self.lost.items())
            ],
            "to_ask": [who for _, who in sorted(self.to_ask, reverse=True)],
        }
