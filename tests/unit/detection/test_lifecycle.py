"""The life of an alert."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import product

import orjson
import pytest

from alerting.lifecycle import (
    ALLOWED,
    Alert,
    Finding,
    ImpossibleChangeError,
    Standing,
    acknowledge,
    alert_id,
    escalate,
    open_alert,
    reopen,
    resolve,
    snooze,
    transition,
    wake,
)
from schemas.alerts import AlertReason, AlertState, Change, Kind, OpenAlert, Resolution, Severity

STANDING = Standing(70, 4900, "EUR", 882.0)
FINDING = Finding(
    Severity.WARNING,
    900,
    "Quiet.",
    (AlertReason(code="silent_for", text="Quiet for long.", values={"days": 3, "share": 0.5, "hard": True}),),
    {"score": 4.5, "observed": 0},
)
FIRING = open_alert("acme", Kind.USAGE_SILENCE, 1_000, FINDING, STANDING)
STATES = {
    AlertState.FIRING: FIRING,
    AlertState.ACKNOWLEDGED: acknowledge(FIRING, 1_001, "ana", STANDING),
    AlertState.SNOOZED: snooze(FIRING, 1_001, "ana", 5_000, STANDING),
    AlertState.RESOLVED: resolve(FIRING, 1_001, Resolution.RECOVERED, "Over.", STANDING),
}
CHANGES: dict[Change, Callable[[Alert], Alert]] = {
    Change.OPENED: lambda alert: reopen(alert, 2_000, FINDING, STANDING),
    Change.ESCALATED: lambda alert: escalate(alert, 2_000, worse(Severity.CRITICAL), STANDING),
    Change.ACKNOWLEDGED: lambda alert: acknowledge(alert, 2_000, "ben", STANDING),
    Change.SNOOZED: lambda alert: snooze(alert, 2_000, "ben", 9_000, STANDING),
    Change.WOKEN: lambda alert: wake(alert, 2_000, None, STANDING),
    Change.RESOLVED: lambda alert: resolve(alert, 2_000, Resolution.RECOVERED, "Over.", STANDING),
}
# Each state and change: the state after it, or None where it cannot be.
F, A, S, R = AlertState.FIRING, AlertState.ACKNOWLEDGED, AlertState.SNOOZED, AlertState.RESOLVED
AFTER = {
    Change.OPENED: {F: None, A: None, S: None, R: F},
    Change.ESCALATED: {F: F, A: A, S: F, R: None},
    Change.ACKNOWLEDGED: {F: A, A: None, S: A, R: None},
    Change.SNOOZED: {F: S, A: S, S: S, R: None},
    Change.WOKEN: {F: None, A: None, S: F, R: None},
    Change.RESOLVED: {F: R, A: R, S: R, R: None},
}


def worse(severity: Severity) -> Finding:
    return Finding(severity, 900, "Worse.")


@pytest.mark.parametrize(("state", "change"), list(product(AlertState, Change)))
def test_every_change_in_every_state_is_either_in_the_table_or_refused(state: AlertState, change: Change) -> None:
    before, expected = STATES[state], AFTER[change][state]
    if expected is None:
        with pytest.raises(ImpossibleChangeError, match=f"is {state.value} cannot be {change.value}"):
            CHANGES[change](before)
        return
    after = CHANGES[change](before)
    assert (after.state, after.change) == (expected, change)
    assert after.revision == before.revision + 1
    assert (after.alert_id, after.kind, after.opened_at) == (before.alert_id, before.kind, before.opened_at)


def test_the_table_has_no_other_rows() -> None:
    rows = {(state, change) for change, states in AFTER.items() for state, after in states.items() if after}
    assert set(ALLOWED) == rows | {(None, Change.OPENED)}


def test_an_id_depends_on_account_kind_and_opening_time_only() -> None:
    ids = {
        alert_id(account, kind, at)
        for account, kind, at in product(("acme", "acme2"), (Kind.USAGE_DROP, Kind.DOWNGRADE), (1, 11))
    }
    assert len(ids) == 8
    # b2sum of "acme", line feed, "usage_drop", line feed, "1740826800000"; pinned, as a replay has to find it again.
    assert alert_id("acme", Kind.USAGE_DROP, 1_740_826_800_000) == "582649ad8d1ade9c"
    assert FIRING.alert_id == alert_id("acme", Kind.USAGE_SILENCE, 1_000)
    assert all(len(each) == 16 and int(each, 16) >= 0 for each in ids)


def test_severity_does_not_come_down_while_the_alert_is_open() -> None:
    critical = escalate(FIRING, 2_000, worse(Severity.CRITICAL), STANDING)
    assert escalate(critical, 3_000, worse(Severity.WARNING), STANDING).severity is Severity.CRITICAL
    assert resolve(critical, 3_000, Resolution.PAID, "Paid.", STANDING).severity is Severity.CRITICAL


def test_a_snoozed_alert_sleeps_on_unless_it_turns_critical() -> None:
    watch = snooze(open_alert("acme", Kind.USAGE_DROP, 1, worse(Severity.WATCH), STANDING), 2, "ana", 99, STANDING)
    asleep = escalate(watch, 3, worse(Severity.WARNING), STANDING)
    assert (asleep.state, asleep.snoozed_until) == (AlertState.SNOOZED, 99)
    awake = escalate(asleep, 4, worse(Severity.CRITICAL), STANDING)
    assert (awake.state, awake.snoozed_until) == (AlertState.FIRING, None)


def test_a_late_event_does_not_change_an_alert_before_its_last_change() -> None:
    assert resolve(FIRING, 10, Resolution.PAID, "Paid.", STANDING).at == FIRING.at


def test_who_gave_a_command_is_said_of_that_change_only() -> None:
    acknowledged = acknowledge(FIRING, 2_000, "ana", STANDING)
    assert acknowledged.by == "ana"
    assert resolve(acknowledged, 3_000, Resolution.PAID, "Paid.", STANDING).by is None


@pytest.mark.parametrize("alert", [*STATES.values(), STATES[AlertState.RESOLVED].kept()])
def test_stored_and_read_back_it_is_the_same(alert: Alert) -> None:
    assert Alert.decode(orjson.loads(orjson.dumps(alert.encode()))) == alert


def test_counts_by_day_are_told_and_not_kept() -> None:
    now = 1_740_000_000_000
    finding = replace(FINDING, since=now - 9, evidence={**FINDING.evidence, "daily": (3, 0, 1)})
    firing = open_alert("acme", Kind.USAGE_SILENCE, now, finding, STANDING)
    assert transition(firing, "acme").evidence == {"score": 4.5, "observed": 0, "daily": (3, 0, 1)}
    assert transition(firing.kept(), "acme").evidence == {"score": 4.5, "observed": 0}


def test_a_transition_says_everything_there_is_to_say() -> None:
    now = 1_740_000_000_000
    finding = replace(FINDING, since=now - 9)
    firing = open_alert("acme", Kind.USAGE_SILENCE, now, finding, STANDING)
    snoozed = snooze(firing, now + 5, "ana", now + 99, STANDING)
    others = (OpenAlert(kind=Kind.DOWNGRADE, severity=Severity.WATCH),)
    told = transition(snoozed, "acme", "Acme GmbH", "ana@example.com", "east", now + 7, others, "Call them.")
    assert told.model_dump(exclude_unset=True) == {
        "alert_id": firing.alert_id,
        "revision": 2,
        "account_id": "acme",
        "account_name": "Acme GmbH",
        "kind": Kind.USAGE_SILENCE,
        "change": Change.SNOOZED,
        "state": AlertState.SNOOZED,
        "severity": Severity.WARNING,
        "at": now + 5,
        "opened_at": now,
        "since": now - 9,
        "headline": "Quiet.",
        "playbook": "Call them.",
        "reasons": (
            {"code": "silent_for", "text": "Quiet for long.", "values": {"days": 3, "share": 0.5, "hard": True}},
        ),
        "evidence": {"score": 4.5, "observed": 0},
        "health": 70,
        "mrr_minor": 4900,
        "currency": "EUR",
        "priority": 882.0,
        "renewal_at": now + 7,
        "also_open": ({"kind": Kind.DOWNGRADE, "severity": Severity.WATCH},),
        "owner": "ana@example.com",
        "team": "east",
        "resolution": None,
        "by": "ana",
    }
