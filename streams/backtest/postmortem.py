"""Each loss with the day on which it was flagged, or with the reason why it was not."""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from alerting.words import count, number
from schemas.alerts import Change
from streams.backtest.activity import Activity
from streams.backtest.ending import Ending
from streams.backtest.incidents import Incident
from streams.backtest.ledger import Told
from streams.backtest.outcomes import Basis
from streams.backtest.verdicts import Found
from streams.detection.calendar import Calendar
from streams.detection.config import DetectionConfig
from streams.detection.postmortem import INTERNAL, WINDOW_MS, Seen, no_sign, not_known, seen_besides
from streams.detection.standing import in_words

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
        if not found.judged:
            days = self._activity.get(found.account, ((), ()))[0]
            return not_known(len(days), days[-1] - days[0] + 1 if days else 0, self._config)
        if ending.internal:
            return INTERNAL
        return " ".join(self._seen(found, ending))

    def _seen(self, found: Found, ending: Ending) -> Iterable[str]:
        day_text = self._calendar.day_text
        own = [each for each in self._told.get(found.account, ()) if each.at > found.at - WINDOW_MS]
        opened = [each for each in own if each.change in (Change.OPENED, Change.ESCALATED)]
        late = self._late.get(found.account)
        said = [] if late is None else [f"Flagged on {day_text(late.opened_at)}, too late."]
        seen = [Seen(each.kind, each.severity, each.at) for each in opened]
        said += seen_besides(seen, day_text, watches=late is None)
        yield from said
        silent = self._basis is Basis.SILENCE or ending.last_event_at <= found.at
        if silent and late is None and ending.lost_at is None and ending.standing is not None:
            yield in_words(ending.standing)
        elif not said:
            yield no_sign(day_text(min(ending.last_event_at, found.at)))

    def _sum(self, account: str, last: int) -> int:
        """Events of the 28 days that end with `last`."""
        days, counts = self._activity.get(account, ((), ()))
        return sum(events for day, events in zip(days, counts, strict=True) if last - _WINDOW < day <= last)


def in_order_of_loss(losses: Iterable[PostMortem]) -> list[PostMortem]:
    """The newest first."""
    return sorted(losses, key=lambda each: (-each.found.at, each.found.account))
