"""Days of usage: how one begins, how it is closed, and which one can matter next."""

from schemas.alerts import Kind, Resolution, Severity
from streams.detection.book import Book
from streams.detection.calendar import weekday
from streams.detection.drop import QUIET_AGE
from streams.detection.results import Results
from streams.detection.rules import Rules
from streams.detection.signals import daily_signals
from streams.detection.signals.base import Calm, DailySignal, Firing
from streams.detection.signals.gate import unjudged
from streams.detection.state import NEVER, Account
from streams.detection.tally import Tally
from streams.detection.window import with_day


class Days:
    """Folds an account's days into its channels, one by one and in order, and has the signals judge each."""

    def __init__(self, rules: Rules, book: Book, tally: Tally) -> None:
        self._rules = rules
        self._config = rules.config
        self._book = book
        self._tally = tally
        self._signals = daily_signals(rules)
        self._window = (1 << rules.config.monitored_window_days) - 1
        self._silence = next(signal for signal in self._signals if signal.kind is Kind.USAGE_SILENCE)

    def begin(self, account: Account, day: int, quantity: int, at: int, out: Results) -> None:
        """The first event of a day that is still open."""
        account.daily = with_day(account.daily, day, quantity, account.closed - self._config.kept_days + 1)
        account.open_days.append(day)
        account.open_days.sort()
        account.last_day = max(account.last_day, day)
        silence = account.alert(Kind.USAGE_SILENCE)
        if silence is not None:
            self._book.settle(account, self._silence, at, Calm(Resolution.RECOVERED), out)
            if silence.severity is not Severity.WATCH:
                # What this silence piled up was reported: it is not charged again as a drop.
                account.drop.floor = account.drop.score

    def close_until(self, account: Account, last: int, out: Results) -> None:
        """Close the days up to `last`, or up to one that gives the account a new deadline."""
        while account.closed < last and not self._matter(account):
            self._pass_over(account, last)
        while account.closed < last:
            open_days = account.open_days
            silent = min(last, open_days[0] - 1) if open_days else last
            quiet = min(silent, account.quiet_until - 1)
            if quiet > account.closed:
                self._close_silent(account, quiet)
            elif silent <= account.closed + 1 or not self._close_if_quiet(account, silent):
                self._close_next(account, out)
                if account.deadline < 0:
                    return

    def _matter(self, account: Account) -> bool:
        """Whether the next day is one to fold in: the account has begun or begins then, and its days mean something."""
        open_days = account.open_days
        begun = account.first_day >= 0 or (len(open_days) > 0 and open_days[0] == account.closed + 1)
        return begun and not unjudged(account)

    def _pass_over(self, account: Account, last: int) -> None:
        """Days that do not matter: those before the account's first active day, or all up to `last`."""
        open_days = account.open_days
        if account.first_day < 0 and open_days and not unjudged(account):
            last = min(last, open_days[0] - 1)
        account.closed = last
        while open_days and open_days[0] <= last:
            open_days.pop(0)

    def _close_if_quiet(self, account: Account, last: int) -> bool:
        """Close the silent days up to `last`, or find out how many of them change no alert; False if none. As a silence
        lasts, all channels only rise: what the last of its days does not change, none before it does."""
        if account.quiet_until >= 0 or not self._foreseeable(account):
            return False
        if account.monitored_day < 0 or account.closed + 1 - account.first_day < QUIET_AGE:
            self.forecast(account)  # of such an account it is soon told
            return account.quiet_until > account.closed + 1
        closed, drop, silence, clock = account.closed, account.drop, account.silence, account.clock
        before, quiet, days = drop.snapshot(), silence.quiet, clock.days
        self._close_silent(account, last)
        if all(self._changes_nothing(account, signal) for signal in self._signals):
            return True
        drop.restore(before)
        silence.quiet, clock.days, account.closed = quiet, days, closed
        self._tally.days_closed -= last - closed
        self.forecast(account)
        return account.quiet_until > closed + 1

    def _changes_nothing(self, account: Account, signal: DailySignal) -> bool:
        judgement, alert = signal.judge(account, account.closed), account.alert(signal.kind)
        if isinstance(judgement, Firing) and alert is not None:
            return judgement.severity.rank <= alert.severity.rank and judgement.step <= alert.finding.step
        return judgement is None

    def _close_silent(self, account: Account, last: int) -> None:
        """Silent days up to `last` of which it is known that they change no alert: nothing is to be judged."""
        closed, rules = account.closed, self._rules
        days = [(day, weekday(day), rules.fleet(day)) for day in range(closed + 1, last + 1)]
        account.drop.close_silent_days(days, closed + 1 - account.first_day)
        account.clock.close_silent_days(days, account.silence)
        account.silence.close_silent_days(days)
        if account.monitored_day < 0:
            account.active_mask = (account.active_mask << len(days)) & self._window
        account.closed = last
        self._tally.days_closed += len(days)

    def _close_next(self, account: Account, out: Results) -> None:
        day = account.closed + 1
        count = account.daily.get(day, 0)
        if account.first_day < 0:
            account.first_day = day
        account.closed = day
        account.quiet_until = -1
        if count:
            account.open_days.remove(day)
        self._tally.days_closed += 1
        fleet = self._rules.fleet(day)
        day_of_week = weekday(day)
        account.drop.close_day(day, day_of_week, count, day - account.first_day, fleet)
        account.clock.close_day(count > 0, 0.0 if count else account.silence.operating(day_of_week, fleet), fleet)
        account.silence.close_day(day, day_of_week, count > 0, fleet)
        if account.monitored_day < 0:
            self._observe(account, day, count > 0)
            if account.monitored_day < 0:
                return
        for signal in self._signals:
            judgement = signal.judge(account, day)
            if judgement is not None:
                at = self._rules.calendar.close_of(day)
                self._book.settle(account, signal, at, judgement, out)

    def forecast(self, account: Account) -> int | None:
        """If no event comes any more: the first day whose close may change an alert. Perhaps too early, never too
        late; None: no day's. Notes it in the account."""
        silent = self._silent_until(account)
        if self._foreseeable(account):
            account.quiet_until = NEVER if silent is None else silent
        return silent

    def _foreseeable(self, account: Account) -> bool:
        """Whether silent days need no judging one by one: while a drop is alerted each calm one is counted."""
        return account.alert(Kind.USAGE_DROP) is None and account.drop.calm_day < 0

    def _silent_until(self, account: Account) -> int | None:
        closed, config = account.closed, self._config
        if account.monitored_day < 0:
            if account.active_mask.bit_count() < config.monitored_active_days:
                return None
            return max(closed + 1, account.first_day + config.monitored_age_days)
        if closed + 1 - account.first_day < QUIET_AGE:
            return closed + 1  # no closed form while a silent day still counts for the baseline
        days = [day for signal in self._signals if (day := signal.silent_until(account)) is not None]
        return min(days, default=None)

    def _observe(self, account: Account, day: int, active: bool) -> None:
        """Whether the account is known well enough to be judged from this day on."""
        config = self._config
        account.active_mask = (account.active_mask << 1 | active) & self._window
        old_enough = day - account.first_day >= config.monitored_age_days
        if old_enough and account.active_mask.bit_count() >= config.monitored_active_days:
            account.monitored_day = day
            account.active_mask = 0
