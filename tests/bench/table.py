"""The figures that are asked for, and the table that shows them beside what was asked."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from rich.console import Console
from rich.table import Table

Figures = dict[str, Any]
"""What a benchmark found, by name. Those that are called as a row of `ROWS` stand in the table, all of them in the
file. `ERRORS` among them says of rows why they have no figure, and `REMARKS` what is to be known of one."""
ERRORS = "errors"
REMARKS = "remarks"


@dataclass(frozen=True, slots=True)
class Row:
    """A figure that is asked for: at least or at most `asked`, in `unit`."""

    name: str
    text: str
    bound: Literal["at least", "at most"]
    asked: float
    unit: str = ""

    def reached(self, figure: float) -> bool:
        """Whether a figure is as asked."""
        return figure >= self.asked if self.bound == "at least" else figure <= self.asked


def _whole(prefix: str, accounts: str) -> tuple[Row, ...]:
    return (
        Row(f"{prefix}to_idiomatic", f"pipeline / idiomatic Faust's count, {accounts} accounts", "at least", 40),
        Row(f"{prefix}to_quix", f"pipeline / Quix Streams' count, {accounts} accounts", "at least", 6),
        Row(f"{prefix}to_ceiling", f"pipeline / aiokafka + orjson, {accounts} accounts", "at least", 0.45),
        Row(f"{prefix}to_kafka_streams", f"pipeline / Kafka Streams' count, {accounts} accounts", "at least", 0.4),
        Row(f"{prefix}closing", f"detection's days / all that a worker computes, {accounts} accounts", "at most", 0.2),
    )


ROWS = (
    *_whole("", "20,000"),
    *_whole("many_", "200,000"),
    Row("two_workers_measured", "two workers / one, with the broker on the same cores", "at least", 1.2),
    Row("two_workers_computed", "two workers / one, with cores of their own, by CPU time", "at least", 1.8),
    Row("recovery_to_faust", "recovery of 200,000 accounts / Faust's own", "at least", 30),
    Row("memory_per_account", "memory of a typical account", "at most", 3, "KB"),
    Row("changelog_value", "changelog value of a typical account", "at most", 1, "KB"),
    Row("changelog_live", "changelog / input bytes, busy accounts, live", "at most", 2),
    Row("changelog_lagging", "changelog / input bytes, busy accounts, lagging", "at most", 1),
    Row("tick", "clock tick with nothing due, 200,000 accounts / 2,000", "at most", 1.5),
    Row("latency_half", "payment.failed to transition, p99, at half of full rate", "at most", 1.5, "s"),
    Row("latency_idle", "payment.failed to transition, p99, idle", "at most", 0.5, "s"),
)


def show(found: Mapping[str, Figures], *, console: Console | None = None) -> None:
    """Print the rows for which there is a figure or an error; `found` holds the `Figures` of each benchmark."""
    figures: Figures = {}
    errors: dict[str, str] = {}
    remarks: dict[str, str] = {}
    for each in found.values():
        figures |= each
        errors |= each.get(ERRORS, {})
        remarks |= each.get(REMARKS, {})
    table = Table(
        "figure", "measured", "asked", "", "remark", title="Figures beside what is asked", title_justify="left"
    )
    for row in ROWS:
        if row.name in figures:
            value = float(figures[row.name])
            verdict = "[green]reached" if row.reached(value) else "[red]missed"
            measured = f"{value:.3g} {row.unit}".strip()
        elif row.name in errors:
            verdict, measured = "[red]error", ""
        else:
            continue
        asked = f"{row.bound} {row.asked:g} {row.unit}".strip()
        table.add_row(row.text, measured, asked, verdict, remarks.get(row.name, "") + errors.get(row.name, ""))
    if table.row_count:
        (console or Console(width=160)).print(table)
