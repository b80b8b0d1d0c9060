"""A user whose id is hashed with another key by now: whatever an account knows of the person stays theirs."""

from streams.detection.state import Account


def rename(account: Account, before: int, now: int) -> None:
    """The user `before` is `now`; both are what ids are hashed to."""
    account.people.rename(before, now)
    account.profile.rename_user(before, now)
    if account.champions is not None:
        account.champions.rename(before, now)
    if account.feedback is not None:
        account.feedback.rename(before, now)
