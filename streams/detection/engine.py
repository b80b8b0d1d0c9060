"""The engine: an account's state and an event, or the end of a day, to the transitions that follow."""

from collections.abc import Callable, Iterable, Iterator
from typing import Final

from schemas.accounts import AccountUpdate
from schemas.alerts import Kind, Transition
from schemas.billing import BillingFact
from schemas.commands import CommandBase
from schemas.feedback import FeedbackFact
from schemas.picture import AccountPicture
from schemas.shuffle import Fact, Usage
from streams.detection import first_weeks
from streams.detection.afterwards import Afterwards
from streams.detection.book import Book
from streams.detection.calendar import week_end
from streams.detection.champions import Champions
from streams.detection.commands import Commands
from streams.detection.config import DAY_MS, HOUR_MS, DetectionConfig
from streams.detection.day_sums import DaySums
from streams.detection.days import Days
from streams.detection.facets import BREADTH, USER
from streams.detection.facts import Facts
from streams.detection.fleet_log import FleetLog
from streams.detection.habits import Habits, Rows
from streams.detection.intent import Intent
from streams.detection.names import Names
from streams.detection.picture import picture_of
from streams.detection.renamed import rename
from streams.detection.results import RefusedCommand, Results
from streams.detection.rules import Rules
from streams.detection.signals import dated_signals
from streams.detection.signals.gate import note
from streams.detection.sources import DEFAULT
from streams.detection.starts import start_by_use
from streams.detection.state import NEVER, Account
from streams.detection.statements import is_claim
from streams.detection.tally import Tally
from streams.detection.transition import fleet_transition
from streams.detection.window import with_day

_EARLY_MS: Final = 3 * HOUR_MS
"""So long after midnight hardly anybody begins."""


