"""Each loss with the day on which it was flagged, or with the reason why it was not."""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from alerting.words import count, number
from schemas.alerts import Change, Kind, Severity
from streams.backtest.activity import Activity
from streams.backtest.ending import Ending
from streams.backtest.incidents import Incident
from streams.backtest.ledger import Told
from streams.backtest.outcomes import Basis
from streams.backtest.standing import in_words
from streams.backtest.verdicts import Found
from streams.detection.calendar import Calendar
from streams.detection.config import DAY_MS, DetectionConfig

_WINDOW = 28


class Elsewhere(NamedTuple):
    """The least sensitive setting of the knob that would have been right about a loss that was missed."""

    asked: float
    """False alarms per account-year."""
    found: Found
    more: float
    """Messages per person and week that it sends on all accounts, beyond those of the setting asked for."""


class PostMortem(NamedTuple):
    """One loss."""

    found: Found
    name: str | None
    before: int
    """Events in the 28 days up to the loss ..."""
    earlier: int
    """... and in the 28 days before those."""
    told: str
    """When it was flagged and by which kinds, or why not."""
    elsewhere: Elsewhere | None = None
    """If it was missed: where it would not have been."""


class Coroner:
    """Explains losses. `told` are all transitions in order, `late` the alarms that were late, by account."""

    def __init__(
        self,
        config: DetectionConfig,
        calendar: Calendar,
        basis: Basis,
        activity: Activity,
        told: Iterable[Told],
        late: Mapping[str, Incident],
    ) -> None:
        self._config = config
        self._calendar = calendar
        self._basis = basis
        self._activity = activity
        self._late = late
        self._told: dict[str, list[Told]] = {}
        for each in told:
            self._told.setdefault(each.account, []).append(each)

    def explain(self, found: Found, ending: Ending | None, elsewhere: Elsewhere | None = None) -> PostMortem:
        """One loss. `ending`: the account at the end; `elsewhere`: what other settings say if it was missed."""
        day = self._calendar.day_of(found.at)
        before, earlier = self._sum(found.account, day), self._sum(found.account, day - _WINDOW)
        name = None if ending is None else ending.name
        text = self._flagged(found) if found.incident is not None else self._why_not(found, ending)
        if elsewhere is not None:
            text += (
                f" At {elsewhere.asked:g} false alarms per account-year it would have been flagged "
                f"{self._when(elsewhere.found)}, for {number(elsewhere.more)} more messages per person and week in all."
            )
        return PostMortem(found, name, before, earlier, text, elsewhere)

    def _flagged(self, found: Found) -> str:
        assert found.incident is not None
        text = f"Flagged {self._when(found)}."
        closed = found.incident.closed_at
        if closed is not None and closed < found.at:
            text += f" It had recovered by {self._calendar.day_text(closed)}."
        return text

    def _when(self, found: Found) -> str:
        assert found.incident is not None
        assert found.days is not None
        kinds = " and ".join(kind.value for kind in found.incident.kinds)
        days = abs(found.days)
        apart = count(int(days), "day") if days >= 1 else "less than a day"
        when = self._calendar.day_text(found.incident.opened_at)
        if self._basis is Basis.SILENCE:
            relation = "after" if found.days >= 0 else "before"
            return f"on {when} ({kinds}), {apart} {relation} its last activity"
        return f"on {when} ({kinds}), {apart} before it left"

    def _why_not(self, found: Found, ending: Ending | None) -> str:
        if ending is None or ending.last_event_at < 0:
            return "No usage event of this account is in the data."
        config = self._config
        if not found.judged:
            days = self._activity.get(found.account, ((), ()))[0]
            seen = (
                f"{count(len(days), 'active day')} over {count(days[-1] - days[0] + 1, 'day')}" if days else "no event"
            )
            return (
                f"Not known well enough to be judged: {seen}. It takes "
                f"{config.monitored_active_days} within {config.monitored_window_days} days, and an age of "
                f"{config.monitored_age_days} days."
            )
        if ending.internal:
            return "The account is marked as internal, and internal accounts are not judged."
        return " ".join(self._seen(found, ending))

    def _seen(self, found: Found, ending: Ending) -> Iterable[str]:
        day_text = self._calendar.day_text
        own = [each for each in self._told.get(found.account, ()) if each.at > found.at - 90 * DAY_MS]
        opened = [each for each in own if each.change in (Change.OPENED, Change.ESCALATED)]
        late = self._late.get(found.account)
        said = False
        if late is not None:
            yield f"Flagged on {day_text(late.opened_at)}, too late."
            said = True
        cancelled = next((each for each in opened if each.kind is Kind.CANCEL_SCHEDULED), None)
        if cancelled is not None:
            yield f"It cancelled on {day_text(cancelled.at)}; usage is not judged after that."
            said = True
        for kind in (Kind.PAYMENT_FAILED, Kind.CARD_EXPIRING):
            first = next((each for each in opened if each.kind is kind), None)
            if first is not None:
                yield f"There was a {kind.value} alert on {day_text(first.at)}."
                said = True
        watch = next((each for each in opened if each.severity is Severity.WATCH), None)
        if watch is not None and late is None:
            yield f"Only a watch was opened, on {day_text(watch.at)} ({watch.kind.value})."
            said = True
        silent = self._basis is Basis.SILENCE or ending.last_event_at <= found.at
        if silent and late is None and ending.lost_at is None and ending.standing is not None:
            yield in_words(ending.standing)
        elif not said:
            yield f"Its usage gave no sign: it was last active on {day_text(min(ending.last_event_at, found.at))}."

    def _sum(self, account: str, last: int) -> int:
        """Events of the 28 days that end with `last`."""
        days, counts = self._activity.get(account, ((), ()))
        return sum(events for day, events in zip(days, counts, strict=True) if last - _WINDOW < day <= last)


def in_order_of_loss(losses: Iterable[PostMortem]) -> list[PostMortem]:
    """The newest first."""
    return sorted(losses, key=lambda each: (-each.found.at, each.found.account))
