from collections import Counter
from dataclasses import replace
from random import Random

import pytest

from schemas.codec import decode
from schemas.errors import Rejected
from schemas.events import InputTopic, moment
from tests.bench.closing import closing
from tests.bench.load import DAY_MS, START, Load, failed_payment

LOAD = Load().sized(4_000)


def test_the_same_load_gives_the_same_records() -> None:
    assert list(LOAD.records()) == list(LOAD.records())


def test_a_load_is_valid_events_of_about_two_hundred_bytes_in_order_of_their_times() -> None:
    records = list(LOAD.records())
    assert len(records) == 4_000
    assert 190 <= sum(len(record.value) for record in records) / len(records) <= 210
    for record in records:
        event = decode(record.topic, record.value)
        assert not isinstance(event, Rejected), event
        assert (event.account_id, moment(event)) == (record.account, record.at)
    times = [record.at for record in records]
    assert times == sorted(times)
    assert START <= times[0] < START + DAY_MS
    assert START + 59 * DAY_MS <= times[-1] < START + 60 * DAY_MS


def test_one_event_in_a_hundred_is_billing_and_few_accounts_do_most() -> None:
    records = list(LOAD.records())
    assert 20 <= sum(record.topic is InputTopic.BILLING for record in records) <= 60
    (_, most), (_, second) = Counter(record.account for record in records).most_common(2)
    assert most == pytest.approx(2 * second, rel=0.25)


@pytest.mark.parametrize("load", [Load(), Load.many(), Load.busy()])
def test_a_smaller_load_is_as_dense_as_the_whole(load: Load) -> None:
    small = load.sized(load.events // 10)
    assert (small.events, small.accounts, small.days) == (load.events // 10, load.accounts // 10, load.days)
    assert load.sized(None) == load


def test_a_failed_payment_is_a_valid_event() -> None:
    event = decode(InputTopic.BILLING, failed_payment(Random(1), "payer_000001", "2025-03-01T12:00:00Z"))
    assert not isinstance(event, Rejected)
    assert event.account_id == "payer_000001"


def test_the_days_of_a_load_can_be_closed() -> None:
    assert closing(replace(LOAD, days=8)) > 0
