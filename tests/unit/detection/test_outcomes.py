"""What alerts were worth: judged some time after they ended, and counted once."""

from __future__ import annotations

import pytest

from schemas.alerts import Kind
from schemas.shuffle import Fact
from streams.detection.census import Census
from streams.detection.config import DetectionConfig
from streams.detection.engine import Engine
from streams.detection.outcomes import ANY, Counted, Ended, Outcome, Outcomes, read_digest
from streams.detection.state import Account
from tests.unit.detection.building import Run, at, bills, command, usage

START = bills("subscription.started", at(0), mrr_minor=5_000)


def active(run: Run, days: range, a_day: int = 3) -> None:
    for day in days:
        run.apply(*(usage(at(day, 9 + n)) for n in range(a_day)))


def counts(run: Run) -> dict[tuple[str, str], int]:
    """By kind and outcome, as they are read off what is stored."""
    census = Census()
    census.enter(run.account.encode())
    return {(kind, outcome.value): count for (kind, outcome), count in census.outcomes.items() if count}


def fails_and_pays(run: Run, day: int, *between: Fact) -> None:
    run.apply(bills("payment.failed", at(day), next_attempt_at=at(day + 2)), *between)
    run.apply(bills("payment.succeeded", at(day + 2)))


def test_what_nobody_did_anything_about_is_well_again_by_itself_and_claims_no_money(run: Run) -> None:
    run.apply(START)
    fails_and_pays(run, 10)
    run.close(at(42) - 1)
    assert counts(run) == {}
    run.close(at(42))
    assert counts(run) == {("payment_failed", "recovered_unaided"): 1}
    assert run.account.outcomes.counts["payment_failed", Outcome.RECOVERED_UNAIDED, ""] == [1, 0, 0, 0]
    (line,) = [each for each in run.account.timeline.entries if each.code == "outcome.recovered_unaided"]
    assert line.text == "Payment failed: well again by itself, 30 days after it was resolved."


@pytest.mark.parametrize(
    "act",
    [
        command("acknowledge", at(11)),
        command("record_action", at(11), action="call", result="accepted"),
    ],
)
def test_what_somebody_acted_on_is_saved_with_its_money(run: Run, act: Fact) -> None:
    run.apply(START)
    fails_and_pays(run, 10, act)
    run.close(at(42))
    assert counts(run) == {("payment_failed", "saved"): 1}
    census = Census()
    census.enter(run.account.encode())
    assert census.mrr_saved == {("EUR", "payment_failed"): 5_000}


def test_an_action_after_the_end_saved_nothing(run: Run) -> None:
    run.apply(START)
    fails_and_pays(run, 10)
    run.apply(command("record_action", at(13), action="call", result="accepted"))
    run.close(at(42))
    assert counts(run) == {("payment_failed", "recovered_unaided"): 1}


def test_an_annual_contract_is_judged_at_its_renewal(run: Run) -> None:
    run.apply(bills("subscription.started", at(0), interval="year", renewal_at=at(120), mrr_minor=5_000))
    fails_and_pays(run, 10, command("acknowledge", at(11)))
    run.close(at(120))
    assert counts(run) == {}
    run.apply(bills("subscription.renewed", at(120), interval="year", renewal_at=at(485)))
    run.close(at(121))
    assert counts(run) == {("payment_failed", "saved"): 1}
    lost = Run(Engine(DetectionConfig()))
    lost.apply(bills("subscription.started", at(0), interval="year", renewal_at=at(120), mrr_minor=5_000))
    fails_and_pays(lost, 10, command("acknowledge", at(11)))
    lost.apply(bills("subscription.ended", at(120), voluntary=True))
    assert counts(lost) == {("payment_failed", "lost"): 1, (ANY, "missed"): 1}


def test_a_dip_after_which_the_account_carries_on_as_before_was_a_false_alarm(run: Run) -> None:
    run.apply(START)
    active(run, range(90))
    active(run, range(97, 140))
    run.close(at(140))
    assert counts(run) == {("usage_silence", "false_alarm"): 1}
    longer = Run(Engine(DetectionConfig()))
    longer.apply(START)
    active(longer, range(90))
    active(longer, range(120, 160))
    longer.close(at(160))
    assert counts(longer) == {("usage_silence", "recovered_unaided"): 1}


def test_who_is_not_well_is_looked_at_again_and_left_out_in_the_end(run: Run) -> None:
    run.apply(START)
    fails_and_pays(run, 10)
    run.apply(bills("subscription.cancel_scheduled", at(20), effective_at=at(400)))
    run.close(at(100))
    assert counts(run) == {}
    run.apply(bills("subscription.cancel_reverted", at(100)))
    run.close(at(103))
    assert counts(run) == {("payment_failed", "recovered_unaided"): 1}
    never = Run(Engine(DetectionConfig()))
    never.apply(START)
    fails_and_pays(never, 10)
    never.apply(bills("subscription.cancel_scheduled", at(20), effective_at=at(900)))
    never.close(at(10 + 2 + 6 * 30))
    assert counts(never) == {}
    assert never.account.outcomes.pending == {}


