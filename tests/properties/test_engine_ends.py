"""Nothing stays open or due for ever: after a long quiet time only what waits for an event is left."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random

import pytest
from hypothesis import given

from schemas.accounts import AccountUpdate
from schemas.alerts import Kind
from streams.detection.config import DAY_MS, DetectionConfig
from tests.properties import engine_histories
from tests.properties.engine_histories import ACCOUNT, History, begun, configs, histories
from tests.properties.test_engine_replay import SLOW

_PASSING = (
    Kind.NEGATIVE_FEEDBACK,
    Kind.CANCEL_INTENT,
    Kind.DOWNGRADE,
    Kind.SEATS_REDUCED,
    Kind.ONBOARDING_STALLED,
    Kind.RENEWAL_AT_RISK,
)


@pytest.fixture(autouse=True, scope="module")
def _records() -> Iterator[None]:
    def renews(random: Random, at: int) -> AccountUpdate:
        renewal_at = random.choice([None, at + random.randrange(200 * DAY_MS)])
        seats = random.choice([None, 50])
        return AccountUpdate(account_id=ACCOUNT, updated_at=at, renewal_at=renewal_at, seats=seats)

    with pytest.MonkeyPatch.context() as patch:
        for number in range(3):
            patch.setitem(engine_histories._FACTS, f"renews_{number}", renews)
        yield


@given(configs, histories())
@SLOW
def test_after_a_long_time_only_what_waits_for_an_event_is_open(config: DetectionConfig, history: History) -> None:
    plain = begun(config)
    account = plain.account(ACCOUNT)
    for event in history.events:
        plain.apply(event)
        plain.close(event.effective_at)
        assert account.due is None or account.due > event.effective_at
        assert all(each.times > 0 and each.leads >= 0 <= each.lead_hours for each in account.outcomes.counted())
    plain.close(history.ends_at)
    assert account.due is None or account.due > history.ends_at
    for _ in range(50):  # weeks of deadlines, without the days, which take long
        if account.due is None:
            break
        plain._honour(account.due)
    open_ = {kind for kind in _PASSING if account.alert(kind) is not None}
    if account.due is None:
        assert not open_ or account.profile.internal
