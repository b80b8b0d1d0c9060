"""From what the engine did and what became of the accounts to the figures."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from schemas.instants import format_instant
from streams.backtest.accounts import by_risk, decisions
from streams.backtest.activity import Activity
from streams.backtest.cold_start import told_of_cold_start
from streams.backtest.ending import Ending
from streams.backtest.events import EventTally
from streams.backtest.examples import choose
from streams.backtest.home import HomeResult
from streams.backtest.incidents import Incident, incidents
from streams.backtest.knob import SHADOWED, Shadow
from streams.backtest.ledger import Told, in_order
from streams.backtest.load import Load, load_of
from streams.backtest.outcomes import Basis, Outcomes, silent_for_good
from streams.backtest.postmortem import Coroner, Elsewhere, PostMortem, in_order_of_loss
from streams.backtest.reading import Reading
from streams.backtest.repeats import BY_COLUMN, told_of_repeats
from streams.backtest.result import AgeBand, Backtest, CurvePoint
from streams.backtest.silence_rule import History, best_rule, rule_of
from streams.backtest.verdicts import YEAR_MS, Judged, Span, Verdict, judge
from streams.detection.calendar import Calendar
from streams.detection.config import DAY_MS, DetectionConfig
from streams.detection.usage_rule import UsageRule

_THRESHOLDS = (2, 3, 4, 5, 7, 10, 14, 21, 28, 35, 42, 60, 90, 120, 180)
_AGES = (0, 30, 90, 180, 365)
_AT_RISK = 25
_NONE: Final = frozenset(("null", "none", "nan", "n/a", "\\n", "undefined", "(not set)"))
_AFTERWARDS_MS: Final = 28 * DAY_MS
_FEW: Final = 3
_MANY: Final = 0.1
"""Share of the losses that have to be odd before it is said."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What the user asked for. `outcomes` None: as billing says, or silence tells."""

    files: Sequence[str]
    team: int
    silence_days: int
    outcomes: Outcomes | None
    end: int
    """Up to where the data go, in ms."""
    hashed: bool = False
    """No user's id is to be seen."""
    now: int | None = None
    """Up to where events can be, in ms."""


@dataclass(frozen=True, slots=True)
class Fleet:
    """What all homes came to."""

    told: Sequence[Told]
    """In order."""
    endings: Mapping[str, Ending]
    activity: Activity
    events: EventTally
    shadows: Sequence[Shadow]
    """By the setting of the knob, ascending."""
    duplicates: int
    repeated: int
    late: int
    excluded: Mapping[str, int]
    """Usage events that do not count, by setting."""
    learnt_at: int | None
    """When the first thresholds were no longer those of a cold start, in ms; None: never."""


def fleet_of(results: Iterable[HomeResult], rule: UsageRule | None = None) -> Fleet:
    """The homes of one fleet together."""
    told: list[Told] = []
    endings: dict[str, Ending] = {}
    activity, events, excluded = Activity(), EventTally(rule), Counter[str]()
    shadows: dict[float, Shadow] = {}
    duplicates = repeated = late = 0
    learnt: list[int] = []
    for each in results:
        told += each.told
        endings |= {ending.account: ending for ending in each.endings}
        activity += each.activity
        events += each.events
        for shadow in each.shadows:
            shadows.setdefault(shadow.asked, Shadow(shadow.asked)).add(shadow)
        duplicates += each.duplicates
        repeated += each.repeated
        late += each.late
        excluded += each.excluded
        learnt += [] if each.learnt_at is None else [each.learnt_at]
    ordered = [shadows[asked] for asked in sorted(shadows)]
    learnt_at = min(learnt, default=None)
    return Fleet(in_order(told), endings, activity, events, ordered, duplicates, repeated, late, excluded, learnt_at)


def _outcomes(fleet: Fleet, asked: Asked) -> Outcomes:
    if asked.outcomes is not None:
        return asked.outcomes
    endings = fleet.endings.values()
    if any(each.lost_at is not None or each.billed for each in endings):
        losses = {each.account: each.lost_at for each in endings if each.lost_at is not None}
        return Outcomes(Basis.BILLING, losses)
    last = ((each.account, each.last_event_at) for each in endings if each.last_event_at >= 0)
    return silent_for_good(last, asked.end, asked.silence_days)


