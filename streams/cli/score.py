"""`slackwater score`: what alerts were worth, and what was lost, read from the accounts' pictures."""

# ruff: noqa: PLC0415 - what is slow to import is imported when it is needed, so that help comes at once

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, Any

import typer

from streams.cli.common import emit_json, run, settings_of, tell

if TYPE_CHECKING:
    from schemas.picture import AccountPicture, Loss
    from streams.runtime.settings import Settings

ANY = "any"
_OUTCOMES = ("saved", "recovered_unaided", "lost", "false_alarm")
_ASKED = 20


def register(app: typer.Typer) -> None:
    """Put the command into the application."""
    app.command(epilog="Example: slackwater score --json")(score)


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
    lost: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    """Accounts by month (UTC), decision and reason class."""
    mrr_lost: dict[tuple[str, str, str], Counter[str]] = field(default_factory=dict)
    influenceable: int = 0
    to_ask: list[tuple[int, str]] = field(default_factory=list)
    """Accounts that decided to leave for no known reason: when, and who."""

    def add(self, picture: "AccountPicture") -> None:
        """Count an account."""
        self.accounts += 1
        billing = picture.billing
        if picture.loss is not None:
            self._add_loss(picture.account_name or picture.account_id, picture.loss)
        elif billing.mrr_minor is not None and billing.currency is not None:
            self.paying += 1
            self.mrr[billing.currency] += billing.mrr_minor
        for each in picture.outcomes:
            self.outcomes.setdefault(each.kind, Counter())[each.outcome] += each.times
            self.leads[each.kind] += each.leads
            self.lead_hours[each.kind] += each.lead_hours
            if each.outcome == "saved" and each.currency is not None:
                self.saved.setdefault(each.kind, Counter())[each.currency] += each.mrr_minor

    def _add_loss(self, who: str, loss: "Loss") -> None:
        from schemas.instants import format_instant

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

    @property
    def losses(self) -> int:
        """Lost accounts that were judged."""
        return self.outcomes.get(ANY, Counter()).total()

    def precision(self, kind: str) -> float:
        """Share of the kind's alerts that came to anything but a false alarm."""
        counts = self.outcomes[kind]
        return 1.0 - counts["false_alarm"] / counts.total()

    def recall(self, kind: str) -> float | None:
        """Share of the lost accounts that an alert of the kind came before; None where none was lost."""
        return self.outcomes.get(kind, Counter())["lost"] / self.losses if self.losses else None

    def lead_days(self, kind: str) -> float | None:
        """By how much before the decision, in the mean."""
        return self.lead_hours[kind] / self.leads[kind] / 24 if self.leads[kind] else None

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


def score(
    context: typer.Context,
    as_json: Annotated[bool, typer.Option("--json", help="Write it as JSON.")] = False,
) -> None:
    """What alerts were worth, by kind; what was lost, by month and reason; and who left without saying why."""
    found = run(read_score(settings_of(context)))
    if as_json:
        emit_json(found.as_dict())
    else:
        _print(found)


async def read_score(settings: "Settings") -> Score:
    """The score of all accounts on the health topic. Raises BrokerError."""
    from pydantic import ValidationError

    from schemas.picture import AccountPicture
    from streams.cli.reading import read_all

    last: dict[bytes, bytes] = {}
    topic = settings.topic("health")
    async for record in read_all(settings, topic):
        last[record.key or b""] = record.value or b""
    found = Score()
    unreadable = 0
    for value in last.values():
        try:
            found.add(AccountPicture.model_validate_json(value))
        except ValidationError:
            unreadable += 1
    if unreadable:
        tell(f"{topic}: {unreadable} records are no picture of an account, and are left out")
    return found


def _print(found: Score) -> None:
    from rich.console import Console
    from rich.text import Text

    from alerting.markup import clean

    console = Console(highlight=False)
    if not console.is_terminal:
        console.width = 120
    console.print(f"{found.accounts:,} accounts, {found.paying:,} paying {_money(found.mrr) or 'nothing'} a month")
    if found.losses:
        lead = found.lead_days(ANY)
        ahead = f", {lead:.0f} days before the decision in the mean" if lead is not None else ""
        console.print(f"{found.losses:,} lost; {found.recall(ANY) or 0.0:.0%} of them foreseen{ahead}")
    if found.kinds():
        console.print(_table(("kind", *_OUTCOMES, "precision", "recall", "lead, days", "MRR saved"), _of_kinds(found)))
    if found.lost:
        rows = [
            (*row, f"{count:,}", _money(found.mrr_lost.get(row, Counter())))
            for row, count in sorted(found.lost.items(), reverse=True)
        ]
        console.print(_table(("month", "decision", "reason", "accounts", "MRR"), rows))
    asked = [who for _, who in sorted(found.to_ask, reverse=True)]
    if asked:
        more = f", and {len(asked) - _ASKED} more" if len(asked) > _ASKED else ""
        console.print(Text(f"Left without saying why, to be asked: {clean(', '.join(asked[:_ASKED]))}{more}"))


def _of_kinds(found: Score) -> Iterable[tuple[str, ...]]:
    for kind in found.kinds():
        counts, recall, lead = found.outcomes[kind], found.recall(kind), found.lead_days(kind)
        yield (
            kind,
            *(f"{counts[outcome]:,}" for outcome in _OUTCOMES),
            f"{found.precision(kind):.0%}",
            "" if recall is None else f"{recall:.0%}",
            "" if lead is None else f"{lead:.0f}",
            _money(found.saved.get(kind, Counter())),
        )


def _table(heads: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> Any:
    from rich.table import Table

    table = Table(box=None, pad_edge=False, header_style="bold")
    for head in heads:
        table.add_column(head.replace("_", " "), justify="left" if head in {"kind", "month", "decision"} else "right")
    for row in rows:
        table.add_row(*row)
    return table


def _money(amounts: Counter[str]) -> str:
    from alerting.words import money

    return ", ".join(money(amount, currency) for currency, amount in sorted(amounts.items()) if amount)
