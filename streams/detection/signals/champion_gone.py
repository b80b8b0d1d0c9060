"""`champion_gone`: who carries the product inside the account is there no more."""

from alerting.lifecycle import Finding
from alerting.words import count
from schemas.alerts import AlertReason, Kind, Resolution, Severity
from schemas.shuffle import known_hash64
from streams.detection.champions import MISSED_FOR, Gone, known_as
from streams.detection.rules import Rules
from streams.detection.signals.base import Calm, Firing, Judgement
from streams.detection.signals.gate import unjudged
from streams.detection.state import Account


class ChampionGoneSignal:
    """Fires when a champion (named in the account's record; else whoever comes most often by far) stays away on so many
    days on which others were there (20; half of them are a watch) that the person's own habit does not explain it, or
    is reported to have left, which is critical. A further champion escalates. Resolved when all are back, others are
    named; after a long time (60 such days), unless the record names whom.

    It is judged when the account's days go on and when its record changes: time alone changes nothing.
    """

    kind = Kind.CHAMPION_GONE

    def __init__(self, rules: Rules) -> None:
        self._rules = rules
        self._days = rules.config.champion_days

    def judge(self, account: Account, at: int) -> Judgement:  # noqa: ARG002  # the account's days are the clock
        """See `DatedSignal`."""
        champions = account.champions
        if champions is None or unjudged(account):
            return None
        gone = champions.gone(self._days)
        if not gone:
            alert = account.alert(self.kind)
            if alert is not None and champions.named_at >= alert.at:
                return Calm(Resolution.REPLACED)
            for_good = any(champions.missed(each) == MISSED_FOR + 1 for each in champions.followed.values())
            return Calm(Resolution.EXPIRED if for_good else Resolution.RECOVERED)
        if any(each.reported for each in gone):
            severity = Severity.CRITICAL
        elif max(each.missed for each in gone) >= self._days:
            severity = Severity.WARNING
        else:
            severity = Severity.WATCH
        return Firing(severity, len(gone))

    def next_at(self, account: Account) -> int | None:  # noqa: ARG002
        """Nothing happens here but by events."""
        return None

    def describe(self, account: Account, at: int, firing: Firing) -> Finding:
        """See `Signal`. The headline is that of whom the account misses longest."""
        champions = account.champions
        assert champions is not None  # it fires
        gone = sorted(champions.gone(self._days), key=lambda each: (not each.reported, -each.missed))
        first = gone[0]
        who = "A champion" if champions.named else "The account's most active person"
        others = f"; {count(len(gone) - 1, 'other champion')} also gone." if len(gone) > 1 else "."
        if first.reported:
            headline = f"{who} is reported to have left{others}"
        else:
            headline = f"{who} has stayed away on {count(first.missed, 'day')} on which others came{others}"
        missed = max(each.missed for each in gone)
        expected = sum(each.missed * each.follow.rate for each in gone if each.follow.active)
        evidence: dict[str, int | float] = {"missed_days": missed, "expected_days": round(expected, 1)}
        days = [each.follow.left_day if each.reported else each.follow.last_day for each in gone]
        return Finding(
            firing.severity,
            min(at, self._rules.calendar.start_of(min(days))),
            headline,
            tuple(self._reason(account, each) for each in gone),
            evidence,
            firing.step,
        )

    def _name(self, account: Account, user: int) -> str | None:
        """As the account's record has it, unless user ids are to be known by their hashes alone."""
        named = account.profile.fields.get("champions")
        if self._rules.config.user_key or not isinstance(named, list):
            return None
        return next((name for name in named if known_as(known_hash64(name)) == user), None)

    def _reason(self, account: Account, gone: Gone) -> AlertReason:
        calendar, each = self._rules.calendar, gone.follow
        name = self._name(account, gone.user)
        who = f"“{name}”" if name is not None else "This person"
        last = f"last seen on {calendar.day_text(calendar.start_of(each.last_day))}" if each.active else "never seen"
        values: dict[str, bool | int | float | str] = {"missed_days": gone.missed, "active_days": each.active}
        if name is not None:
            values["user_id"] = name
        if gone.reported:
            day = calendar.day_text(calendar.start_of(each.left_day))
            return AlertReason(code="reported_gone", text=f"{who} left, as reported on {day}; {last}.", values=values)
        usual = f"came on {round(100 * each.rate)}% of the account's days before"
        return AlertReason(code="silent_for", text=f"{who} {usual}; {last}.", values=values)