class Engine:
    """Folds events into accounts, honours what comes due, closes the days of all of them. What is learnt of their
    habits is kept here, in columns; the rest of an account is in its `Account`. The result follows from the events
    alone, however they are batched, and wherever an account is encoded and decoded on the way.

    Events of one account come in the order of (effective_at, topic, partition, offset). Before an event is applied that
    has its place at or after `closes_at`, the day is closed, and before that what comes due earlier is honoured; a day
    is closed before a deadline of the same moment. Days close when the fleet's is decided: `learnt` is what it goes by,
    and is brought there by whoever drives the engine. Raises `ValueError` for a configuration that cannot work.
    """

    def __init__(self, config: DetectionConfig, learnt: FleetLog | None = None) -> None:
        self.rules = rules = Rules.of(config, learnt)
        self.learnt = rules.learnt
        self.tally = Tally()
        self.habits = Habits(config.monitored_active_days)
        self._calendar = rules.calendar
        self._book = Book(rules, self.tally)
        self._facts = Facts(rules, self._book, self.tally)
        self._commands = Commands(rules, self._book)
        self._days = Days(rules, self.habits, self._book)
        self._afterwards = Afterwards(rules)
        self._dated = dated_signals(rules)
        self._dated_kinds = frozenset([signal.kind for signal in self._dated])
        self._dedup_hours = max(1, config.dedup_window_ms // HOUR_MS)
        self._dedup_limit = config.dedup_limit
        self._users_kept = config.users_kept
        self._champion = next(each for each in self._dated if each.kind is Kind.CHAMPION_GONE)
        self._key_actions = Names(config.key_actions) if config.key_actions else None
        self._intent = Names(config.intent_events) if config.intent_events else None
        self._config = config

    def account(self, account_id: str, stored: bytes | None = None) -> Account:
        """An account as it is stored; a new one. Raises `StateError` as `Account.decode` does."""
        if stored is None:
            return Account(account_id, self.habits)
        return Account.decode(account_id, stored, self.habits)

    def begin(self, now: int) -> None:
        """Say when it all begins: days that close at or before `now` are not looked at."""
        self.habits.closed = self._calendar.last_closed(now)

    @property
    def closes_at(self) -> int:
        """When the next day closes; -1 before `begin`."""
        closed = self.habits.closed
        return self._calendar.close_of(closed + 1) if closed >= 0 else -1

    def closed_before(self, day: int, now: int) -> bool:
        """Whether a day closes at or before `now`."""
        return self._calendar.close_of(day) <= now

    def sum_up(self, sums: DaySums) -> Iterator[None]:
        """Add to `sums` what the accounts say of the next day that closes. To be gone through to its end."""
        return self._days.sum_up(sums)

    def close_day(self, account_of: Callable[[str], Account]) -> Iterator[tuple[Account, list[Transition]] | None]:
        """Close the next day. Gives each account that has changed by it in more than its habits, with its transitions;
        None now and then, so that long work can be parted. To be gone through to its end."""
        for each in self._days.close(account_of):
            if each is None:
                yield None
            else:
                account, results = each
                self._schedule(account)
                yield account, [result for result in results if isinstance(result, Transition)]

    def of_fleet(self) -> list[Transition]:
        """What there is to say of the fleet itself since the last call."""
        stall = self.learnt.stall
        said, stall.said = stall.said, []
        return [fleet_transition(each, self.rules) for each in said]

    @property
    def held(self) -> list[Rows]:
        """Rows whose engagement was not judged on the newest closed day, as their alerts wait."""
        return self._days.held

    def catch_up(self) -> Iterator[None]:
        """Bring habits that were stored on earlier days to the closed day."""
        return self._days.catch_up()

    def apply(self, account: Account, events: Iterable[Usage | Fact]) -> Results:
        """Fold the account's next events in, each after honouring what is due before it."""
        out: Results = []
        wake = self._deadline(account)
        moved = counted = False
        watches, alias = self._watches(account), account.profile.alias
        for event in events:
            if alias and not is_claim(event):
                self._facts.own_again(account, event.at)
                alias, wake, moved = False, self._deadline(account), True
            effective_at, event_id = event.effective_at, event.event_id
            if type(event) is not Usage or event.quantity == 0:
                self._apply_other(account, event, out)
                wake, moved = self._deadline(account), True
                watches, alias = self._watches(account), account.profile.alias
                continue
            if effective_at >= wake:
                self._advance(account, effective_at, out)
                wake, moved = self._deadline(account), True
            if event_id is None or self._is_new(account, event_id, effective_at):
                counted = True
                unused = watches and account.last_event_at < 0
                if self._count(account, event, out):  # which may have ended a silence
                    wake, moved = self._deadline(account), True
                if watches and self._tells(account, event, unused, out):
                    wake, moved = self._deadline(account), True
                    watches = self._watches(account)
            else:
                self.tally.usage += 1
        if counted:
            self._note_open_days(account)
        if moved:
            self._schedule(account)
        return out

    def honour(self, account: Account, now: int) -> list[Transition]:
        """Honour what is due at or before `now`, in order, each at its due time."""
        out: Results = []
        self._advance(account, now, out)
        self._schedule(account)
        return [each for each in out if isinstance(each, Transition)]

    def picture(self, account: Account, now: int) -> AccountPicture:
        """The account as it stands at `now`, to which it has been closed."""
        return picture_of(account, self.rules, now)

    def _apply_other(self, account: Account, event: Usage | Fact, out: Results) -> None:
        """Apply a fact, or that a user is known under another number by now."""
        if isinstance(event, Fact):
            self._apply_fact(account, event, out)
            return
        assert event.user is not None
        assert event.event_id is not None
        rename(account, event.event_id, event.user)

    def _apply_fact(self, account: Account, fact: Fact, out: Results) -> None:
        now, body = fact.effective_at, fact.body
        self._advance(account, now, out)
        if isinstance(body, CommandBase):
            self.tally.commands += 1
        elif isinstance(body, AccountUpdate):
            self.tally.accounts += 1
        elif isinstance(body, FeedbackFact):
            self.tally.feedback += 1
        else:
            self.tally.billing += 1
        if fact.event_id is None or self._is_new(account, fact.event_id, now):
            account.deadline = -1
            refusal = None
            if isinstance(body, CommandBase):
                refusal = self._commands.carry_out(account, body, now, out)
            elif is_claim(fact):
                refusal = self._facts.claimed(account, body.account_id, fact.at, out)
            else:
                if isinstance(body, BillingFact):
                    self._facts.billing(account, body, out)
                elif isinstance(body, FeedbackFact):
                    self._facts.feedback(account, body)
                else:
                    self._facts.update(account, body, out)
                self._judge_known(account, fact.at, out)
            if refusal is not None:
                self.tally.refused += 1
                out.append(RefusedCommand(fact, refusal))
            note(account)
            self._advance(account, now, out)  # a deadline that the fact has set may be past already

    def _judge_known(self, account: Account, at: int, out: Results) -> None:
        """Judge what is known since an event of that time, which may come late: not before what was said already."""
        at, looked_at = _not_before(account, at), account.looked_at
        self._judge_dated(account, at, out)
        if looked_at > at:  # what was to be looked at in between is not looked at again
            self._judge_dated(account, looked_at, out)

    def _watches(self, account: Account) -> bool:
        """Whether a usage event may tell more than that the account is used."""
        return self._intent is not None or account.started_at is not None or account.last_event_at < 0

    def _tells(self, account: Account, event: Usage, unused: bool, out: Results) -> bool:
        """Note what an event that was counted tells besides: it is the account's first, a new account's first core
        action, or what precedes leaving. Returns whether it was such a one."""
        told = False
        if unused:
            told = start_by_use(account, event.at, self.rules)
        started_at = account.started_at
        if started_at is not None and event.at >= started_at and self._is_core(event.event):
            account.started_at, told = None, True
        if self._intent is not None and account.loss is None and self._intent.match(event.event):
            if account.intent is None:
                account.intent = Intent()
            keeps = self._config.intent_days * DAY_MS
            told |= account.intent.add(event.event, event.at, self._calendar.day_of(event.at), keeps)
        if told:
            account.deadline = -1
            self._judge_known(account, event.at, out)
            self._advance(account, event.effective_at, out)  # it may be so late that it is over already
        return told

    def _is_core(self, name: str) -> bool:
        """Whether an event of that name is a core action; without any that are named, all usage is."""
        return self._key_actions is None or self._key_actions.match(name)

    def _is_new(self, account: Account, event_id: int, effective_at: int) -> bool:
        forgotten = account.dedup.admit(event_id, effective_at // HOUR_MS, self._dedup_hours, self._dedup_limit)
        if forgotten < 0:
            self.tally.duplicates += 1
            return False
        self.tally.dedup_overflow += forgotten
        return True

    def _count(self, account: Account, event: Usage, out: Results) -> bool:
        """Count a usage event. Returns whether it may have ended something: it is the first of a day that is still
        open, the first of somebody on it, or the first core action."""
        _, _, _, at, name, user, quantity, source, _ = event
        self.tally.usage += 1
        day = self._calendar.day_of(at)
        account.events_total += quantity
        if at > account.last_event_at:  # noqa: PLR1730  # twice as fast as max, and it is done for every event
            account.last_event_at = at
        habits = self.habits
        seen = day if user is None else account.people.last_seen.get(user, -1)
        visits = seen < day
        if visits:
            account.people.saw(user, day, self._users_kept)  # type: ignore[arg-type]  # it is no None
        daily = account.daily
        if day <= habits.closed:
            self._count_late(account, day, quantity)
            return False
        if account.weighed_at != habits.closed:
            account.weigh()
        habits.flow.count(at, source, account.weight * quantity)
        if source != DEFAULT:
            habits.sources.count(account.row, day, source, quantity)
        began = day not in daily
        if began:
            self._days.begin(account, day, quantity, at, out)
        else:
            daily[day] += quantity
        if visits:
            began |= self._visit(account, user, seen, day, at, out)  # type: ignore[arg-type]
        if self._key_actions is not None and self._key_actions.match(name):
            began |= self._days.key_action(account, day, quantity, at, out)
        return began

    def _visit(self, account: Account, user: int, seen: int, day: int, at: int, out: Results) -> bool:
        """Somebody, `seen` on that day before, is there for the first time on an open day. Returns whether its
        champions were judged."""
        end = week_end(day)
        if seen < end - 6 and len(account.people.last_seen) > 1:
            breadth = self.habits.facets[BREADTH]
            if breadth.counted(account.row, end) < self._users_kept * USER:  # of more, who came twice is not known
                breadth.count(account.row, end, USER)
        champions = account.champions
        if champions is None:
            if len(account.people.last_seen) < 2:
                return False
            champions = account.champions = Champions()
        if not champions.visit(user, day, early=at < self._calendar.start_of(day) + _EARLY_MS):
            return False
        judgement = self._champion.judge(account, at)
        if judgement is None:
            return False
        self._book.settle(account, self._champion, _not_before(account, at), judgement, out)
        return True

    def _count_late(self, account: Account, day: int, quantity: int) -> None:
        """An event of a day that has been judged: counted while the day is kept."""
        self.tally.late += 1
        oldest = self.habits.closed - self._config.kept_days + 1
        if day < oldest:
            self.tally.too_old += 1
        elif day in account.daily:
            account.daily[day] += quantity
        else:
            account.daily = with_day(account.daily, day, quantity, oldest)

    def _note_open_days(self, account: Account) -> None:
        open_days, closed, daily = self.habits.open, self.habits.closed, account.daily
        for day in reversed(daily):
            if day <= closed:
                break
            counts = open_days.get(day)
            if counts is None:
                open_days[day] = counts = {}
            counts[account.row] = daily[day]

    def _advance(self, account: Account, now: int, out: Results) -> None:
        """Honour the deadlines up to `now`, in order of time."""
        while (deadline := self._deadline(account)) <= now:
            account.deadline = -1
            self._book.wake_due(account, deadline, out)
            self._afterwards.judge(account, deadline)
            first_weeks.look(account, self.rules, deadline)
            if account.subscriptions.end_pauses(deadline):
                note(account)
            self._judge_dated(account, deadline, out)

    def _deadline(self, account: Account) -> int:
        """The next moment that an alert or a dated signal waits for; `NEVER` without one."""
        if account.deadline < 0:
            judged_at = account.outcomes.next_at()
            deadline = min(self._book.wakes_at(account), judged_at if judged_at is not None else NEVER)
            if account.following:
                deadline = min(deadline, account.following.next_at())
            if account.newcomer is not None:
                deadline = min(deadline, first_weeks.next_look(account, self.rules))
            if self._has_dates(account):
                for signal in self._dated:
                    at = signal.next_at(account)
                    if at is not None and at < deadline:
                        deadline = at
            account.deadline = deadline
        return account.deadline

    def _judge_dated(self, account: Account, at: int, out: Results) -> None:
        if not self._has_dates(account):
            return
        account.looked_at = max(account.looked_at, at)
        for signal in self._dated:
            judgement = signal.judge(account, at)
            if judgement is not None:
                self._book.settle(account, signal, at, judgement, out)

    def _has_dates(self, account: Account) -> bool:
        """Whether dated signals have anything to say of the account."""
        known = bool(account.subscriptions or account.payments or account.profile.number("renewal_at") is not None)
        known = known or account.feedback is not None or account.intent is not None
        known = known or account.champions is not None or account.started_at is not None
        known = known or account.newcomer is not None
        known = known or any(alert.is_open and alert.kind in self._dated_kinds for alert in account.alerts.values())
        return known and account.loss is None and not account.profile.internal and not account.profile.alias

    def _schedule(self, account: Account) -> None:
        """Say when the account has to be looked at again, apart from days. Follows from the state alone."""
        deadline = self._deadline(account)
        account.due = deadline if deadline < NEVER else None


def _not_before(account: Account, at: int) -> int:
    """A time, but not before what was said of the account already."""
    return max([at, *(alert.at for alert in account.alerts.values())])
