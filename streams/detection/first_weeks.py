"""New accounts in their first twelve weeks: on how many days they are used, beside the usual (`curve`)."""

from typing import Final

from streams.detection.curve import WEEKS
from streams.detection.newcomer import Newcomer
from streams.detection.rules import Rules
from streams.detection.state import NEVER, Account

TELLING: Final = 2
"""So many weeks in a row far below the usual are worth saying."""

_QUIET: Final = 0.6
"""A week in which the whole fleet did less of its normal says nothing of anybody: a holiday, or a broken producer."""


def begin(account: Account, start: int, rules: Rules) -> None:
    """The account has started, lately."""
    if account.closed + 1 - rules.calendar.day_of(start) < 7 * WEEKS:
        account.newcomer = Newcomer(start)


def next_look(account: Account, rules: Rules) -> int:
    """When its next week is over, with the last of its days closed; `NEVER` for who is none, or is no more."""
    newcomer = account.newcomer
    if newcomer is None or newcomer.weeks >= WEEKS:
        return NEVER
    return rules.calendar.close_of(rules.calendar.day_of(newcomer.start) + 7 * (newcomer.weeks + 1) - 1)


def look(account: Account, rules: Rules, at: int) -> None:
    """If a week is over at `at`: count its days, and hold them against the usual. The fleet learns from it with the day
    that closes next."""
    newcomer = account.newcomer
    if newcomer is None or next_look(account, rules) > at:
        return
    if account.profile.internal or account.loss is not None:
        account.newcomer = None
        return
    weeks, first = newcomer.weeks + 1, rules.calendar.day_of(newcomer.start) + 7 * newcomer.weeks
    days = newcomer.days + sum([day in account.daily for day in range(first, first + 7)])
    curve = rules.lessons(account.closed).curve
    usual, low = curve.usual(weeks), newcomer.low
    of_fleet = sum([rules.fleet(day).factor for day in range(first, first + 7)]) / 7.0
    if not account.subscriptions.paused and of_fleet > _QUIET:
        account.habits.sequels.begun[weeks, days] += 1
        if curve.far_below(weeks, days):
            low += 1
        elif low < TELLING or usual is None or 3 * days > usual:
            low = 0
    done = weeks == WEEKS and low < TELLING
    account.newcomer = None if done else Newcomer(newcomer.start, weeks, days, low, usual or 0)
