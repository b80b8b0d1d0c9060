"""Why a loss was not seen: every reason has its sentence, and its numbers are the engine's and the file's own."""

import pytest

from schemas.alerts import Change, Kind, Severity
from schemas.events import InputEvent, InputTopic
from schemas.usage import UsageEvent
from streams.backtest.activity import Activity
from streams.backtest.ending import ending_of
from streams.backtest.ledger import Told
from streams.backtest.outcomes import Basis
from streams.backtest.postmortem import Coroner, Elsewhere
from streams.backtest.verdicts import Found
from streams.detection.calendar import Calendar
from streams.detection.config import DetectionConfig
from streams.detection.engine import Engine
from streams.detection.replay import replay
from tests.unit.backtest.making import alarm, at, told

END = at(130)


def explained(
    days: list[float],
    found: Found,
    *transitions: Told,
    basis: Basis = Basis.SILENCE,
    elsewhere: Elsewhere | None = None,
) -> str:
    events: list[tuple[InputTopic, str, InputEvent]] = [
        (InputTopic.USAGE, "product-usage", UsageEvent(account_id="a", event="x", occurred_at=at(day))) for day in days
    ]
    run = replay(events, Engine(DetectionConfig()), end=END)
    activity = Activity()
    activity.fold([(at(day), 0, "a", "x", None, 1, "product", None) for day in days], Calendar("UTC", 0))
    rules = run.engine.rules
    coroner = Coroner(rules.config, rules.calendar, basis, activity, transitions, {})
    endings = {name: ending_of(account, run.engine, END) for name, account in run.accounts.items()}
    return coroner.explain(found, endings.get(found.account), elsewhere).told


def missed(day: float, *, judged: bool = True) -> Found:
    return Found("a", at(day), judged, None, None)


WEEKLY = [float(day) for day in range(0, 100, 7)]


def test_an_account_that_was_never_judged_says_how_much_was_known_of_it() -> None:
    said = explained([0, 1, 10], missed(10, judged=False))
    assert said.startswith("Not known well enough to be judged: 3 active days over 11 days. It takes 5 within 180 days")
    assert "No usage event" in explained([0], Found("b", at(3), True, None, None))


def test_a_silence_that_was_too_short_says_how_high_it_stood() -> None:
    said = explained(WEEKLY, missed(98))
    assert "once in an account-year; an alert takes one in 5." in said, "its own silences of a week came to nothing"


@pytest.mark.parametrize(
    ("transition", "sentence"),
    [
        (told(90, Change.OPENED, Severity.WATCH), "Only a watch was opened, on 6 April 2025 (usage_silence)."),
        (told(90, Change.OPENED, kind=Kind.CANCEL_SCHEDULED), "It cancelled on 6 April 2025; usage is not judged"),
        (told(90, Change.OPENED, kind=Kind.PAYMENT_FAILED), "There was a payment_failed alert on 6 April 2025."),
    ],
)
def test_what_else_was_seen_in_the_months_before_is_said(transition: Told, sentence: str) -> None:
    assert sentence in explained(WEEKLY, missed(98), transition, basis=Basis.BILLING)
    assert sentence not in explained(WEEKLY, missed(98), transition._replace(at=at(5)), basis=Basis.BILLING)


def test_a_loss_that_was_found_says_when_and_whether_the_account_had_recovered_in_between() -> None:
    found = Found("a", at(98), True, alarm(105)._replace(kinds=(Kind.USAGE_SILENCE,)), 7.0)
    assert explained(WEEKLY, found) == "Flagged on 21 April 2025 (usage_silence), 7 days after its last activity."
    before = Found("a", at(98), True, alarm(90, 92)._replace(kinds=(Kind.USAGE_DROP,)), 8.0)
    assert explained(WEEKLY, before, basis=Basis.BILLING) == (
        "Flagged on 6 April 2025 (usage_drop), 8 days before it left. It had recovered by 8 April 2025."
    )


def test_a_loss_that_was_missed_says_which_setting_would_have_seen_it_and_for_how_many_messages() -> None:
    seen = Found("a", at(98), True, alarm(105)._replace(kinds=(Kind.USAGE_SILENCE,)), 7.0)
    said = explained(WEEKLY, missed(98), elsewhere=Elsewhere(0.5, seen, 1.25))
    assert said.endswith(
        " At 0.5 false alarms per account-year it would have been flagged on 21 April 2025 (usage_silence), 7 days "
        "after its last activity, for 1.2 more messages per person and week in all."
    )
