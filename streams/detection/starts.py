"""Which accounts are new, and since when."""

from typing import Final

from streams.detection import first_weeks
from streams.detection.rules import Rules
from streams.detection.state import Account

_NEW_AFTER_DAYS: Final = 30
"""An account that is heard of so long after others is new; how old those are is not known."""


def start(account: Account, at: int, rules: Rules) -> None:
    """The account's record says that it started then. What started before there was anything to be seen, or was used
    before, is not followed: the first core action may have come already."""
    seen = rules.learnt.seen_since
    if seen < 0:  # so much is certain
        seen = account.closed + 1
    if at >= rules.calendar.start_of(seen) and account.last_event_at < at:
        account.started_at = at
        first_weeks.begin(account, at, rules)


def start_by_use(account: Account, at: int, rules: Rules) -> bool:
    """The account is used for the first time, which is a core action where none are named. Returns whether it is
    new."""
    new = start_by_event(account, at, rules)
    if new and not rules.config.key_actions:
        account.started_at = None
        if account.newcomer is not None:
            account.newcomer = account.newcomer._replace(waiting=False)  # nobody knows for how long it has waited
    return new


def start_by_event(account: Account, at: int, rules: Rules) -> bool:
    """The account is heard of for the first time. Returns whether it is new. In a fleet too small to be learnt nobody
    can tell."""
    seen = rules.learnt.seen_since
    if seen < 0 or rules.calendar.day_of(at) - seen < _NEW_AFTER_DAYS or account.started_at is not None:
        return False
    account.started_at = at
    first_weeks.begin(account, at, rules)
    return True
