"""The score card counts what a person would count."""

import pytest

from schemas.alerts import AlertState, Kind, Severity, Transition
from schemas.alerts import Change as AlertChange
from streams.simulator.plan import DAY_MS, Change
from streams.simulator.score import Episode, ScoreCard, Tally, episodes, score
from streams.simulator.truth import Cause, Truth

START = 20_000 * DAY_MS
END = START + 120 * DAY_MS
OLD = START - 500 * DAY_MS


def day(number: float) -> int:
    return START + int(number * DAY_MS)


def account(name: str = "a", change: Change = Change.NONE, changed: float | None = None, **fields: object) -> Truth:
    return Truth(
        **{  # type: ignore[arg-type]
            "account_id": name,
            "name": name,
            "rate": 3.0,
            "dispersion": 0.3,
            "mrr_minor": 10_000,
            "currency": "EUR",
            "started_at": OLD,
            "change": change,
            "changed_at": None if changed is None else day(changed),
            **fields,
        }
    )


def stopped(name: str = "a", changed: float = 60, lost: float | None = None) -> Truth:
    return account(
        name,
        Change.STOP,
        changed,
        lost_at=None if lost is None else day(lost),
        causes=(Cause("engagement", day(changed)),),
    )


def alert(
    *steps: tuple[float, str], account_id: str = "a", kind: Kind = Kind.USAGE_SILENCE, number: int = 1
) -> list[Transition]:
    """Transitions of one alert: each step a day and `watch`, `warning`, `critical` or `resolved`."""
    result = []
    severity = Severity.WATCH
    resolved = True
    for revision, (at, word) in enumerate(steps, start=1):
        change = (
            AlertChange.RESOLVED if word == "resolved" else AlertChange.OPENED if resolved else AlertChange.ESCALATED
        )
        resolved = word == "resolved"
        severity = severity if resolved else Severity(word)
        result.append(
            Transition(
                alert_id=f"{number:016x}",
                revision=revision,
                account_id=account_id,
                kind=kind,
                change=change,
                state=AlertState.RESOLVED if resolved else AlertState.FIRING,
                severity=severity,
                at=day(at),
                opened_at=day(steps[0][0]),
                since=day(steps[0][0]),
                headline="x",
                health=50,
            )
        )
    return result


def card(truths: list[Truth], transitions: list[Transition]) -> ScoreCard:
    return score(truths, transitions, since=START, until=END)


def test_an_alert_after_the_stop_finds_it_with_its_delay_and_lead() -> None:
    result = card([stopped(changed=60, lost=95)], alert((66, "warning")))
    assert result.by_change[Change.STOP] == Tally(cases=1, found=1, delays=(6.0,), leads=(29.0,))
    assert result.false_alarms == 0


def test_a_stop_without_an_alert_is_missed() -> None:
    assert card([stopped(changed=60)], []).by_change[Change.STOP] == Tally(cases=1, missed=1)


def test_a_stop_in_the_last_days_is_neither_found_nor_missed() -> None:
    assert card([stopped(changed=110)], []).by_change[Change.STOP] == Tally(cases=1, too_recent=1)
    assert card([stopped(changed=110)], alert((115, "warning"))).by_change[Change.STOP].found == 1


def test_an_account_lost_before_anyone_said_so_is_missed_even_late_in_the_span() -> None:
    assert card([stopped(changed=110, lost=115)], alert((116, "warning"))).by_change[Change.STOP].missed == 1


def test_a_watch_is_no_alert_until_it_escalates() -> None:
    assert card([stopped(changed=60)], alert((62, "watch"))).by_change[Change.STOP].missed == 1
    assert card([stopped(changed=60)], alert((62, "watch"), (70, "warning"))).by_change[Change.STOP].delays == (10.0,)


def test_the_first_of_two_alerts_counts_and_the_second_is_not_false() -> None:
    transitions = [
        *alert((66, "warning"), kind=Kind.USAGE_DROP, number=1),
        *alert((63, "warning"), kind=Kind.USAGE_SILENCE, number=2),
    ]
    result = card([stopped(changed=60)], transitions)
    assert result.by_change[Change.STOP].delays == (3.0,)
    assert result.false_alarms == 0


def test_an_alert_on_an_account_that_carries_on_is_false() -> None:
    result = card([account()], alert((50, "warning"), (55, "resolved")))
    assert result.false_alarms == 1
    assert result.by_change == {}


def test_an_alert_that_opens_again_counts_again() -> None:
    assert card([account()], alert((50, "warning"), (55, "resolved"), (70, "warning"))).false_alarms == 2


def test_an_alert_from_before_the_stop_that_is_still_open_is_false_and_finds_it_at_once() -> None:
    result = card([stopped(changed=60)], alert((50, "warning")))
    assert result.false_alarms == 1
    assert result.by_change[Change.STOP].delays == (0.0,)


def test_an_alert_from_before_the_stop_that_was_resolved_finds_nothing() -> None:
    result = card([stopped(changed=60)], alert((50, "warning"), (59, "resolved")))
    assert result.false_alarms == 1
    assert result.by_change[Change.STOP].missed == 1


def test_billing_stories_are_found_by_their_own_kind_only() -> None:
    truth = account("a", Change.PAYMENT_RECOVERED, 60, causes=(Cause("payment_failed", day(60), day(65)),))
    assert card([truth], alert((60, "warning"), kind=Kind.PAYMENT_FAILED)).by_change[truth.change].found == 1
    wrong = card([truth], alert((61, "warning"), kind=Kind.CARD_EXPIRING))
    assert (wrong.by_change[truth.change].missed, wrong.unexplained, wrong.false_alarms) == (1, 1, 0)


def test_an_alert_about_an_unknown_account_is_unexplained() -> None:
    assert card([account("a")], alert((60, "warning"), account_id="stranger")).unexplained == 1


def test_time_watched_runs_from_the_settled_account_to_its_change_loss_or_the_end() -> None:
    assert card([account()], []).account_years == pytest.approx(90 / 365.25)
    assert card([stopped(changed=60)], []).account_years == pytest.approx(30 / 365.25)
    assert card([account(started_at=day(40))], []).account_years == pytest.approx(50 / 365.25)
    assert card([account(started_at=day(100))], []).account_years == 0
    assert card([account(started_at=day(100))], []).false_alarms_per_account_year is None


def test_transitions_may_come_in_any_order_and_twice() -> None:
    transitions = alert((50, "watch"), (52, "warning"), (55, "resolved"), (70, "critical"))
    expected = [
        Episode("a", "usage_silence", day(52), day(55)),
        Episode("a", "usage_silence", day(70), None),
    ]
    assert list(episodes(transitions)) == expected
    assert list(episodes([*reversed(transitions), *transitions])) == expected


def test_a_snoozed_alert_is_one_episode_with_what_follows() -> None:
    transitions = alert((50, "warning"), (60, "warning"))
    snoozed = transitions[1].model_copy(update={"state": AlertState.SNOOZED, "change": AlertChange.SNOOZED})
    assert len(list(episodes([transitions[0], snoozed]))) == 1


def test_totals_add_up_and_give_medians() -> None:
    truths = [stopped("a", 60, 100), stopped("b", 60, 110), stopped("c", 60)]
    transitions = [*alert((62, "warning")), *alert((70, "warning"), account_id="b", number=2)]
    total = card(truths, transitions).total([Change.STOP, Change.DECAY])
    assert (total.cases, total.found, total.missed) == (3, 2, 1)
    assert total.median_delay == 6.0
    assert total.median_lead == 39.0
    assert Tally().median_delay is None
