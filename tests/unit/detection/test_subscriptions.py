"""What subscription events add up to."""

from __future__ import annotations

from typing import Any

import pytest

from schemas.billing import SubscriptionFact
from streams.detection.config import DAY_MS
from streams.detection.subscriptions import Subscriptions
from tests.unit.detection.building import at, billing

NOT_GIVEN: dict[str, Any] = {}


def told(*events: tuple[str, int, dict[str, Any]], unpaid: bool = False) -> tuple[Subscriptions, list[bool]]:
    subscriptions = Subscriptions()
    taken = []
    for name, day, fields in events:
        fact = billing(f"subscription.{name}", at(day), **fields)
        assert isinstance(fact, SubscriptionFact)
        taken.append(subscriptions.apply(fact, unpaid=unpaid, told=30 * DAY_MS))
    return subscriptions, taken


def test_the_terms_that_an_event_leaves_out_stay_as_they_were() -> None:
    subscriptions, _ = told(
        ("started", 0, {"seats": 10, "interval": "month", "current_period_end": at(30)}),
        ("updated", 5, {"plan": "pro", "mrr_minor": 20_000}),
    )
    only = subscriptions.by_id["default"]
    assert (only.plan, only.mrr_minor, only.seats, only.interval, only.period_end) == (
        "pro",
        20_000,
        10,
        "month",
        at(30),
    )


def test_an_older_event_has_no_effect() -> None:
    subscriptions, taken = told(("started", 5, {"plan": "new"}), ("updated", 4, {"plan": "old"}))
    assert taken == [True, False]
    assert subscriptions.by_id["default"].plan == "new"


def test_revenue_is_that_of_the_paid_ones_in_the_first_currency() -> None:
    subscriptions, _ = told(
        ("started", 0, {"subscription_id": "a", "mrr_minor": 100}),
        ("started", 0, {"subscription_id": "b", "mrr_minor": 20}),
        ("started", 0, {"subscription_id": "c", "mrr_minor": 7_000, "trial": True}),
        ("started", 0, {"subscription_id": "d", "mrr_minor": 9_000, "currency": "JPY"}),
        ("started", 0, {"subscription_id": "e", "mrr_minor": 400}),
        ("ended", 1, {"subscription_id": "e"}),
    )
    assert subscriptions.mrr == (120, "EUR")


def test_it_is_paused_when_all_that_is_left_is() -> None:
    both = [("started", 0, {"subscription_id": "a"}), ("started", 0, {"subscription_id": "b"})]
    one_paused = [*both, ("paused", 1, {"subscription_id": "a"})]
    assert not told(*one_paused)[0].paused
    assert told(*one_paused, ("ended", 2, {"subscription_id": "b"}))[0].paused
    assert not told(*one_paused, ("ended", 2, {"subscription_id": "b"}), ("resumed", 3, {"subscription_id": "a"}))[
        0
    ].paused
    assert not told()[0].paused


@pytest.mark.parametrize(
    ("before", "said", "unpaid", "voluntary"),
    [
        (None, None, False, True),
        (None, None, True, False),
        ("cancel_scheduled", None, True, True),
        ("cancel_scheduled", False, False, False),
        (None, True, True, True),
    ],
)
def test_whose_decision_the_end_was_is_said_or_told_by_what_came_before(
    before: str | None, said: bool | None, unpaid: bool, voluntary: bool
) -> None:
    events: list[tuple[str, int, dict[str, Any]]] = [("started", 0, NOT_GIVEN)]
    if before is not None:
        events.append((before, 1, {"effective_at": at(30), "reason": "price"}))
    events.append(("ended", 2, {} if said is None else {"voluntary": said}))
    subscriptions, _ = told(*events, unpaid=unpaid)
    assert subscriptions.by_id["default"].voluntary is voluntary
    assert subscriptions.by_id["default"].reason == ("price" if before else None)


def test_after_its_end_only_a_beginning_counts() -> None:
    subscriptions, taken = told(
        ("started", 0, NOT_GIVEN),
        ("ended", 5, NOT_GIVEN),
        ("updated", 6, NOT_GIVEN),
        ("cancel_scheduled", 7, {"effective_at": at(30)}),
        ("renewed", 8, {"plan": "back"}),
    )
    assert taken == [True, True, False, False, True]
    assert subscriptions.by_id["default"].live
    assert subscriptions.by_id["default"].cancel_at is None


def test_a_renewal_past_the_cancellations_end_takes_it_back_and_one_before_does_not() -> None:
    cancelled = [("started", 0, NOT_GIVEN), ("cancel_scheduled", 1, {"effective_at": at(60)})]
    assert told(*cancelled, ("renewed", 30, NOT_GIVEN))[0].by_id["default"].cancel_at == at(60)
    assert told(*cancelled, ("renewed", 60, NOT_GIVEN))[0].by_id["default"].cancel_at is None


def test_no_charge_is_expected_of_one_that_is_cancelled_paused_or_over() -> None:
    started = ("started", 0, {"current_period_end": at(30)})
    assert told(started)[0].by_id["default"].next_charge == at(30)
    for name, fields in (("cancel_scheduled", {"effective_at": at(30)}), ("paused", {}), ("ended", {})):
        assert told(started, (name, 1, fields))[0].by_id["default"].next_charge is None


def test_there_are_not_more_than_32_and_the_ended_ones_go_first() -> None:
    events: list[tuple[str, int, dict[str, Any]]] = [
        ("started", day, {"subscription_id": f"s-{day}"}) for day in range(32)
    ]
    events.append(("ended", 40, {"subscription_id": "s-20"}))
    events += [("started", day, {"subscription_id": f"s-{day}"}) for day in (50, 51)]
    subscriptions, _ = told(*events)
    assert len(subscriptions.by_id) == 32
    assert [gone for gone in ("s-0", "s-1", "s-20") if gone not in subscriptions.by_id] == ["s-0", "s-20"]


def test_stored_and_read_back_they_are_the_same() -> None:
    subscriptions, _ = told(
        ("started", 0, {"subscription_id": "a", "seats": 3, "trial": True}),
        ("paused", 1, {"subscription_id": "a", "resumes_at": at(9)}),
        ("cancel_scheduled", 1, {"subscription_id": "b", "effective_at": at(9), "comment": "bye"}),
        ("cancel_reverted", 0, {"subscription_id": "c"}),
        ("ended", 2, {"subscription_id": "d", "voluntary": False}),
    )
    read = Subscriptions.decode(subscriptions.encode())
    assert list(read.by_id.items()) == list(subscriptions.by_id.items())
