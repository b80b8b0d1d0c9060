"""Who carries the product inside an account, and how they come."""

from __future__ import annotations

from random import Random

import orjson
import pytest

from schemas.shuffle import hash64
from streams.detection.champions import Champions, known_as
from streams.detection.config import DetectionConfig
from streams.detection.engine import Engine
from streams.detection.state import Account
from tests.unit.detection.building import Run, at, bills, update, usage


def stored(champions: Champions) -> Champions:
    return Champions.decode(orjson.loads(orjson.dumps(champions.encode())))


def test_what_is_kept_is_bounded_and_survives_the_store_at_any_moment() -> None:
    random, champions = Random(3), Champions()
    for day in range(20_000, 20_400):
        for user in random.sample(range(30), random.randrange(1, 12)):
            champions.visit(user, day - random.randrange(2), early=random.random() < 0.5)
        if day % 40 == 0:
            champions.leave(random.sample(range(30), 9), day)
        if day % 90 == 0:
            champions.name(tuple(random.sample(range(30), 7)), day)
        assert stored(champions).encode() == champions.encode()
        assert stored(champions).followed == champions.followed
        assert len(champions.followed) <= 5
        assert all(0 <= each.active <= max(each.last - each.start, 1) <= 121 for each in champions.followed.values())
    assert len(orjson.dumps(champions.encode())) < 300


def test_who_is_followed_under_two_hashes_is_one_person_however_long_ago_it_was() -> None:
    champions = Champions()
    for day in range(20_000, 20_400):
        champions.visit(1, day, early=False)
        if day < 20_100 or day > 20_395:
            champions.visit(2 if day < 20_100 else 3, day, early=False)
    champions.rename(3, 2)
    (person,) = [each for user, each in champions.followed.items() if user != 1]
    assert (person.last, person.last_day) == (400, 20_399)
    assert 0 < person.active <= person.last - person.start <= 120
    assert stored(champions).followed == champions.followed


def test_an_account_of_one_person_is_stored_as_before() -> None:
    run = Run(Engine(DetectionConfig()))
    for day in range(40):
        run.apply(usage(at(day), user="kim"))
    assert run.account.champions is None
    run.apply(usage(at(40), user="lee"))
    assert run.account.champions is not None
    assert known_as(hash64("lee")) in run.account.champions.followed


def test_those_who_come_seldom_make_room_and_those_who_are_named_need_none() -> None:
    champions = Champions()
    for day in range(200):
        champions.visit(0, day, early=False)
        champions.visit(1 + day % 20, day, early=False)
        if day % 10 < 9:
            champions.visit(99, day, early=False)
    assert {0, 99} <= champions.followed.keys()
    champions.name((77,), 1)
    champions.visit(77, 200, early=False)
    assert 77 in champions.followed
    champions.leave([1_000], 200)
    assert [user for user, _ in champions.champions()] == [77]


@pytest.mark.parametrize("key", [b"", b"secret"])
def test_who_is_named_is_known_by_the_key_of_the_settings_and_shown_only_without_one(key: bytes) -> None:
    run = Run(Engine(DetectionConfig(user_key=key)))
    run.apply(update(at(0), champions=["kim"]))
    for day in range(60):
        for user in ("kim", "lee") if day < 30 else ("lee",):
            run.apply(usage(at(day, 9))._replace(user=hash64(user, key)))
    (watch, warning) = run.transitions
    assert (watch.severity, warning.severity) == ("watch", "warning")
    assert watch.headline == "A champion has stayed away on 11 days on which others came."
    assert ("kim" in warning.reasons[0].text) == ("user_id" in warning.reasons[0].values) == (key == b"")
    assert Account.decode("acme", run.account.encode()).encode() == run.account.encode()


def test_late_and_repeated_events_are_no_return() -> None:
    run = Run(Engine(DetectionConfig()))
    run.apply(bills("subscription.started", at(0)), update(at(0), champions=["kim"]))
    for day in range(60):
        for user in ("kim", "lee") if day < 30 else ("lee",):
            run.apply(usage(at(day, 9), user=user, id_=f"{user}/{day}"))
    said = run.changes()
    run.apply(usage(at(29, 9), user="kim", id_="kim/29", arrives=at(60)))
    run.apply(usage(at(40, 9), user="kim", arrives=at(60)))
    assert run.changes() == said == ["champion_gone opened watch", "champion_gone escalated warning"]
    run.apply(usage(at(60, 9), user="kim"))
    assert run.changes()[2:] == ["champion_gone resolved warning"]


def test_nothing_is_said_while_the_account_is_paused() -> None:
    run = Run(Engine(DetectionConfig()))
    run.apply(bills("subscription.started", at(0)), update(at(0), champions=["kim"]))
    for day in range(60):
        if day == 31:
            run.apply(bills("subscription.paused", at(day)))
        for user in ("kim", "lee") if day < 30 else ("lee",):
            run.apply(usage(at(day, 9), user=user))
    assert not [each for each in run.changes() if each.startswith("champion")]
