"""The engine: an account's state and an event, to the transitions that follow."""

from collections.abc import Iterable

from schemas.accounts import AccountUpdate
from schemas.alerts import Transition
from schemas.billing import BillingFact
from schemas.commands import CommandBase
from schemas.picture import AccountPicture
from schemas.shuffle import Fact, Usage
from streams.detection.book import Book
from streams.detection.commands import Commands
from streams.detection.config import HOUR_MS, DetectionConfig
from streams.detection.days import Days
from streams.detection.facts import Facts
from streams.detection.picture import picture_of
from streams.detection.results import RefusedCommand, Results
from streams.detection.rules import Rules
from streams.detection.signals import dated_signals
from streams.detection.signals.gate import unjudged
from streams.detection.state import NEVER, Account
from streams.detection.tally import Tally
from streams.detection.window import with_day


class Engine:
    """Folds events into accounts, closes their days, honours what comes due. It holds nothing of any account: all of
    that is in the `Account`, and the result follows from an account's events alone, however they are batched,
    whenever days are closed in between, and wherever the account is encoded and decoded on the way.

    Events of one account come in the order of (effective_at, topic, partition, offset). Raises `ValueError` for a
    configuration that cannot work.
    """

    def __init__(self, config: DetectionConfig) -> None:
        self.rules = rules = Rules.of(config)
        self.tally = Tally()
        self._calendar = rules.calendar
        self._book = Book(rules, self.tally)
        self._facts = Facts(rules, self._book, self.tally)
        self._commands = Commands(rules, self._book)
        self._days = Days(rules, self._book, self.tally)
        self._dated = dated_signals(rules)
        self._dedup_hours = max(1, config.dedup_window_ms // HOUR_MS)
        self._dedup_limit = config.dedup_limit
        self._users_kept = config.users_kept
        self._config = config

    def apply(self, account: Account, events: Iterable[Usage | Fact]) -> Results:
        """Fold the account's next events in, each after closing what is due before it."""
        out: Results = []
        moved = False
        for event in events:
            effective_at, event_id = event.effective_at, event.event_id
            if effective_at >= account.wake:
                self._advance(account, effective_at, out)
                moved = True
            if type(event) is not Usage:
                self._apply_fact(account, event, out)  # type: ignore[arg-type]  # there are but the two
                moved = True
            elif event_id is None or self._is_new(account, event_id, effective_at):
                moved = self._count(account, event, out) or moved
            else:
                self.tally.usage += 1
        if moved:
            self._schedule(account)
        return out

    def close(self, account: Account, now: int) -> list[Transition]:
        """Honour everything that is due at or before `now`, in order, each at its due time."""
        out: Results = []
        if now >= account.wake:
            self._advance(account, now, out)
            self._schedule(account)
        return [each for each in out if isinstance(each, Transition)]

    def picture(self, account: Account, now: int) -> AccountPicture:
        """The account as it stands at `now`, to which it has been closed."""
        return picture_of(account, self.rules, now)

    def _apply_fact(self, account: Account, fact: Fact, out: Results) -> None:
        now, body = fact.effective_at, fact.body
        self._advance(account, now, out)
        if isinstance(body, CommandBase):
            self.tally.commands += 1
        elif isinstance(body, AccountUpdate):
            self.tally.accounts += 1
        else:
            self.tally.billing += 1
        if fact.event_id is None or self._is_new(account, fact.event_id, now):
            account.deadline = account.quiet_until = -1
            if isinstance(body, CommandBase):
                refusal = self._commands.carry_out(account, body, now, out)
                if refusal is not None:
                    self.tally.refused += 1
                    out.append(RefusedCommand(fact, refusal))
            else:
                if isinstance(body, BillingFact):
                    self._facts.billing(account, body, out)
                else:
                    self._facts.update(account, body, out)
                self._judge_dated(account, fact.at, out)
            self._advance(account, now, out)  # a deadline that the fact has set may be past already

    def _is_new(self, account: Account, event_id: int, effective_at: int) -> bool:
        forgotten = account.dedup.admit(event_id, effective_at // HOUR_MS, self._dedup_hours, self._dedup_limit)
        if forgotten < 0:
            self.tally.duplicates += 1
            return False
        self.tally.dedup_overflow += forgotten
        return True

    def _count(self, account: Account, event: Usage, out: Results) -> bool:
        """Count a usage event. Returns whether it is the first of a day that is still open."""
        _, _, _, at, _, user, quantity, _, _ = event
        self.tally.usage += 1
        day = self._calendar.day_of(at)
        account.events_total += quantity
        if at > account.last_event_at:  # noqa: PLR1730  # twice as fast as max, and it is done for every event
            account.last_event_at = at
        if user is not None and account.people.last_seen.get(user, -1) < day:
            account.people.saw(user, day, self._users_kept)
        daily = account.daily
        if day <= account.closed:
            self._count_late(account, day, quantity)
            return False
        if day in daily:
            daily[day] += quantity
            return False
        self._days.begin(account, day, quantity, at, out)
        return True

    def _count_late(self, account: Account, day: int, quantity: int) -> None:
        """An event of a day that has been judged: counted while the day is kept."""
        self.tally.late += 1
        oldest = account.closed - self._config.kept_days + 1
        if day < oldest:
            self.tally.too_old += 1
        elif day in account.daily:
            account.daily[day] += quantity
        else:
            account.daily = with_day(account.daily, day, quantity, oldest)

    def _advance(self, account: Account, now: int, out: Results) -> None:
        """Close the days and honour the deadlines up to `now`, in order of time, a day before a deadline."""
        calendar = self._calendar
        last = calendar.last_closed(now)
        if account.closed < 0:
            account.closed = last
        while True:
            deadline = self._deadline(account)
            until = last if deadline > now else calendar.last_closed(deadline)
            if account.closed < until:
                self._days.close_until(account, until, out)
            elif deadline > now:
                break
            else:
                self._honour(account, deadline, out)
        account.wake = min(calendar.close_of(account.closed + 1), deadline)

    def _deadline(self, account: Account) -> int:
        """The next moment that an alert or a dated signal waits for; `NEVER` without one."""
        if account.deadline < 0:
            deadline = self._book.wakes_at(account)
            if _has_dates(account):
                for signal in self._dated:
                    at = signal.next_at(account)
                    if at is not None and at < deadline:
                        deadline = at
            account.deadline = deadline
        return account.deadline

    def _honour(self, account: Account, at: int, out: Results) -> None:
        account.deadline = -1
        self._book.wake_due(account, at, out)
        self._judge_dated(account, at, out)

    def _judge_dated(self, account: Account, at: int, out: Results) -> None:
        if not _has_dates(account):
            return
        for signal in self._dated:
            judgement = signal.judge(account, at)
            if judgement is not None:
                self._book.settle(account, signal, at, judgement, out)

    def _schedule(self, account: Account) -> None:
        """Say when the account has to be looked at again. Follows from the state alone."""
        due = self._deadline(account)
        if not unjudged(account):
            closed, open_days = account.closed, account.open_days
            day = open_days[0] if open_days else None
            if account.first_day >= 0 and day != closed + 1:
                silent = self._days.forecast(account)
                if silent is not None and (day is None or silent < day):
                    day = silent
            if day is not None:
                due = min(due, self._calendar.close_of(day))
        account.due = due if due < NEVER else None


def _has_dates(account: Account) -> bool:
    """Whether signals on billing and dates have anything to say of the account."""
    known = bool(account.subscriptions or account.payments)
    return known and account.loss is None and not account.profile.internal
