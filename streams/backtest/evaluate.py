"""From what the engine did and what became of the accounts to the figures."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from streams.backtest.accounts import by_risk, decisions, row_of, span_of
from streams.backtest.activity import Activity
from streams.backtest.examples import choose
from streams.backtest.feed import Findings
from streams.backtest.incidents import Incident, incidents
from streams.backtest.ledger import Ledger, Told
from streams.backtest.load import load_of
from streams.backtest.outcomes import Basis, Outcomes, silent_for_good
from streams.backtest.postmortem import Coroner, in_order
from streams.backtest.reading import Reading
from streams.backtest.result import AgeBand, Backtest, CurvePoint
from streams.backtest.silence_rule import best_rule, rules
from streams.backtest.verdicts import YEAR_MS, Judged, Span, Verdict, judge
from streams.detection.config import DAY_MS
from streams.detection.replay import Replay
from streams.detection.state import Account

_THRESHOLDS = (2, 3, 4, 5, 7, 10, 14, 21, 28, 35, 42, 60, 90, 120, 180)
_AGES = (0, 30, 90, 180, 365)
_AT_RISK = 25


@dataclass(frozen=True, slots=True)
class Asked:
    """What the user asked for. `outcomes` None: as billing says, or silence tells."""

    files: Sequence[str]
    asked: float
    team: int
    silence_days: int
    outcomes: Outcomes | None
    end: int
    """Up to where the data go, in ms."""


@dataclass(frozen=True, slots=True)
class Fleet:
    """All accounts at the end, the engine's last word on each."""

    accounts: Mapping[str, Account]
    spans: Mapping[str, Span]
    rows: Sequence[tuple[Any, ...]]
    outcomes: Outcomes


def fleet_of(replay: Replay, told: Iterable[Told], asked: Asked) -> Fleet:
    """The accounts of a replay that has ended."""
    engine, accounts = replay.engine, replay.accounts
    decided = decisions(told)
    spans = {name: span_of(account, engine.rules, decided) for name, account in accounts.items()}
    rows = [row_of(engine.picture(account, asked.end)) for account in accounts.values()]
    return Fleet(accounts, spans, rows, asked.outcomes or _outcomes(accounts, asked))


def _outcomes(accounts: Mapping[str, Account], asked: Asked) -> Outcomes:
    if any(account.loss is not None or account.subscriptions for account in accounts.values()):
        losses = {name: account.loss.at for name, account in accounts.items() if account.loss is not None}
        return Outcomes(Basis.BILLING, losses)
    last = ((name, account.last_event_at) for name, account in accounts.items() if account.last_event_at >= 0)
    return silent_for_good(last, asked.end, asked.silence_days)


def curve_point(knob: float, ledger: Ledger, fleet: Fleet, replay: Replay, asked: Asked) -> CurvePoint:
    """What a run at another setting of the knob gave."""
    judged = judge(incidents(ledger.told), fleet.outcomes, fleet.spans, asked.end)
    load = load_of(
        ledger.in_order(),
        replay.engine.rules.calendar,
        judged_from=_judged_from(fleet.spans, asked.end),
        end=asked.end,
        team=asked.team,
    )
    return CurvePoint(knob, judged, load)


