"""The stored form of an account. That it loses nothing is shown over whole histories in `tests/properties`."""

from __future__ import annotations

import orjson
import pytest

from schemas.errors import StateError
from streams.detection.habits import CALM_DAY, FIRST_DAY, LAST_DAY, MONITORED_DAY, Habits
from streams.detection.state import VERSION, Account, head_of, standing_of
from tests.unit.detection.building import Run, at, bills, update, usage


def typical(run: Run) -> Account:
    """20 users, three lines of timeline, no open alert, half a year of history."""
    run.apply(update(at(0), name="Acme GmbH", owner="ana@example.com"), bills("subscription.started", at(0)))
    for day in range(180):
        if day % 7 < 5:
            for user in range(20):
                if (day + user) % 3 == 0:
                    run.apply(usage(at(day, 9 + user / 4), user=f"user-{user}"))
    run.apply(bills("subscription.updated", at(180), plan="big"), bills("subscription.updated", at(181)))
    assert len(run.account.timeline.entries) == 3
    return run.account


def test_a_typical_account_takes_about_a_kilobyte(run: Run) -> None:
    assert len(typical(run).encode()) <= 1_500


def test_the_due_time_is_read_off_the_beginning(run: Run) -> None:
    assert head_of(Account("acme", Habits()).encode()).due is None
    run.apply(
        bills("subscription.started", at(0), current_period_end=at(100)),
        bills("subscription.cancel_scheduled", at(1), effective_at=at(20)),
    )
    value = run.account.encode()
    assert value.startswith(b"[%d,%d," % (VERSION, at(13)))
    assert head_of(value).due == at(13)


def test_the_standing_is_read_off_the_beginning(run: Run) -> None:
    assert standing_of(Account("acme", Habits()).encode()) == "onboarding||||"
    run.apply(bills("subscription.started", at(0)), bills("payment.failed", at(1)))
    assert standing_of(run.account.encode()) == "alerting|payment_failed.critical|10000|EUR|"


def test_a_newer_version_stops_the_reader_and_says_which(run: Run) -> None:
    values = orjson.loads(run.account.encode())
    newer = orjson.dumps([VERSION + 1, *values[1:], "something new"])
    for read in (head_of, standing_of, lambda value: Account.decode("acme", value)):
        with pytest.raises(StateError, match=f"of version {VERSION + 1}"):
            read(newer)


def test_what_version_4_stored_is_read(run: Run) -> None:
    account = typical(run)
    _, *values = orjson.loads(account.encode())
    stored = orjson.dumps([4, *values[:14]])
    read = Account.decode("acme", stored)
    assert read.looked_at == -1
    read.looked_at, read.champions = account.looked_at, account.champions
    assert read.encode() == account.encode()


def test_what_the_version_before_stored_is_read(run: Run) -> None:
    account = typical(run)
    stored = account.encode().replace(b"[%d," % VERSION, b"[%d," % (VERSION - 1), 1)
    assert Account.decode("acme", stored).encode() == account.encode()
    assert head_of(stored).due == account.due


@pytest.mark.parametrize(
    "damage",
    [
        lambda _: b"",
        lambda _: b"null",
        lambda _: b"{}",
        lambda value: value[: len(value) // 2],
        lambda value: value[:-1],
        lambda value: value.replace(b"[%d,null," % VERSION, b'[%d,"soon",' % VERSION, 1),
        lambda value: orjson.dumps(orjson.loads(value)[:14]),
        lambda value: orjson.dumps([*orjson.loads(value)[:3], "AAAA", *orjson.loads(value)[4:]]),
    ],
)
def test_damage_is_told_and_not_read(run: Run, damage: object) -> None:
    assert callable(damage)
    with pytest.raises(StateError, match="damaged"):
        Account.decode("acme", damage(Account("acme", Habits()).encode()))


def test_reading_is_exact_to_the_last_bit(run: Run) -> None:
    account = typical(run)
    read = Account.decode("acme", account.encode())
    assert read.habits.values[:, read.row].tobytes() == account.habits.values[:, account.row].tobytes()
    assert read.encode() == account.encode()


def test_days_are_kept_until_2149() -> None:
    habits, read = Habits(), Habits()
    row = habits.row("acme")
    for column, day in ((FIRST_DAY, 32_767), (LAST_DAY, 32_768), (MONITORED_DAY, 65_534), (CALM_DAY, -1)):
        habits.set(row, column, day)
    read.unpack("acme", habits.pack(row))
    assert read.values[:, 0].tobytes() == habits.values[:, row].tobytes()