def test_a_loss_is_counted_once_for_the_account_and_for_each_kind_that_came_before(run: Run) -> None:
    run.apply(START)
    active(run, range(90))
    run.apply(
        bills("subscription.cancel_scheduled", at(110), effective_at=at(120)),
        bills("payment.failed", at(115)),
        bills("subscription.ended", at(120)),
    )
    assert counts(run) == {
        ("usage_silence", "lost"): 1,
        ("cancel_scheduled", "lost"): 1,
        (ANY, "lost"): 1,
    }
    census = Census()
    census.enter(run.account.encode())
    assert census.leads[ANY] == census.leads["usage_silence"] == 1
    assert census.lead_hours[ANY] > 10 * 24
    assert census.outcomes["payment_failed", Outcome.LOST] == 0  # it came after the decision
    run.close(at(220))
    assert run.account.due is None, "all of its alerts have been followed"


def test_a_loss_that_nobody_saw_was_missed(run: Run) -> None:
    run.apply(START, bills("subscription.ended", at(40), voluntary=True))
    assert counts(run) == {(ANY, "missed"): 1}


def test_a_persons_word_counts_more_whenever_it_comes(run: Run) -> None:
    run.apply(START)
    fails_and_pays(run, 10, command("record_outcome", at(11), outcome="false_alarm"))
    run.close(at(60))
    assert counts(run) == {("payment_failed", "false_alarm"): 1}
    later = Run(Engine(DetectionConfig()))
    later.apply(START)
    fails_and_pays(later, 10)
    later.close(at(60))
    later.apply(command("record_outcome", at(60), kind="payment_failed", outcome="saved"))
    assert counts(later) == {("payment_failed", "saved"): 1}
    later.apply(command("record_outcome", at(61), id_="c-2", kind="payment_failed", outcome="lost"))
    assert counts(later) == {("payment_failed", "lost"): 1}
    by_id = later.transitions[-1].alert_id
    later.apply(command("record_outcome", at(62), id_="c-3", alert_id=by_id, kind="*", outcome="saved"))
    assert counts(later) == {("payment_failed", "saved"): 1}, "the id decides"


def test_an_alert_of_which_more_may_be_said_is_counted_once_however_many_came_after_it() -> None:
    outcomes = Outcomes()
    current = {"the alert", "loss.9"}
    outcomes.count("usage_drop", Ended("the alert", Outcome.SAVED), current)
    outcomes.count(ANY, Ended("loss.9", Outcome.LOST), current)
    for number in range(40):
        outcomes.count("payment_failed", Ended(f"other {number}", Outcome.SAVED), current)
    outcomes.count("usage_drop", Ended("the alert", Outcome.FALSE_ALARM, by_person=True), current)
    outcomes.take_back("loss.9")
    assert {(each.kind, each.outcome): each.times for each in outcomes.counted()} == {
        ("payment_failed", "saved"): 40,
        ("usage_drop", "false_alarm"): 1,
    }
    assert len(outcomes.ended) <= 24


def test_an_alert_that_comes_back_is_one_episode(run: Run) -> None:
    run.apply(START)
    fails_and_pays(run, 10)
    run.apply(bills("payment.failed", at(20), invoice_id="in-2"), bills("payment.succeeded", at(22), invoice_id="in-2"))
    run.close(at(51))
    assert counts(run) == {}
    run.close(at(52))
    assert counts(run) == {("payment_failed", "recovered_unaided"): 1}


def test_what_was_never_more_than_a_watch_is_not_counted() -> None:
    run = Run(Engine(DetectionConfig(alert_false_alarms=0.0001)))
    active(run, range(90))
    run.close(at(94))
    active(run, range(94, 140))
    assert [each.severity.value for each in run.transitions] == ["watch", "watch"]
    run.close(at(150))
    assert counts(run) == {}


def test_what_is_stored_is_read_and_the_digest_says_the_same() -> None:
    outcomes = Outcomes()
    assert (outcomes.encode(), outcomes.digest(), list(read_digest(""))) == ([], "", [])
    outcomes.count("usage_drop", Ended("a" * 16, Outcome.SAVED, 4_900, "EUR"), ())
    outcomes.count("usage_drop", Ended("b" * 16, Outcome.SAVED, 100, "EUR"), ())
    outcomes.count(ANY, Ended("loss.1", Outcome.LOST, 100, "USD", 7_200_000), ())
    assert Outcomes.decode(outcomes.encode()).encode() == outcomes.encode()
    assert list(read_digest(outcomes.digest())) == [
        Counted(ANY, Outcome.LOST, "USD", 1, 100, 1, 2),
        Counted("usage_drop", Outcome.SAVED, "EUR", 2, 5_000, 0, 0),
    ]


def test_with_all_that_can_be_counted_the_beginning_of_the_state_is_found(run: Run) -> None:
    for kind in Kind:
        for outcome in Outcome:
            for currency in ("EUR", "USD"):
                run.account.outcomes.count(kind.value, Ended(f"{kind}{outcome}", outcome, 10**12, currency, 10**11), ())
                run.account.outcomes.ended.clear()
    assert Account.decode("acme", run.account.encode()).encode() == run.account.encode()