def evaluate(
    replay: Replay,
    ledger: Ledger,
    fleet: Fleet,
    findings: Findings,
    reading: Reading,
    asked: Asked,
    curve: Sequence[CurvePoint] = (),
) -> Backtest:
    """All figures."""
    engine = replay.engine
    calendar, tally = engine.rules.calendar, engine.tally
    spans, outcomes, activity, end = fleet.spans, fleet.outcomes, findings.activity, asked.end
    told = list(ledger.in_order())
    present = curve_point(asked.asked, ledger, fleet, replay, asked)
    judged = present.judged
    return Backtest(
        files=asked.files,
        asked=asked.asked,
        reading=reading,
        end=end,
        calendar=calendar,
        timezone=engine.rules.config.timezone,
        duplicates=tally.duplicates,
        late=tally.late,
        accounts=sum(span.last_event_at >= 0 for span in spans.values()),
        judged_accounts=sum(span.monitored_at is not None for span in spans.values()),
        phases=Counter(account.phase.value for account in fleet.accounts.values()),
        load=present.load,
        judged=judged,
        silence_days=asked.silence_days,
        ages=_ages(judged, spans, activity, calendar.start_of, end),
        rule=best_rule(judged.count(Verdict.FALSE), activity, outcomes, spans, calendar, end),
        rules=rules(_THRESHOLDS, activity, outcomes, spans, calendar, end),
        curve=sorted((*curve, present), key=lambda point: point.asked) if curve else (),
        losses=_post_mortems(judged, fleet, replay, activity, told, end),
        events=findings.events,
        programs=findings.programs,
        excluded=findings.excluded,
        at_risk=_at_risk(fleet.rows, outcomes.losses),
        examples=choose(judged, activity, told, calendar, end),
        transitions=len(told),
        notes=[*_left_out(findings), *_notes(judged, fleet, asked)],
    )


def _judged_from(spans: Mapping[str, Span], end: int) -> int:
    return min((span.monitored_at for span in spans.values() if span.monitored_at is not None), default=end)


def _post_mortems(
    judged: Judged, fleet: Fleet, replay: Replay, activity: Activity, told: list[Told], end: int
) -> list[Any]:
    late: dict[str, Incident] = {}
    for alarm, verdict in judged.alarms:
        if verdict is Verdict.LATE:
            late.setdefault(alarm.account, alarm)
    coroner = Coroner(replay.engine.rules, judged.basis, activity, told, late)
    recent = [loss for loss in judged.losses if loss.at > end - YEAR_MS]
    return in_order(coroner.explain(loss, fleet.accounts.get(loss.account)) for loss in recent)


def _at_risk(rows: Iterable[tuple[Any, ...]], lost: Mapping[str, int]) -> list[tuple[Any, ...]]:
    alarming = [row for row in rows if row[2] == "alerting" and row[0] not in lost]
    alarming.sort(key=by_risk)
    return alarming[:_AT_RISK]


def _ages(judged: Judged, spans: Mapping[str, Span], activity: Activity, start_of: Any, end: int) -> list[AgeBand]:
    first = {account: start_of(activity[account][0][0]) for account in spans if account in activity}
    false = Counter(
        _band((alarm.opened_at - first[alarm.account]) / DAY_MS)
        for alarm, verdict in judged.alarms
        if verdict is Verdict.FALSE and alarm.account in first
    )
    years = [0.0] * len(_AGES)
    for account, begun in first.items():
        lived = max(0, min(spans[account].last_event_at, end) - begun) / DAY_MS
        for band, starts in enumerate(_AGES):
            ends = _AGES[band + 1] if band + 1 < len(_AGES) else float("inf")
            years[band] += max(0.0, min(lived, ends) - starts) / 365.25
    return [AgeBand(starts, years[band], false[band]) for band, starts in enumerate(_AGES)]


def _band(age: float) -> int:
    return max(band for band, starts in enumerate(_AGES) if age >= starts or band == 0)


def _left_out(findings: Findings) -> list[str]:
    if not findings.excluded:
        return []
    by = ", ".join(f"{name} {count:,}" for name, count in sorted(findings.excluded.items()))
    return [f"{sum(findings.excluded.values()):,} events do not count as usage and are left out, by setting: {by}."]


def _notes(judged: Judged, fleet: Fleet, asked: Asked) -> list[str]:
    notes = []
    unknown = [account for account in fleet.outcomes.losses if account not in fleet.spans]
    if unknown:
        notes.append(f"{len(unknown):,} of the accounts that were lost have no events in the data; they are left out.")
    if not judged.account_years:
        notes.append("No account was known well enough to be judged: the history is too short, or too thin.")
    if asked.end - _judged_from(fleet.spans, asked.end) < 60 * DAY_MS and judged.account_years:
        notes.append("Accounts were judged for less than 60 days: the rates below are rough.")
    if 0 < len(judged.judged_losses) < 20:
        notes.append(f"There are only {len(judged.judged_losses)} losses to go by: shares below are rough.")
    return notes