def evaluate(fleet: Fleet, reading: Reading, config: DetectionConfig, asked: Asked) -> Backtest:
    """All figures."""
    calendar = Calendar(config.timezone, config.grace_ms)
    endings, activity, end, told = fleet.endings, fleet.activity, asked.end, fleet.told
    decided = decisions(told, {each.account: each.lost_at for each in endings.values()})
    spans = {
        each.account: Span(each.last_event_at, each.monitored_at, decided.get(each.account))
        for each in endings.values()
    }
    outcomes = _outcomes(fleet, asked)
    judged = judge(incidents(told), outcomes, spans, end)
    judged_from = _judged_from(spans, end)
    load = load_of(told, calendar, judged_from=judged_from, end=end, team=asked.team)
    curve = _curve(fleet, outcomes, spans, CurvePoint(config.alert_false_alarms, judged.without_alarms(), load), end)
    history = History(activity, outcomes, spans, calendar, load.since, end)
    tried = [rule_of(days, history) for days in _THRESHOLDS]
    return Backtest(
        files=asked.files,
        asked=config.alert_false_alarms,
        reading=reading,
        end=end,
        calendar=calendar,
        timezone=config.timezone,
        duplicates=fleet.duplicates,
        repeated=fleet.repeated,
        late=fleet.late,
        accounts=sum(span.last_event_at >= 0 for span in spans.values()),
        judged_accounts=sum(span.monitored_at is not None for span in spans.values()),
        phases=Counter(sorted(each.row[2] for each in endings.values())),
        load=load,
        judged=judged,
        silence_days=asked.silence_days,
        ages=_ages(judged, spans, activity, calendar.start_of, end),
        rule=best_rule(judged.count(Verdict.FALSE), tried, history),
        rules=tried,
        curve=curve,
        other_messages=_others(fleet, load),
        losses=_post_mortems(judged, load, curve, fleet, config, calendar, end),
        events=fleet.events.shares(),
        programs=[] if asked.hashed else fleet.events.programs(),
        excluded=fleet.excluded,
        learnt_at=fleet.learnt_at,
        at_risk=_at_risk((each.row for each in endings.values()), outcomes.losses),
        examples=choose(judged, activity, told, calendar, end),
        transitions=len(told),
        notes=[
            *_yet_to_come(reading, asked),
            *_left_out(fleet),
            *_repeated(fleet),
            *_placeholders(activity),
            *_notes(judged, spans, outcomes, curve, asked),
            *_doubtful(judged, spans, calendar, asked),
            *told_of_cold_start(fleet.learnt_at, judged_from, end, judged, spans.values(), calendar),
        ],
    )


def _others(fleet: Fleet, load: Load) -> int:
    """Messages that do not depend on the knob, besides those that speak of such a kind as well."""
    others, ours = set[tuple[str, int]](), set[tuple[str, int]]()
    for each in fleet.told:
        if each.message and each.at >= load.since:
            (ours if each.kind in SHADOWED else others).add((each.account, each.at))
    return len(others - ours)


def _curve(
    fleet: Fleet, outcomes: Outcomes, spans: Mapping[str, Span], present: CurvePoint, end: int
) -> list[CurvePoint]:
    """Every setting, with the present one as it really was."""
    load = present.load
    others = _others(fleet, load)
    points = [present]
    for shadow in fleet.shadows:
        alarms: dict[str, list[Incident]] = {}
        for each in shadow.incidents:
            alarms.setdefault(each.account, []).append(each)
        judged = judge(alarms, outcomes, spans, end).without_alarms()
        messages = others + sum(at >= load.since for at in shadow.messages)
        point = CurvePoint(shadow.asked, judged, replace(load, messages=messages))
        if shadow.asked != present.asked:
            points.append(point)
        elif (messages, judged.counts) != (load.messages, present.judged.counts):
            points[0] = replace(present, followed=point)
    return sorted(points, key=lambda point: point.asked)


def _judged_from(spans: Mapping[str, Span], end: int) -> int:
    return min((span.monitored_at for span in spans.values() if span.monitored_at is not None), default=end)


