"""An account that somebody fills with whatever there is stays small."""

from __future__ import annotations

import pytest

from schemas.codec import encode
from schemas.shuffle import Fact, Usage
from streams.detection.config import DetectionConfig
from streams.detection.engine import Engine
from tests.unit.detection.building import Run, at, bills, says, update, usage

LONG = "x" * 250
MOST = 200_000
"""Bytes of a stored account: a window full of event ids, hundred champions, and 32 subscriptions."""

LOOKED_AT = {1, 40, 199}


def flood(number: int) -> list[Usage | Fact]:
    """Everything that can be new is."""
    name, now = f"{number}-{LONG}"[:256], at(30, number / 25)
    return [
        usage(now, user=name, id_=name, event=name)._replace(source=name[:64], quantity=1_000_000),
        bills(
            "subscription.started",
            now,
            subscription_id=name,
            plan=LONG,
            mrr_minor=10**15,
            seats=10**9,
            id_=f"s{number}",
        ),
        bills("payment.failed", now, invoice_id=name, amount_minor=10**15, attempt=1, id_=f"p{number}"),
        bills("payment_method.updated", now, payment_method_id=name, id_=f"m{number}"),
        says("nps", now, user_id=name, score=number % 11, id_=f"n{number}"),
        says("ticket", now, ticket_id=name, status="open", id_=f"t{number}"),
        update(now, name=name, champions=[f"{each}-{name}"[:256] for each in range(100)]),
    ]


@pytest.mark.slow
def test_what_is_stored_of_an_account_does_not_grow_with_what_comes() -> None:
    run = Run(Engine(DetectionConfig(intent_events=("*",))))
    sizes: list[int] = []
    for number in range(200):
        run.apply(*flood(number))
        if number in LOOKED_AT:
            assert len(encode(run.engine.picture(run.account, at(30, number / 25)))) < MOST
            sizes.append(len(run.account.encode()))
    assert max(sizes) < MOST
    assert len(run.account.subscriptions.by_id) == 32
    assert len(run.account.people.last_seen) <= 256
