"""A source that few accounts use, as one whole."""

from __future__ import annotations

import numpy as np
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.detection.source_sums import OfSource, SourceSums
from streams.detection.sources import SOURCES
from streams.detection.whole_source import LEAST, WITHDRAWN_DAYS, WholeSource


def day(accounts: int, nats: float = 0.5, times: float = 1.0) -> OfSource:
    """An ordinary day, or so many times one: half of the accounts come, each with so many nats against nothing."""
    every = accounts * nats
    return OfSource(every * times, every, accounts, max(every - nats, 0.0), round(accounts / 2 * min(times, 1.0)))


def known(accounts: int, nats: float = 0.5, days: int = 60) -> WholeSource:
    whole = WholeSource()
    for _ in range(days):
        whole.add(day(accounts, nats), 1.0)
    return whole


def delay(whole: WholeSource, accounts: int, nats: float = 0.5, relative: float = 1.0) -> int:
    """Days of silence until it is quiet."""
    for silent in range(1, 1_000):
        whole.add(day(accounts, nats, 0.0), relative)
        if whole.quiet:
            assert whole.silent_days == silent
            return silent
    return 1_000


def test_the_more_accounts_use_it_the_sooner_a_silence_is_evident() -> None:
    assert [delay(known(accounts), accounts) for accounts in (5, 10, 20, 40)] == [7, 3, 2, 1]
    assert delay(known(10, 0.05), 10, 0.05) > 20, "of hardly anything it takes long"
    assert delay(known(10), 10, relative=0.1) > 20, "and on holidays"


def test_what_fewer_than_five_accounts_use_is_each_ones_own_doing() -> None:
    assert delay(known(LEAST - 1, 5.0), LEAST - 1, 5.0) == 1_000
    assert delay(known(LEAST, 5.0), LEAST, 5.0) == 1


def test_it_says_nothing_before_it_is_known() -> None:
    whole = known(20, days=10)
    assert delay(whole, 20) == 29 - 10


def test_what_is_used_at_the_end_of_each_month_is_not_quiet_in_between() -> None:
    whole = WholeSource()
    quiet = []
    for number in range(720):
        whole.add(day(10, 0.5, 10.0 if number % 30 >= 27 else 0.0), 1.0)
        quiet.append(whole.quiet is True)
    assert not any(quiet[90:])


def test_one_account_that_comes_late_is_not_the_flow() -> None:
    whole = known(20)
    delay(whole, 20)
    whole.add(day(20)._replace(came=0.5, active=1), 1.0)
    assert whole.quiet
    assert whole.silent_days == 3, "nor does it put off that it is withdrawn"
    whole.add(day(20)._replace(active=4), 1.0)
    assert whole.quiet is False
    assert 2 < delay(whole, 20) < 10, "another one soon after takes more"


def test_it_is_withdrawn_after_two_months() -> None:
    whole = known(20)
    since = [not whole.withdrawn]
    for _ in range(WITHDRAWN_DAYS):
        since.append(whole.withdrawn)
        whole.add(day(20, times=0.0), 1.0)
    assert not any(since[1:])
    assert whole.withdrawn


@given(st.lists(st.tuples(st.integers(0, 60), st.floats(0.0, 3.0), st.floats(0.02, 1.25)), max_size=120))
def test_what_is_stored_goes_on_in_the_same_way(days: list[tuple[int, float, float]]) -> None:
    whole, parted = known(10, days=25), known(10, days=25)
    for accounts, times, relative in days:
        for each in (whole, parted):
            each.add(day(accounts, times=times), relative)
        parted = WholeSource.unpack(orjson.loads(orjson.dumps(parted.pack())))
        assert parted.pack() == whole.pack()
        assert whole.nats >= 0.0


def test_the_account_that_says_most_is_left_out_wherever_it_lives() -> None:
    mu = np.array([50.0, 0.1, 0.1, 0.1])
    shares = np.zeros((SOURCES, mu.size))
    shares[0], shares[1] = 0.5, 0.5
    whole, parts = SourceSums(), SourceSums()
    whole.add(mu, mu * shares, shares, 0.5)
    for rows in (slice(0, 1), slice(1, 4)):
        part = SourceSums()
        part.add(mu[rows], (mu * shares)[:, rows], shares[:, rows], 0.5)
        parts += SourceSums.unpack(orjson.loads(orjson.dumps(part.pack())))
    assert parts.pack() == whole.pack()
    assert whole.of_source(1).accounts == 4
    assert whole.of_source(1).nats == pytest.approx(3 * 2.0 * np.log1p(0.05 / 2.0), rel=1e-5)
    assert whole.of_source(2).nats == 0.0
