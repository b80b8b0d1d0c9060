"""What is added up over accounts' pictures."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from types import SimpleNamespace
from typing import Any

import pytest

from schemas.picture import AccountPicture
from streams.board.score import Score
from streams.cli.score import read_score
from streams.cli.score.show import show
from streams.detection.outcomes import ANY
from streams.runtime.settings import Settings


def picture(account: str, **fields: Any) -> AccountPicture:
    given = {"account_id": account, "at": "2025-06-01T00:00:00Z", "phase": "active", "health": 80}
    return AccountPicture.model_validate_json(json.dumps({**given, **fields}))


def lost(account: str, month: str, *, reason: str | None, mrr_minor: int, currency: str = "EUR") -> AccountPicture:
    at = f"2025-{month}-10T00:00:00Z"
    loss: dict[str, Any] = {"at": at, "decided_at": at, "voluntary": True, "mrr_minor": mrr_minor, "currency": currency}
    if reason is not None:
        loss |= {"reason": reason, "reason_class": reason, "influenceable": reason == "price"}
    missed = {"kind": ANY, "outcome": "missed", "times": 1}
    return picture(account, phase="lost", health=0, loss=loss, outcomes=[missed])


@pytest.fixture
def found() -> Score:
    score = Score()
    paying = {"mrr_minor": 5_000, "currency": "EUR"}
    drop = {"kind": "usage_drop", "mrr_minor": 900, "currency": "EUR"}
    call = {"kind": "usage_drop", "action": "call [b]Jane[/b]", "currency": "EUR", "saved_minor": 0}
    call |= {"cost_minor": 300, "reason_class": "price"}
    saved = {"kind": "paused", "action": "visit", "outcome": "saved", "times": 1, "saved_minor": 700, "currency": "USD"}
    for each in [
        picture("a", billing=paying, outcomes=[drop | {"outcome": "saved", "times": 2}]),
        picture("b", billing={"mrr_minor": 70, "currency": "USD"}, actions=[call | {"outcome": "saved", "times": 2}]),
        picture("h", billing={"mrr_minor": 0, "currency": "USD"}, actions=[call | {"times": 1, "cost_minor": 50}]),
        picture("i", actions=[saved]),
        picture("c", outcomes=[{"kind": "usage_drop", "outcome": "false_alarm", "times": 1}]),
        picture(
            "d",
            outcomes=[
                drop | {"outcome": "lost", "times": 1, "leads": 1, "lead_hours": 48},
                {"kind": ANY, "outcome": "lost", "times": 1, "leads": 1, "lead_hours": 96},
            ],
        ),
        lost("e", "03", reason="price", mrr_minor=100),
        lost("f", "03", reason="price", mrr_minor=300, currency="USD"),
        lost("g", "04", reason=None, mrr_minor=7),
    ]:
        score.add(each)
    return score


def test_it_adds_up_and_never_across_currencies(found: Score) -> None:
    assert found.as_dict() == {
        "accounts": 9,
        "paying": 2,
        "mrr_active_minor": {"EUR": 5_000, "USD": 70},
        "losses": {"judged": 4, "foreseen": 0.25, "lead_days": 4.0},
        "influenceable": 2,
        "kinds": {
            "usage_drop": {
                "outcomes": {"saved": 2, "false_alarm": 1, "lost": 1},
                "precision": 0.75,
                "recall": 0.25,
                "lead_days": 2.0,
                "mrr_saved_minor": {"EUR": 900},
            }
        },
        "actions": [
            {
                "action": "call [b]Jane[/b]",
                "kind": "usage_drop",
                "reason": "price",
                "outcomes": {"saved": 2, "open": 1},
                "cost_minor": {"EUR": 350},
                "mrr_saved_minor": {"EUR": 0},
            },
            {
                "action": "visit",
                "kind": "paused",
                "reason": "unknown",
                "outcomes": {"saved": 1},
                "cost_minor": {"USD": 0},
                "mrr_saved_minor": {"USD": 700},
            },
        ],
        "lost": [
            {
                "month": "2025-03",
                "decision": "voluntary",
                "reason": "price",
                "accounts": 2,
                "mrr_minor": {"EUR": 100, "USD": 300},
            },
            {
                "month": "2025-04",
                "decision": "voluntary",
                "reason": "unknown",
                "accounts": 1,
                "mrr_minor": {"EUR": 7},
            },
        ],
        "to_ask": ["g"],
    }


def test_it_is_fit_to_be_read(found: Score, capsys: pytest.CaptureFixture[str]) -> None:
    show(found)
    told = capsys.readouterr().out
    assert "9 accounts, 2 paying 50.00 EUR, 0.70 USD a month" in told
    assert "4 lost; 25% of them foreseen, 4 days before the decision in the mean" in told
    assert "usage_drop" in told
    (row,) = [line for line in told.splitlines() if "Jane" in line]
    assert row.split() == ["call", "[b]Jane[/b]", "usage_drop", "price", "2", "0", "0", "0", "1", "3.50", "EUR"]
    assert "Left without saying why, to be asked: g" in told


def test_of_nothing_it_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    show(Score())
    assert capsys.readouterr().out == "0 accounts, 0 paying nothing a month\n"


async def test_a_tombstone_takes_its_account_away(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    there = lost("there", "03", reason="price", mrr_minor=100).model_dump_json(exclude_none=True).encode()
    rows = [(b"there", there), (b"gone", there), (b"gone", None), (b"never", None), (b"damaged", b"{")]

    async def read_all(*_: object) -> AsyncIterator[SimpleNamespace]:
        for key, value in rows:
            yield SimpleNamespace(key=key, value=value)

    monkeypatch.setattr("streams.cli.reading.read_all", read_all)
    score = Score()
    score.add(AccountPicture.model_validate_json(there))
    assert (await read_score(Settings())).as_dict() == score.as_dict()
    assert "account-health: 1 records are no picture of an account" in capsys.readouterr().err
