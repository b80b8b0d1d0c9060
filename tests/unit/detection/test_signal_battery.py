"""One battery of checks over every signal. A new signal joins by being listed in `signals/__init__.py`, and is asked
here for three stories: one in which it fires and gets worse, what ends that, and what brings it on again."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest

import streams.detection.signals
from alerting.lifecycle import ALLOWED
from schemas.alerts import AlertState, Change, Kind, Transition
from schemas.shuffle import Fact, Usage
from streams.detection.config import DAY_MS, DetectionConfig
from streams.detection.engine import Engine
from streams.detection.rules import Rules
from streams.detection.signals import daily_signals, dated_signals
from streams.detection.signals.base import DailySignal, DatedSignal, Firing
from tests.unit.detection.building import Run, at, bills, says, update, usage

pytestmark = pytest.mark.slow

CONFIG = DetectionConfig(intent_events=("export",), key_actions=("report.*",))
"""With all that a kind needs to be told."""
RULES = Rules.of(CONFIG)
SIGNALS: list[DailySignal | DatedSignal] = [*daily_signals(RULES), *dated_signals(RULES)]
KINDS = [signal.kind for signal in SIGNALS]
EVERY = pytest.mark.parametrize("kind", KINDS)


def _weekdays(days: range, a_day: int) -> list[Usage | Fact]:
    return [usage(at(day, 9 + n / 2)) for day in days if day % 7 < 5 for n in range(a_day)]


def _weekdays_of(days: range, *users: str) -> list[Usage | Fact]:
    return [usage(at(day, 9 + n), user=user) for day in days if day % 7 < 5 for n, user in enumerate(users)]


# `kim` comes every day, the others now and then.
_TEAM: list[Usage | Fact] = [
    usage(at(day, 10 + n), user=user)
    for day in range(84)
    if day % 7 < 5
    for n, user in enumerate(["kim", f"user-{day % 3}"])
]


def _exporting(days: range, until: int) -> list[Usage | Fact]:
    """Six events on each weekday, the first two of them core actions until a day."""
    return [
        usage(at(day, 9 + n / 2), event="report.made" if n < 2 and day < until else "click")
        for day in days
        if day % 7 < 5
        for n in range(6)
    ]


def _people(days: range, users: int) -> list[Usage | Fact]:
    """As much as ever is done, by so many."""
    return [usage(at(day, 9 + n / 2), user=f"user-{n % users}") for day in days if day % 7 < 5 for n in range(12)]


SUBSCRIBED: list[Usage | Fact] = [bills("subscription.started", at(0), current_period_end=at(400))]
# The kind's own story up to where it fires, with the day from which it does at the latest.
FIRES: dict[Kind, tuple[list[Usage | Fact], float]] = {
    Kind.USAGE_SILENCE: (SUBSCRIBED + _weekdays(range(89), 4), 110),
    Kind.USAGE_DROP: (SUBSCRIBED + _weekdays(range(89), 12) + _weekdays(range(89, 121), 2), 121),
    Kind.KEY_ACTION_STOPPED: (SUBSCRIBED + _exporting(range(120), 89), 120),
    Kind.BREADTH_DECLINE: (SUBSCRIBED + _people(range(91), 12) + _people(range(91, 119), 3), 119.5),
    Kind.PAYMENT_FAILED: (
        [
            *SUBSCRIBED,
            bills("payment.failed", at(1), attempt=1, next_attempt_at=at(4)),
            bills("payment.failed", at(4), attempt=2),
        ],
        5,
    ),
    Kind.CARD_EXPIRING: (
        [
            bills("subscription.started", at(0), current_period_end=at(100)),
            bills("payment_method.updated", at(0), exp_month=3, exp_year=2025, default=True),
        ],
        99,
    ),
    Kind.CANCEL_SCHEDULED: (
        [*SUBSCRIBED, bills("subscription.cancel_scheduled", at(1), effective_at=at(20), reason="price")],
        19,
    ),
    Kind.DOWNGRADE: (
        [
            *SUBSCRIBED,
            bills("subscription.updated", at(1), plan="small", mrr_minor=6_000),
            bills("subscription.updated", at(3), plan="tiny", mrr_minor=2_000),
        ],
        4,
    ),
    Kind.SEATS_REDUCED: (
        [
            bills("subscription.started", at(0), seats=40),
            bills("subscription.updated", at(1), seats=30, mrr_minor=8_000),
            bills("subscription.updated", at(3), seats=20, mrr_minor=6_000),
        ],
        4,
    ),
    Kind.PAUSED: ([*SUBSCRIBED, bills("subscription.paused", at(1), resumes_at=at(30))], 25),
    Kind.RENEWAL_AT_RISK: (
        [bills("subscription.started", at(0), renewal_at=at(400), interval="year"), *_weekdays(range(290), 4)],
        380,
    ),
    Kind.CHAMPION_GONE: (SUBSCRIBED + _TEAM + _weekdays_of(range(84, 119), "user-0"), 119),
    Kind.ONBOARDING_STALLED: ([*SUBSCRIBED, update(at(0), started_at=at(0)), usage(at(3))], 40),
    Kind.CANCEL_INTENT: ([*SUBSCRIBED, *(usage(at(day), event="export") for day in (1, 2))], 10),
    Kind.NEGATIVE_FEEDBACK: (
        [*SUBSCRIBED, says("nps", at(1), score=3), says("ticket", at(2), status="escalated")],
        10,
    ),
}
# What ends it after that, and the day by which it has ended.
ENDS: dict[Kind, tuple[Callable[[float], list[Usage | Fact]], float]] = {
    Kind.USAGE_SILENCE: (lambda day: [usage(at(day))], 0),
    Kind.USAGE_DROP: (lambda day: _weekdays(range(math.ceil(day), math.ceil(day) + 60), 14), 60),
    Kind.KEY_ACTION_STOPPED: (lambda day: [usage(at(day), event="report.made")], 0),
    Kind.BREADTH_DECLINE: (lambda day: _people(range(math.ceil(day), math.ceil(day) + 60), 12), 60),
    Kind.PAYMENT_FAILED: (lambda day: [bills("payment.succeeded", at(day))], 0),
    Kind.CARD_EXPIRING: (lambda day: [bills("payment_method.updated", at(day), exp_month=3, exp_year=2029)], 0),
    Kind.CANCEL_SCHEDULED: (lambda day: [bills("subscription.cancel_reverted", at(day))], 0),
    Kind.DOWNGRADE: (lambda day: [bills("subscription.updated", at(day), mrr_minor=12_000)], 0),
    Kind.SEATS_REDUCED: (lambda day: [bills("subscription.updated", at(day), seats=40)], 0),
    Kind.PAUSED: (lambda day: [bills("subscription.resumed", at(day))], 0),
    Kind.RENEWAL_AT_RISK: (lambda day: [bills("subscription.renewed", at(day), renewal_at=at(765))], 0),
    Kind.CHAMPION_GONE: (lambda day: [usage(at(day), user="kim"), usage(at(day), user="user-0")], 0),
    Kind.ONBOARDING_STALLED: (lambda day: [usage(at(day), event="report.shared")], 0),
    Kind.CANCEL_INTENT: (lambda _: [], 30),
    Kind.NEGATIVE_FEEDBACK: (
        lambda day: [says("nps", at(day), score=9), says("ticket", at(day), status="solved")],
        0,
    ),
}

# What makes it fire again after that, within these days.
AGAIN: dict[Kind, tuple[Callable[[float], list[Usage | Fact]], float]] = {
    Kind.USAGE_SILENCE: (lambda _: [], 20),
    Kind.USAGE_DROP: (lambda day: _weekdays(range(math.ceil(day), math.ceil(day) + 30), 1), 30),
    Kind.KEY_ACTION_STOPPED: (lambda day: _weekdays(range(math.ceil(day), math.ceil(day) + 20), 6), 20),
    Kind.BREADTH_DECLINE: (lambda day: _people(range(math.ceil(day), math.ceil(day) + 40), 2), 40),
    Kind.PAYMENT_FAILED: (lambda day: [bills("payment.failed", at(day), invoice_id="in-2")], 0),
    Kind.CARD_EXPIRING: (lambda day: [bills("payment_method.updated", at(day), exp_month=3, exp_year=2025)], 0),
    Kind.CANCEL_SCHEDULED: (
        lambda day: [bills("subscription.cancel_scheduled", at(day), effective_at=at(day + 3))],
        0,
    ),
    Kind.DOWNGRADE: (lambda day: [bills("subscription.updated", at(day), plan="small", mrr_minor=6_000)], 0),
    Kind.SEATS_REDUCED: (lambda day: [bills("subscription.updated", at(day), seats=39)], 0),
    Kind.PAUSED: (lambda day: [bills("subscription.paused", at(day))], 0),
    Kind.RENEWAL_AT_RISK: (lambda day: [bills("subscription.renewed", at(day), renewal_at=at(day + 50))], 0),
    Kind.CHAMPION_GONE: (lambda day: _weekdays_of(range(math.ceil(day), math.ceil(day) + 60), "user-0"), 60),
    Kind.ONBOARDING_STALLED: (lambda day: [update(at(day), started_at=at(day))], 14),
    Kind.CANCEL_INTENT: (lambda day: [usage(at(day), event="export")], 0),
    Kind.NEGATIVE_FEEDBACK: (lambda day: [says("csat", at(day), score=1)], 0),
}


def fired(kind: Kind, *first: Usage | Fact, config: DetectionConfig | None = None) -> Run:
    """A run in which the kind has fired and got worse."""
    run = Run(Engine(config or CONFIG))
    events, day = FIRES[kind]
    run.apply(*first, *events)
    run.close(at(day))
    return run


@cache
def first_story(kind: Kind) -> Run:
    """The same run for all who only look at it."""
    return fired(kind)


def own(run: Run, kind: Kind) -> list[Transition]:
    return [each for each in run.transitions if each.kind is kind]


def test_every_file_is_a_signal_that_is_listed_once() -> None:
    folder = Path(streams.detection.signals.__file__).parent
    others = {"__init__", "base", "fallen_source", "gate", "leaving", "named", "quiet_source", "taken_in"}
    files = {path.stem for path in folder.glob("*.py")} - others
    assert sorted(kind.value for kind in KINDS) == sorted(files)
    assert set(FIRES) == set(ENDS) == set(KINDS)


@EVERY
def test_it_opens_once_and_gets_worse_step_by_step(kind: Kind) -> None:
    told = own(first_story(kind), kind)
    assert [each.change for each in told[:1]] == [Change.OPENED]
    assert {each.change for each in told[1:]} == {Change.ESCALATED}
    assert [each.revision for each in told] == list(range(1, len(told) + 1))
    assert len({each.alert_id for each in told}) == 1
    ranks = [each.severity.rank for each in told]
    assert ranks == sorted(ranks)
    assert ranks[-1] > ranks[0]


@EVERY
def test_its_words_and_numbers_are_fit_to_be_read(kind: Kind) -> None:
    for each in own(first_story(kind), kind):
        assert each.headline[0].isupper()
        assert each.headline.endswith(".")
        assert "None" not in each.headline
        assert each.reasons
        for reason in each.reasons:
            assert reason.code.isidentifier()
            assert reason.text.endswith((".", "”"))
            assert "None" not in reason.text
        assert each.evidence
        assert all(math.isfinite(value) for value in each.evidence.values() if not isinstance(value, tuple))
        assert each.since <= each.at
        assert each.opened_at <= each.at
        assert Transition.model_validate_json(each.model_dump_json()) == each


@EVERY
def test_looking_changes_nothing_and_says_the_same_again(kind: Kind) -> None:
    run = first_story(kind)
    account, before = run.account, run.account.encode()
    for signal in SIGNALS:
        if signal.kind is kind:
            now = account.closed if signal in daily_signals_of(SIGNALS) else RULES.calendar.close_of(account.closed)
            first, second = signal.judge(account, now), signal.judge(account, now)
            assert first == second
            assert isinstance(first, Firing)
            again = [signal.describe(account, RULES.calendar.close_of(account.closed), first) for _ in range(2)]
            assert again[0] == again[1]
    assert account.encode() == before


def daily_signals_of(signals: list[DailySignal | DatedSignal]) -> list[DailySignal | DatedSignal]:
    return [signal for signal in signals if not hasattr(signal, "next_at")]


def ended(kind: Kind, config: DetectionConfig | None = None) -> tuple[Run, float]:
    """A run in which the kind has fired and ended, and the day."""
    run = fired(kind, config=config)
    ends, days = ENDS[kind]
    day = FIRES[kind][1] + 0.5
    run.apply(*ends(day))
    run.close(at(day + days + 0.1))
    return run, day + days + 0.1


@EVERY
def test_it_ends_when_its_cause_does(kind: Kind) -> None:
    run, _ = ended(kind)
    told = own(run, kind)
    assert told[-1].change is Change.RESOLVED
    assert told[-1].resolution is not None
    assert told[-1].severity is told[-2].severity
    assert run.account.alert(kind) is None
    assert run.account.alerts[kind].finding.headline == ""


@EVERY
@pytest.mark.parametrize(("cool_down", "same"), [(200, True), (0, False)])
def test_within_the_cool_down_it_comes_back_as_the_same_alert(kind: Kind, cool_down: int, same: bool) -> None:
    run, day = ended(kind, replace(CONFIG, cool_down_days=cool_down))
    before = own(run, kind)
    again, days = AGAIN[kind]
    run.apply(*again(day))
    run.close(at(day + days + 0.1))
    after = own(run, kind)[len(before) :]
    assert after[0].change is Change.OPENED
    assert (after[0].alert_id == before[-1].alert_id) is same
    assert after[0].revision == (before[-1].revision + 1 if same else 1)
    assert after[0].opened_at == (before[0].opened_at if same else after[0].at)


@EVERY
def test_every_step_is_one_that_the_table_allows(kind: Kind) -> None:
    run, day = ended(kind)
    run.close(at(day + 200))
    states: dict[str, AlertState] = {}
    for each in run.transitions:
        assert each.state in ALLOWED[states.get(each.alert_id), each.change]
        states[each.alert_id] = each.state


@EVERY
def test_the_loss_of_the_account_ends_it_and_nothing_follows(kind: Kind) -> None:
    run = fired(kind)
    day = FIRES[kind][1] + 0.5
    run.apply(bills("subscription.ended", at(day)))
    told = own(run, kind)
    assert (told[-1].change, told[-1].resolution, told[-1].health) == (Change.RESOLVED, "lost", 0)
    assert run.close(at(day) + 900 * DAY_MS) == []
    assert run.account.due is None


@EVERY
def test_the_companys_own_account_does_not_raise_it(kind: Kind) -> None:
    run = fired(kind, update(at(0), internal=True))
    assert run.transitions == []
    assert run.account.due is None


@EVERY
def test_the_same_events_give_the_same_alert_and_another_account_another_one(kind: Kind) -> None:
    first, second = own(first_story(kind), kind), own(fired(kind), kind)
    assert first == second
    run = Run(Engine(CONFIG), "other")
    events, day = FIRES[kind]
    run.apply(*events)
    run.close(at(day))
    other = own(run, kind)
    assert [each.at for each in other] == [each.at for each in first]
    assert {each.alert_id for each in other}.isdisjoint(each.alert_id for each in first)


@EVERY
def test_after_its_last_step_it_lets_the_account_sleep(kind: Kind) -> None:
    run = fired(kind)
    looks = 0
    while run.account.due is not None and looks < 50:
        looks += 1
        run.close(run.account.due)
    assert run.account.due is None
