"""An account as it stands at the end of a history: what the figures need of it, without the rest."""

from typing import Any, NamedTuple

from streams.backtest.accounts import row_of
from streams.detection.engine import Engine
from streams.detection.standing import Standing, standing_of
from streams.detection.state import Account


class Ending(NamedTuple):
    """One account. Times in milliseconds."""

    account: str
    name: str | None
    last_event_at: int
    """-1: there was none."""
    monitored_at: int | None
    """From when on it is judged; None: never."""
    lost_at: int | None
    """When billing had it end, if it did."""
    billed: bool
    """There is a subscription."""
    internal: bool
    standing: Standing | None
    """How near it is to an alert; None for one that was never active."""
    row: tuple[Any, ...]
    """Its line of accounts.csv."""


def ending_of(account: Account, engine: Engine, end: int) -> Ending:
    """The account at `end`, to which it has been closed."""
    rules = engine.rules
    day = account.habit.monitored_day
    monitored_at = None if day < 0 else rules.calendar.close_of(day)
    standing = standing_of(account, rules) if account.last_event_at >= 0 else None
    return Ending(
        account.id,
        account.profile.text("name"),
        account.last_event_at,
        monitored_at,
        None if account.loss is None else account.loss.at,
        bool(account.subscriptions),
        account.profile.internal,
        standing,
        row_of(engine.picture(account, end), monitored_at, standing),
    )
