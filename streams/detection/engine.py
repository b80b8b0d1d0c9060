"""The engine: an account's state and an event, to the transitions that follow."""

from schemas.accounts import AccountUpdate
from schemas.alerts import Kind, Resolution, Severity, Transition
from schemas.billing import BillingFact
from schemas.commands import CommandBase
from schemas.picture import AccountPicture, Phase
from schemas.shuffle import Fact, Usage
from streams.detection.book import Book
from streams.detection.calendar import weekday
from streams.detection.commands import Commands
from streams.detection.config import HOUR_MS, DetectionConfig
from streams.detection.drop import QUIET_AGE
from streams.detection.facts import Facts
from streams.detection.picture import phase_of, picture_of
from streams.detection.results import Results
from streams.detection.rules import Rules
from streams.detection.signals import daily_signals, dated_signals
from streams.detection.signals.base import Calm
from streams.detection.signals.gate import unjudged
from streams.detection.state import NEVER, Account
from streams.detection.tally import Tally
from streams.detection.window import pruned


class Engine:
    """Folds events into accounts, closes their days, honours what comes due. It holds nothing of any account: all of that is
    in the `Account`, and the result follows from an account's events alone, however they are batched, whenever days are
    closed in between, and wherever the account is encoded and decoded on the way.

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
        self._daily = daily_signals(rules)
        self._silence = self._daily[0]
        self._dated = dated_signals(rules)
        self._dedup_hours = max(1, config.dedup_window_ms // HOUR_MS)
        self._config = config

    def apply(self, account: Account, event: Usage | Fact) -> Results:
        """Close what is due before the event, then fold the event in."""
        if type(event) is not Usage:
            return self._apply_fact(account, event)  # type: ignore[arg-type]  # there are but the two
        out: Results = []
        tally = self.tally
        tally.usage += 1
        effective_at = event.effective_at
        moved = effective_at >= account.wake
        if moved:
            self._advance(account, effective_at, out)
        event_id = event.event_id
        if event_id is not None and not self._is_new(account, event_id, effective_at):
            if moved:
                self._schedule(account)
            return out
        at = event.at
        quantity = event.quantity
        day = self._calendar.day_of(at)
        account.events_total += quantity
        if at > account.last_event_at:
            account.last_event_at = at
        user = event.user
        if user is not None:
            account.people.saw(user, day, self._config.users_kept)
        daily = account.daily
        if day > account.closed:
            if day in daily:
                daily[day] += quantity
            else:
                self._begin_day(account, day, quantity, at, out)
                moved = True
        else:
            tally.late += 1
            if day > account.closed - self._config.kept_days:
                daily[day] = daily.get(day, 0) + quantity
                account.daily = pruned(daily, account.closed - self._config.kept_days + 1)
            else:
                tally.too_old += 1
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

    def phase(self, account: Account) -> Phase:
        """Where the account is in its life."""
        return phase_of(account)

    def _apply_fact(self, account: Account, fact: Fact) -> Results:
        out: Results = []
        now, body = fact.effective_at, fact.body
        self._advance(account, now, out)
        if isinstance(body, CommandBase):
            self.tally.commands += 1
        elif isinstance(body, AccountUpdate):
            self.tally.accounts += 1
        else:
            self.tally.billing += 1
        if fact.event_id is None or self._is_new(account, fact.event_id, now):
            account.deadline = -1
            if isinstance(body, CommandBase):
                refusal = self._commands.carry_out(account, body, now, out)
                if refusal is not None:
                    self.tally.refused += 1
                    out.append(refusal)
            else:
                if isinstance(body, BillingFact):
                    self._facts.billing(account, body, out)
                else:
                    self._facts.update(account, body, out)
                self._judge_dated(account, fact.at, out)
            self._advance(account, now, out)  # a deadline that the fact has set may be past already
        self._schedule(account)
        return out

    def _is_new(self, account: Account, event_id: int, effective_at: int) -> bool:
        dedup, hour = account.dedup, effective_at // HOUR_MS
        if not dedup.is_new(event_id, hour, self._dedup_hours):
            self.tally.duplicates += 1
            return False
        self.tally.dedup_overflow += dedup.shrink(hour, self._dedup_hours, self._config.dedup_limit)
        return True

    def _begin_day(self, account: Account, day: int, quantity: int, at: int, out: Results) -> None:
        """The first event of a day that is still open."""
        account.daily = daily = pruned(account.daily, account.closed - self._config.kept_days + 1)
        daily[day] = quantity
        account.open_days.append(day)
        account.open_days.sort()
        account.last_day = max(account.last_day, day)
        silence = account.alert(Kind.USAGE_SILENCE)
        if silence is not None:
            self._book.settle(account, self._silence, at, Calm(Resolution.RECOVERED), out)
            if silence.severity is not Severity.WATCH:
                # What this silence piled up was reported: it is not charged again as a drop.
                account.drop.floor = account.drop.score

    def _advance(self, account: Account, now: int, out: Results) -> None:
        """Close the days and honour the deadlines up to `now`, in order of time, a day before a deadline."""
        calendar = self._calendar
        last = calendar.last_closed(now)
        if account.closed < 0:
            account.closed = last
        while True:
            deadline = self._deadline(account)
            if account.closed < last:
                at = calendar.close_of(account.closed + 1)
                if not self._judged_days(account):
                    self._pass_over(account, last)
                    continue
                if at <= deadline:
                    self._close_day(account, account.closed + 1, at, out)
                    continue
            if deadline > now:
                break
            self._honour(account, deadline, out)
        account.wake = min(calendar.close_of(account.closed + 1), deadline)

    def _judged_days(self, account: Account) -> bool:
        """Whether the next day is one to fold in: the account has begun, or begins then, and its days mean something."""
        open_days = account.open_days
        begun = account.first_day >= 0 or (len(open_days) > 0 and open_days[0] == account.closed + 1)
        return begun and not unjudged(account)

    def _pass_over(self, account: Account, last: int) -> None:
        """Days that say nothing: up to the account's first active day, or all of them."""
        open_days = account.open_days
        if account.first_day < 0 and open_days and not unjudged(account):
            last = min(last, open_days[0] - 1)
        account.closed = last
        while open_days and open_days[0] <= last:
            open_days.pop(0)

    def _close_day(self, account: Account, day: int, at: int, out: Results) -> None:
        count = account.daily.get(day, 0)
        if account.first_day < 0:
            account.first_day = day
        account.closed = day
        if count:
            account.open_days.remove(day)
        self.tally.days_closed += 1
        fleet = self.rules.fleet(day)
        day_of_week = weekday(day)
        account.drop.close_day(day, day_of_week, count, day - account.first_day, fleet)
        account.silence.close_day(day, day_of_week, count > 0, fleet)
        account.clock.close_day(count > 0, fleet)
        if account.monitored_day < 0:
            self._observe(account, day, count > 0)
            if account.monitored_day < 0:
                return
        for signal in self._daily:
            judgement = signal.judge(account, day)
            if judgement is not None:
                self._book.settle(account, signal, at, judgement, out)

    def _observe(self, account: Account, day: int, active: bool) -> None:
        """Whether the account is known well enough to be judged from this day on."""
        config = self._config
        account.active_mask = (account.active_mask << 1 | active) & ((1 << config.monitored_window_days) - 1)
        old_enough = day - account.first_day >= config.monitored_age_days
        if old_enough and account.active_mask.bit_count() >= config.monitored_active_days:
            account.monitored_day = day
            account.active_mask = 0

    def _deadline(self, account: Account) -> int:
        """The next moment that an alert or a dated signal waits for; `NEVER` without one."""
        if account.deadline < 0:
            deadline = self._book.wakes_at(account)
            if account.money.known and not account.profile.internal:
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
        if account.loss is not None or account.profile.internal:
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
                silent = self._silent_until(account)
                if silent is not None and (day is None or silent < day):
                    day = silent
            if day is not None:
                due = min(due, self._calendar.close_of(day))
        account.due = due if due < NEVER else None

    def _silent_until(self, account: Account) -> int | None:
        """If no event comes any more: the first day whose close may change an alert."""
        closed, config = account.closed, self._config
        if account.monitored_day < 0:
            if account.active_mask.bit_count() < config.monitored_active_days:
                return None
            return max(closed + 1, account.first_day + config.monitored_age_days)
        if closed + 1 - account.first_day < QUIET_AGE:
            return closed + 1  # no closed form while a silent day still counts for the baseline
        days = [day for signal in self._daily if (day := signal.silent_until(account)) is not None]
        if days or account.alert(Kind.USAGE_DROP) is not None:
            days.append(account.drop.rebaseline_day(closed, self.rules.fleet(closed)))
        return min(days, default=None)
