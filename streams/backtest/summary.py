"""The result as plain values: summary.json.

Times are RFC 3339 in UTC, shares from 0 to 1, rates per account-year; null where there is nothing to go by. Besides
what was read (`rows`, `bad_rows`, ...) it has

- `duplicates`: events whose id had come before, and which do not count; `repeated_events`: those without an id that are
  like another, at a time that is no full quarter of an hour, and count;
- `messages`: over `weeks` weeks, at most the last year: `count`, `per_week`, `per_person_and_week` for a `team` of so
  many, `alerts_opened` by kind;
- `outcomes`: where losses come from (`basis`), how many were found and when (`found_within_N_days` of the last
  activity and `median_delay_days` where silence tells, `found_at_least_N_days` before and `median_lead_days`
  otherwise), alarms by what became of them, `recall_by_chance`: what as many alarms at random times would find;
- `curve`: the same for each setting of the knob, with its messages; `present` is the one that was asked for;
- `silence_rules`, and `best_silence_rule`: the shortest with no more false alarms than the engine, likewise;
- `losses` of the last year, the newest first: `flagged_at`, `days` (the delay, or the lead), `told` in words, and, of
  one that was missed, `another_setting` of the knob that would have seen it, for `more_messages_per_person_and_week`;
- `thresholds_learnt_at`: before, they were those of a cold start, which may give many more false alarms than asked;
- `false_alarms_by_account_age`, `events` with what may be no usage, and `notes` for whoever reads the figures.
"""

from typing import Any

from schemas.instants import format_instant
from streams.backtest.load import Load
from streams.backtest.outcomes import Basis
from streams.backtest.result import Backtest
from streams.backtest.silence_rule import Rule
from streams.backtest.verdicts import Judged, Verdict

WITHIN = (7, 14, 30)


def summary_of(found: Backtest) -> dict[str, Any]:
    """Names and units are part of the command's interface: additions only."""
    reading = found.reading
    return {
        "schema_version": 1,
        "files": list(found.files),
        "rows": dict(reading.rows),
        "bad_rows": reading.bad,
        "bad_row_examples": reading.examples,
        "rows_after_until": reading.later,
        "duplicates": found.duplicates,
        "repeated_events": found.repeated,
        "late_events": found.late,
        "first_event_at": _time(reading.first_at),
        "last_event_at": _time(reading.last_at),
        "end": _time(found.end),
        "timezone": found.timezone,
        "accounts": found.accounts,
        "accounts_judged": found.judged_accounts,
        "accounts_by_phase": dict(found.phases),
        "false_alarms_per_account_year_asked": found.asked,
        "thresholds_learnt_at": _time(found.learnt_at),
        "transitions": found.transitions,
        "messages": _load(found.load),
        "outcomes": {"basis": found.judged.basis.value, **_silence_days(found), **_judged(found.judged)},
        "false_alarms_by_account_age": [
            {
                "from_days": band.from_days,
                "account_years": round(band.account_years, 3),
                "false_alarms": band.false_alarms,
                "false_alarms_per_account_year": _ratio(band.false_alarms, band.account_years),
            }
            for band in found.ages
        ],
        "best_silence_rule": None if found.rule is None else _rule(found.rule, found),
        "silence_rules": [_rule(rule, found) for rule in found.rules],
        "curve": [
            {
                "false_alarms_per_account_year_asked": point.asked,
                "present": point.asked == found.asked,
                "messages": point.load.messages,
                "messages_per_week": round(point.load.per_week, 3),
                "messages_per_person_and_week": round(point.load.per_person_and_week, 3),
                **_judged(point.judged),
            }
            for point in found.curve
        ],
        "losses": [
            {
                "account_id": each.found.account,
                "account_name": each.name,
                "at": _time(each.found.at),
                "judged": each.found.judged,
                "flagged_at": None if each.found.incident is None else _time(each.found.incident.opened_at),
                "alert_ids": [] if each.found.incident is None else list(each.found.incident.alert_ids),
                "days": None if each.found.days is None else round(each.found.days, 2),
                "events_28d": each.before,
                "events_28d_before": each.earlier,
                "told": each.told,
                "another_setting": None
                if each.elsewhere is None
                else {
                    "false_alarms_per_account_year_asked": each.elsewhere.asked,
                    "flagged_at": _time(each.elsewhere.found.incident and each.elsewhere.found.incident.opened_at),
                    "days": _round(each.elsewhere.found.days),
                    "more_messages_per_person_and_week": round(each.elsewhere.more, 3),
                },
            }
            for each in found.losses
        ],
        "events": [
            {
                "event": each.name,
                "count": each.count,
                "share": round(each.share, 4),
                "users": each.users,
                "accounts": each.accounts,
                "without_user": round(each.without_user, 4),
                "regularity": None if each.regularity is None else round(each.regularity, 3),
                "night": None if each.night is None else round(each.night, 3),
                "weekend": None if each.weekend is None else round(each.weekend, 3),
                "excluded_by": each.excluded,
                "suggestion": each.suggestion,
            }
            for each in found.events
        ],
        "perhaps_programs": [
            {"user_id": each.user, "count": each.count, "night": round(each.night, 3), "suggestion": each.suggestion}
            for each in found.programs
        ],
        "excluded_events": dict(found.excluded),
        "notes": found.notes,
    }


def _judged(judged: Judged) -> dict[str, Any]:
    measure = "within" if judged.basis is Basis.SILENCE else "at_least"
    unit = "delay" if judged.basis is Basis.SILENCE else "lead"
    return {
        "losses": len(judged.losses),
        "losses_judged": len(judged.judged_losses),
        "losses_found": len(judged.days),
        "alarms": judged.raised,
        **{f"alarms_{verdict.value}": judged.count(verdict) for verdict in Verdict},
        "account_years": round(judged.account_years, 3),
        "alarms_per_account_year": _ratio(judged.raised, judged.account_years),
        "false_alarms_per_account_year": _round(judged.false_alarms_per_account_year),
        "precision": _round(judged.precision),
        "recall": _round(judged.recall),
        "recall_by_chance": _round(judged.by_chance),
        **{f"found_{measure}_{days}_days": _round(judged.within(days)) for days in WITHIN},
        f"median_{unit}_days": _round(judged.median_days),
    }


def _rule(rule: Rule, found: Backtest) -> dict[str, Any]:
    """With the messages of all kinds that there would be if the rule stood in for the engine."""
    load = found.load
    each = (rule.messages + found.other_messages) / load.weeks / load.team
    return {"silent_days": rule.days, "messages_per_person_and_week": round(each, 3), **_judged(rule.judged)}


def _load(load: Load) -> dict[str, Any]:
    return {
        "since": _time(load.since),
        "until": _time(load.until),
        "weeks": round(load.weeks, 2),
        "team": load.team,
        "count": load.messages,
        "per_week": round(load.per_week, 3),
        "per_person_and_week": round(load.per_person_and_week, 3),
        "alerts_opened": dict(load.opened.most_common()),
        "watches_opened": load.watches,
    }


def _silence_days(found: Backtest) -> dict[str, Any]:
    return {"silence_days": found.silence_days} if found.judged.basis is Basis.SILENCE else {}


def _time(at: int | None) -> str | None:
    return None if at is None else format_instant(at)


def _ratio(count: float, years: float) -> float | None:
    return round(count / years, 4) if years else None


def _round(value: float | None) -> float | None:
    return None if value is None else round(value, 4)
