"""The score, for people."""

from collections import Counter
from collections.abc import Iterable
from typing import Final

from rich.console import Console
from rich.table import Table
from rich.text import Text

from alerting.markup import clean
from alerting.words import money
from streams.board.score import OF_ACTIONS, OUTCOMES, Score
from streams.detection.outcomes import ANY

_LEFT: Final = frozenset({"action", "kind", "month", "decision"})
_ASKED: Final = 20


def show(found: Score) -> None:
    """Print it."""
    console = Console(highlight=False)
    if not console.is_terminal:
        console.width = 120
    console.print(f"{found.accounts:,} accounts, {found.paying:,} paying {_money(found.mrr) or 'nothing'} a month")
    if found.losses:
        lead = found.lead_days(ANY)
        ahead = f", {lead:.0f} days before the decision in the mean" if lead is not None else ""
        console.print(f"{found.losses:,} lost; {found.recall(ANY) or 0.0:.0%} of them foreseen{ahead}")
    if found.kinds():
        console.print(_table(("kind", *OUTCOMES, "precision", "recall", "lead, days", "MRR saved"), _of_kinds(found)))
    if found.done:
        heads = ("action", "kind", "reason", *OF_ACTIONS, "cost", "MRR saved")
        console.print(_table(heads, _of_actions(found)))
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
            *(f"{counts[outcome]:,}" for outcome in OUTCOMES),
            f"{found.precision(kind) or 0.0:.0%}",
            "" if recall is None else f"{recall:.0%}",
            "" if lead is None else f"{lead:.0f}",
            _money(found.saved.get(kind, Counter())),
        )


def _of_actions(found: Score) -> Iterable[tuple[str, ...]]:
    for what in found.actions():
        counts = [found.done[*what, outcome] for outcome in OF_ACTIONS]
        yield (
            *map(clean, what),
            *(f"{count:,}" for count in counts),
            _money(found.cost.get(what, Counter())),
            _money(found.returned.get(what, Counter())),
        )


def _table(heads: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for head in heads:
        table.add_column(head.replace("_", " "), justify="left" if head in _LEFT else "right")
    for row in rows:
        table.add_row(*map(Text, row))  # a name that somebody gave is no markup
    return table


def _money(amounts: Counter[str]) -> str:
    return ", ".join(money(amount, currency).strip() for currency, amount in sorted(amounts.items()) if amount)