def _post_mortems(
    judged: Judged,
    load: Load,
    curve: Sequence[CurvePoint],
    fleet: Fleet,
    config: DetectionConfig,
    calendar: Calendar,
    end: int,
) -> list[PostMortem]:
    late: dict[str, Incident] = {}
    for alarm, verdict in judged.alarms:
        if verdict is Verdict.LATE:
            late.setdefault(alarm.account, alarm)
    elsewhere: dict[str, Elsewhere] = {}
    for point in curve:  # the least sensitive first
        if point.asked > config.alert_false_alarms:
            more = point.load.per_person_and_week - load.per_person_and_week
            for loss in point.judged.losses:
                if loss.incident is not None:
                    elsewhere.setdefault(loss.account, Elsewhere(point.asked, loss, more))
    coroner = Coroner(config, calendar, judged.basis, fleet.activity, fleet.told, late)
    return in_order_of_loss(
        coroner.explain(
            loss, fleet.endings.get(loss.account), None if loss.incident is not None else elsewhere.get(loss.account)
        )
        for loss in judged.losses
        if end - YEAR_MS < loss.at <= end
    )


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


def _left_out(fleet: Fleet) -> list[str]:
    if not fleet.excluded:
        return []
    by = ", ".join(f"{name} {count:,}" for name, count in sorted(fleet.excluded.items()))
    return [f"{sum(fleet.excluded.values()):,} events do not count as usage and are left out, by setting: {by}."]


def _yet_to_come(reading: Reading, asked: Asked) -> list[str]:
    if asked.now is None or reading.last_at is None or reading.last_at <= asked.now + DAY_MS:
        return []
    last, today = (format_instant(at)[:10] for at in (reading.last_at, asked.now))
    said = (
        f"The newest row is of {last}, which is yet to come, and the time goes on to it for all accounts, as if they "
    )
    return [f"{said}were silent until then; --until {today} leaves out what is later."]


def _repeated(fleet: Fleet) -> list[str]:
    told = told_of_repeats(fleet.repeated, fleet.events.total - sum(fleet.excluded.values()), BY_COLUMN)
    return [] if told is None else [told]


def _placeholders(activity: Activity) -> list[str]:
    """Of ids by which exports say that there is none."""
    return [
        f"{account!r}, with {sum(activity[account][1]):,} events, is counted as an account: are these rows of none?"
        for account in sorted(activity)
        if account.lower() in _NONE
    ]


def _doubtful(judged: Judged, spans: Mapping[str, Span], calendar: Calendar, asked: Asked) -> list[str]:
    """What in a file of outcomes does not go with the events."""
    if judged.basis is not Basis.FILE:
        return []
    notes, losses = [], judged.losses
    later = sum(loss.at > asked.end for loss in losses)
    if later:
        notes.append(
            f"Of the losses {later:,} {'lies' if later == 1 else 'lie'} after the end of the data, "
            f"{calendar.day_text(asked.end - 1)}: whether they are found nobody knows yet."
        )
    active = sum(spans[loss.account].last_event_at > loss.at + _AFTERWARDS_MS for loss in losses)
    if active >= max(_FEW, _MANY * len(losses)):
        notes.append(
            f"{active:,} of {len(losses):,} lost accounts have events more than four weeks after the outcome's time: "
            "is that the day on which they left?"
        )
    if len(losses) > later and not judged.judged_losses:
        notes.append("No loss could be judged: the accounts left before they were known well enough.")
    return notes


def _notes(
    judged: Judged, spans: Mapping[str, Span], outcomes: Outcomes, curve: Sequence[CurvePoint], asked: Asked
) -> list[str]:
    notes = []
    unknown = [account for account in outcomes.losses if account not in spans]
    if len(unknown) == len(outcomes.losses) > 1 and spans:
        notes.append(
            f"None of the {len(unknown):,} accounts that were lost has events in the data. Are ids written alike? "
            f"There it is {min(unknown)!r}, here {min(spans)!r}."
        )
    elif unknown:
        notes.append(f"{len(unknown):,} of the accounts that were lost have no events in the data; they are left out.")
    if not judged.account_years:
        notes.append("No account was known well enough to be judged: the history is too short, or too thin.")
    if asked.end - _judged_from(spans, asked.end) < 60 * DAY_MS and judged.account_years:
        notes.append("Accounts were judged for less than 60 days: the rates below are rough.")
    if 0 < len(judged.judged_losses) < 20:
        notes.append(f"There are only {len(judged.judged_losses)} losses to go by: shares below are rough.")
    for point in curve:
        if point.followed is not None:
            real, followed = point.judged.raised, point.followed.judged.raised
            notes.append(
                f"Other settings of the knob are approximate: for the present one they give {followed:,} alarms where "
                f"the engine gave {real:,}."
            )
    return notes
