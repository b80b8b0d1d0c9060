"""`seats_reduced`: fewer seats are paid for, or far more than are used, close to the renewal."""

from collections.abc import Iterator
from typing import Final, NamedTuple

from alerting.lifecycle import Finding
from alerting.words import count
from schemas.alerts import AlertReason, Kind, Resolution, Severity
from streams.detection.config import DAY_MS
from streams.detection.priority import renewal_of
from streams.detection.reviews import review_after
from streams.detection.rules import Rules
from streams.detection.signals.base import Calm, Firing, Judgement
from streams.detection.state import Account
from streams.detection.subscription import Subscription

_ACTIVE_DAYS: Final = 28
_LEAST_UNUSED: Final = 5
"""Fewer empty seats say nothing."""
_REVIEWED_FROM: Final = 63
"""Days before the renewal: nine weeks."""


class _Unused(NamedTuple):
    seats: int
    used: int
    renewal_at: int


class SeatsReducedSignal:
    """Fires when a subscription has fewer seats than it had; critical when half of them are gone, or more. In the nine
    weeks before the renewal it fires also, looking once a week, while no more people than half of the seats have been
    active in 28 days, and five seats at least are empty.

    Resolved when the seats are back or are used (three in five), at the renewal, and after some time (30 days).
    """

    kind = Kind.SEATS_REDUCED

    def __init__(self, rules: Rules) -> None:
        self._rules = rules

    def judge(self, account: Account, at: int) -> Judgement:
        """See `DatedSignal`."""
        fewer = self._fewer(account, at)
        if fewer:
            now, before = _seats(fewer)
            severity = Severity.CRITICAL if 2 * now <= before else Severity.WARNING
            return Firing(severity, max(each.fewer_at or 0 for each in fewer))
        if self._unused(account, at) is not None:
            return Firing(Severity.WARNING)
        expired = any(each.fewer_at is not None for each in account.subscriptions.by_id.values())
        return Calm(Resolution.EXPIRED if expired else Resolution.RECOVERED)

    def next_at(self, account: Account) -> int | None:
        """See `DatedSignal`."""
        moments = [moment for moment in self._moments(account) if moment > account.looked_at]
        return min(moments, default=None)

    def describe(self, account: Account, at: int, firing: Firing) -> Finding:
        """See `Signal`."""
        fewer = self._fewer(account, at)
        if fewer:
            now, before = _seats(fewer)
            return Finding(
                firing.severity,
                min(at, *(each.fewer_at or at for each in fewer)),
                f"Seats went from {before:,} to {now:,}.",
                tuple(_reason(each) for each in fewer),
                {"seats_before": before, "seats": now},
                firing.step,
            )
        unused = self._unused(account, at)
        assert unused is not None  # it fires
        day = self._rules.calendar.day_text(unused.renewal_at)
        values: dict[str, bool | int | float | str] = {"seats": unused.seats, "used": unused.used}
        return Finding(
            firing.severity,
            at,
            f"{count(unused.used, 'person') if unused.used == 1 else f'{unused.used:,} people'} use "
            f"{unused.seats:,} paid seats, and the renewal is on {day}.",
            (
                AlertReason(
                    code="seats_unused",
                    text=f"{unused.used:,} of {unused.seats:,} seats were used in the last {_ACTIVE_DAYS} days.",
                    values=values,
                ),
            ),
            {"seats": unused.seats, "used": unused.used, "renewal_at": unused.renewal_at},
            firing.step,
        )

    def _fewer(self, account: Account, at: int) -> list[Subscription]:
        told = self._rules.config.contraction_days * DAY_MS
        live = account.subscriptions.live()
        return [each for each in live if each.fewer_at is not None and at < each.fewer_at + told]

    def _moments(self, account: Account) -> Iterator[int]:
        if account.alert(self.kind) is not None:
            for each in account.subscriptions.live():
                if each.fewer_at is not None:
                    yield each.fewer_at + self._rules.config.contraction_days * DAY_MS
        renewal_at = renewal_of(account, account.looked_at + 1)
        if renewal_at is not None and _paid_seats(account) >= _LEAST_UNUSED:
            review = review_after(account.looked_at, renewal_at, _REVIEWED_FROM)
            if review is not None:
                yield review

    def _unused(self, account: Account, at: int) -> _Unused | None:
        renewal_at, seats = renewal_of(account, at), _paid_seats(account)
        if renewal_at is None or not renewal_at - _REVIEWED_FROM * DAY_MS <= at < renewal_at or not account.monitored:
            return None
        known = len(account.people.last_seen)
        if known == 0 or known > self._rules.config.users_kept * 3 // 4:
            return None  # events do not say whose they are; or not all of the people are remembered
        used = account.people.active_since(self._rules.calendar.day_of(at) - _ACTIVE_DAYS + 1)
        few = 5 * used < 3 * seats if account.alert(self.kind) is not None else 2 * used <= seats
        return _Unused(seats, used, renewal_at) if few and seats - used >= _LEAST_UNUSED else None


def _paid_seats(account: Account) -> int:
    paid = [each.seats for each in account.subscriptions.live() if each.paid and each.seats is not None]
    return sum(paid) if paid or account.subscriptions else account.profile.number("seats") or 0


def _seats(fewer: list[Subscription]) -> tuple[int, int]:
    return sum(each.seats or 0 for each in fewer), sum(each.seats_before or 0 for each in fewer)


def _reason(each: Subscription) -> AlertReason:
    before, now = each.seats_before or 0, each.seats or 0
    return AlertReason(
        code="fewer_seats",
        text=f"{each.plan or each.subscription_id}: {before:,} seats before, {now:,} now.",
        values={"subscription_id": each.subscription_id, "seats_before": before, "seats": now},
    )
