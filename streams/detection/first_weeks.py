"""New accounts in their first twelve weeks: on how many days they are used, beside the usual (`curve`), and whether
their first core action is late (`beginnings`)."""

from typing import Final

from schemas.alerts import Kind
from streams.detection.beginnings import BEGUN, HAD, LEFT, LIVED, NONE_YET, OVER, SLOW
from streams.detection.config import DetectionConfig
from streams.detection.curve import WEEKS
from streams.detection.newcomer import Newcomer
from streams.detection.rules import Rules
from streams.detection.state import NEVER, Account

TELLING: Final = 2
"""So many weeks in a row far below the usual are worth saying."""

_LATELY: Final = 28
"""Who was used within so many days is there."""
_YEAR: Final = 365.25
_QUIET: Final = 0.6
"""A week in which the whole fleet did less of its normal says nothing of anybody: a holiday, or a broken producer."""


def begin(account: Account, start: int, rules: Rules) -> None:
    """The account has started, lately."""
    if account.closed + 1 - rules.calendar.day_of(start) < 7 * WEEKS:
        late = rules.lessons(account.closed).beginnings.late(_most(rules))
        account.newcomer = Newcomer(start, waiting=account.started_at is not None, late=late or 0)


def late_after(newcomer: Newcomer | None, config: DetectionConfig) -> int:
    """After how many days a new account is late without a core action: as the setting says, and later where more of
    them come to it by themselves after that than the knob allows."""
    return max(config.onboarding_days, 7 * newcomer.late if newcomer is not None else 0)


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
        _end(account, newcomer)
        return
    weeks, first = newcomer.weeks + 1, rules.calendar.day_of(newcomer.start) + 7 * newcomer.weeks
    days = newcomer.days + sum([day in account.daily for day in range(first, first + 7)])
    curve = rules.lessons(account.closed).curve
    usual, low = curve.usual(weeks), newcomer.low
    of_fleet = sum([rules.fleet(day).factor for day in range(first, first + 7)]) / 7.0
    if not account.subscriptions.paused and of_fleet > _QUIET:
        account.habits.sequels.begun[weeks, days] += 1
        if newcomer.waiting:
            account.habits.sequels.came[weeks, _came(account)] += 1
        if curve.far_below(weeks, days):
            low += 1
        elif low < TELLING or usual is None or 3 * days > usual:
            low = 0
    waiting, late = newcomer.waiting and account.started_at is not None, newcomer.late
    if waiting and 7 * weeks < late_after(newcomer, rules.config):  # else it is late already, and stays so
        known = rules.lessons(account.closed).beginnings.late(_most(rules))
        late = late if known is None else max(known, weeks)
    slow = _slow(account, newcomer, weeks, low, rules)
    done = weeks == WEEKS and low < TELLING and not waiting
    account.newcomer = None if done else Newcomer(newcomer.start, weeks, days, low, usual or 0, waiting, slow, late)


def _end(account: Account, newcomer: Newcomer) -> None:
    """It is lost, or the company's own."""
    if not account.profile.internal and newcomer.weeks < WEEKS:
        account.habits.sequels.came[OVER] += 1
        if newcomer.waiting:
            account.habits.sequels.came[newcomer.weeks + 1, LEFT] += 1
    account.newcomer = None


def _slow(account: Account, newcomer: Newcomer, weeks: int, low: int, rules: Rules) -> int:
    """See `Newcomer`. Notes of how many it could be told, and of how many in vain."""
    came, slow = account.habits.sequels.came, newcomer.slow
    if weeks == TELLING:
        came[BEGUN] += 1
    if low >= TELLING and not slow:
        came[SLOW] += 1
        in_vain = rules.lessons(account.closed).beginnings.slow_and_lived()
        slow = 2 if in_vain is None or in_vain <= _most(rules) else 1
    if weeks == WEEKS:
        came[OVER] += 1
        last = rules.calendar.day_of(newcomer.start) + 7 * WEEKS
        used = sum([day in account.daily for day in range(last - _LATELY, last)])
        if slow and used and not _seen_to(account):
            came[LIVED] += 1
    return slow


def _most(rules: Rules) -> float:
    """The part of new accounts of which it may be told in vain that they are late, and the same that they are slow. The
    knob is a rate: in that time they may be told of as often as others."""
    return 0.5 * rules.config.alert_false_alarms * 7.0 * WEEKS / _YEAR


def _came(account: Account) -> int:
    """What the week brought."""
    if account.started_at is not None:
        return NONE_YET
    return LEFT if _seen_to(account) else HAD


def _seen_to(account: Account) -> bool:
    alert = account.alerts.get(Kind.ONBOARDING_STALLED)
    return alert is not None and alert.acted
