"""The state of typical accounts, made by the real engine: about 20 users who do a thing or two on most working days, a
subscription, a card, a name and an owner, three lines in the timeline, no open alert.

As many different ones as `DIFFERENT` are lived through, on a Friday evening; under other ids they stand for any number.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Final

from streams.detection.state import Account
from tests.scenarios.pure import run
from tests.scenarios.story import Story

DIFFERENT: Final = 200
USERS: Final = 20
SHARE: Final = 0.28
"""Of one to three things a day: each user does something on every second working day."""
DAYS: Final = 33
"""From a Monday to a Friday."""


@dataclass(frozen=True, slots=True)
class Typical:
    """Stored states, the moment (ms) at which they were so, and the newest day that was closed by then."""

    values: tuple[bytes, ...]
    at: int
    closed: int

    @property
    def value_bytes(self) -> float:
        """Bytes of a stored state, on average."""
        return sum(map(len, self.values)) / len(self.values)

    def rows(self, accounts: int) -> Iterator[tuple[str, bytes]]:
        """So many accounts: id and stored state."""
        return ((f"acct_{number:06d}", self.values[number % len(self.values)]) for number in range(accounts))


@cache
def typical() -> Typical:
    """Live through it; takes some seconds."""
    story = Story()
    for number in range(DIFFERENT):
        chapter = story.account(f"account-{number}")
        chapter.is_described(name=f"Account {number} Ltd", owner="ana@example.com", tier="mid", seats=USERS)
        chapter.subscribes(plan="starter", mrr_minor=19_000).has_card(month=12, year=2029)
        chapter.daily_use(days=14, users=USERS, share=SHARE)
        chapter.bills("subscription.updated", plan="team", mrr_minor=49_000, currency="EUR")
        chapter.daily_use(days=14, users=USERS, share=SHARE)
        chapter.bills("subscription.updated", plan="business", mrr_minor=98_000, currency="EUR")
        chapter.daily_use(days=DAYS - 28, users=USERS, share=SHARE)
    lived = run(story.events(), until=story.ends_at)
    accounts = list(lived.accounts.values())
    assert not any(alert.is_open for account in accounts for alert in account.alerts.values())
    assert {len(account.timeline.entries) for account in accounts} == {3}
    return Typical(tuple(map(Account.encode, accounts)), story.ends_at, lived.engine.habits.closed)
