"""The score card as a table."""

from rich.console import Console
from rich.table import Table

from streams.simulator import Change, FleetPlan
from streams.simulator.plan import DECLINES
from streams.simulator.score import ScoreCard, Tally

_NAMES = {
    Change.STOP: "activity stopped",
    Change.DECAY: "activity faded away",
    Change.PARTIAL_DROP: "activity fell to a fraction",
    Change.PAYMENT_RECOVERED: "payment failed, then paid",
    Change.PAYMENT_LOST: "payment failed for good",
    Change.CARD_REPLACED: "card ended, replaced in time",
    Change.CARD_LAPSED: "card ended, charge failed",
    Change.CANCEL: "cancelled",
    Change.CANCEL_REVERTED: "cancelled, then reverted",
    Change.PAUSE: "paused",
    Change.DOWNGRADE: "a smaller plan",
    Change.FEWER_SEATS: "fewer seats",
    Change.CORE_STOPS: "core actions stopped",
    Change.PEOPLE_LEAVE: "most people left",
    Change.CHAMPION_LEAVES: "the champion left",
    Change.INTENT: "looked into leaving",
    Change.DETRACTOR: "was unhappy, and said so",
    Change.NEVER_BEGINS: "never got going",
    Change.BEGINS_LATE: "began weeks late",
    Change.NEVER_USED: "never used at all",
}


def print_card(console: Console, card: ScoreCard, plan: FleetPlan) -> None:
    """Print what was found of what happened, and what was alarmed without reason."""
    table = Table(title="Score card", title_justify="left", title_style="bold", box=None, pad_edge=False)
    table.add_column("what happened")
    for name in ("cases", "found", "missed", "recent", "delay", "lead"):
        table.add_column(name, justify="right")
    for change, name in _NAMES.items():
        if change in card.by_change:
            _row(table, name, card.by_change[change])
    declines = card.total(DECLINES)
    _row(table, "all declines of activity", declines, style="bold")
    console.print()
    console.print(table)
    console.print()
    rate = card.false_alarms_per_account_year
    per_year = "" if rate is None else f", that is {rate:.2f} per account-year"
    console.print(
        f"False alarms: {card.false_alarms} in {card.account_years:.1f} account-years watched{per_year}.", markup=False
    )
    if card.unexplained:
        console.print(f"Billing alerts without a reason: {card.unexplained}.", markup=False)
    console.print(
        "Delay (to the alert) and lead time (from the alert to the loss) are medians in days. Recent: in the last two "
        f"weeks of the {plan.days} days, and not found yet.",
        style="dim",
        markup=False,
    )


def _row(table: Table, name: str, tally: Tally, style: str | None = None) -> None:
    counts = (str(number) for number in (tally.cases, tally.found, tally.missed, tally.too_recent))
    medians = ("" if days is None else f"{days:.1f}" for days in (tally.median_delay, tally.median_lead))
    table.add_row(name, *counts, *medians, style=style)
