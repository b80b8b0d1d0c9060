"""User ids are hashed where they are read, and a key is followed by another without anybody being counted twice."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from random import Random

import pytest

from schemas.accounts import AccountUpdate
from schemas.events import InputEvent, InputTopic
from schemas.feedback import FEEDBACK_EVENT
from schemas.shuffle import encode_shuffle, hash64
from schemas.usage import UsageEvent
from streams.detection.config import DetectionConfig
from streams.detection.engine import Engine
from streams.detection.origin import Origin
from streams.detection.state import Account
from tests.unit.detection.building import Run, at, update, usage

OLD, NEW = b"the key of before", b"the key of today"
PEOPLE = ("kim@acme.example", "lee@acme.example", "ann@acme.example")


def origin(topic: InputTopic, key: bytes, previous: bytes | None = None, clock: int | None = None) -> Origin:
    return Origin(
        topic,
        f"{topic.value}/0",
        homes=1,
        home_of=lambda _account: 0,
        out_of_order=0,
        future_tolerance=0,
        user_key=key,
        previous_user_key=previous,
        clock=clock,
    )


@pytest.mark.parametrize("previous", [None, OLD, b""])
def test_no_id_of_a_user_leaves_the_place_where_it_is_read(previous: bytes | None) -> None:
    said: list[tuple[InputTopic, InputEvent]] = [
        (InputTopic.USAGE, UsageEvent(account_id="acme", event="click", occurred_at=at(0), user_id=PEOPLE[0])),
        (InputTopic.ACCOUNTS, AccountUpdate(account_id="acme", updated_at=at(0), champions=PEOPLE)),
        (InputTopic.ACCOUNTS, AccountUpdate(account_id="acme", updated_at=at(0), contacts_left=PEOPLE[1:])),
    ]
    for answer in ({"type": "nps", "score": 3}, {"type": "ticket", "ticket_id": "t", "status": "open"}):
        given = {"account_id": "acme", "occurred_at": at(0), "user_id": PEOPLE[2], **answer}
        said.append((InputTopic.FEEDBACK, FEEDBACK_EVENT.validate_python(given)))
    for topic, event in said:
        reader = origin(topic, NEW, previous)
        assert reader.take(0, event, None) is None
        (records,) = reader.deal(0, caught_up=True)
        sent = b"".join(map(encode_shuffle, records))
        assert b"acme" in sent
        assert not any(name.encode() in sent for name in PEOPLE)


def live(keys: Callable[[int], tuple[bytes, bytes | None]], days: int = 70) -> Iterator[Account]:
    """An account's life, of which each day is read with the keys of that day; as it stands after each. Who is named as
    its champion stays away from the 46th day on."""
    run, random = Run(Engine(DetectionConfig(user_key=NEW))), Random(5)
    for day in range(days):
        now = at(day, 9)
        shares = (0.0 if day > 45 else 0.95, 0.9, 0.9)
        came = [name for name, share in zip(PEOPLE, shares, strict=True) if random.random() < share]
        said: list[tuple[InputTopic, InputEvent]] = []
        if day % 20 == 0:
            said.append((InputTopic.ACCOUNTS, AccountUpdate(account_id="acme", updated_at=now, champions=PEOPLE[:1])))
        said += [
            (InputTopic.USAGE, UsageEvent(account_id="acme", event="click", occurred_at=now, user_id=name))
            for name in came
        ]
        if day % 7 == 0:
            given = {"account_id": "acme", "occurred_at": now, "user_id": PEOPLE[1], "type": "nps", "score": day % 11}
            said.append((InputTopic.FEEDBACK, FEEDBACK_EVENT.validate_python(given)))
        for topic, event in said:
            reader = origin(topic, *keys(day))
            assert reader.take(0, event, None) is None
            for record in reader.deal(0, caught_up=True)[0]:
                run.apply(*record.events)
        yield Account.decode("acme", run.account.encode())


def known_of(account: Account) -> tuple[object, ...]:
    """What is known of an account's people, but for what they are known as."""
    champions, feedback = account.champions, account.feedback
    return (
        sorted(account.people.last_seen.values()),
        None if champions is None else (champions.days, sorted(champions.followed.values()), len(champions.named)),
        None if champions is None else (champions.named_at, [each.missed for each in champions.gone(20)]),
        None if feedback is None else [(each.at, each.score) for each in feedback.scores],
        sorted((kind.value, alert.severity.value) for kind, alert in account.alerts.items()),
    )


@pytest.fixture(scope="module")
def undisturbed() -> list[tuple[object, ...]]:
    return [known_of(account) for account in live(lambda _day: (NEW, None))]


@pytest.mark.parametrize(("day", "before"), [(3, b""), (30, OLD), (58, OLD)])
def test_a_key_that_follows_another_changes_nothing_that_is_known_of_people(
    undisturbed: list[tuple[object, ...]], day: int, before: bytes
) -> None:
    rotated = live(lambda today: (before, None) if today < day else (NEW, before))
    for number, (expected, account) in enumerate(zip(undisturbed, rotated, strict=True)):
        assert known_of(account) == expected, f"day {number}"
    assert "champion_gone" in str(undisturbed[-1])


def test_a_worker_that_still_has_the_key_of_before_takes_nobodys_history(undisturbed: list[tuple[object, ...]]) -> None:
    (*_, account) = live(lambda day: (OLD, None) if day < 30 or day == 38 else (NEW, OLD))
    assert known_of(account) == undisturbed[-1]


def test_without_the_key_before_everybody_is_somebody_else() -> None:
    (*_, account) = live(lambda today: (OLD, None) if today < 30 else (NEW, None))
    assert len(account.people.last_seen) == 2 * len(PEOPLE)


def test_what_was_known_before_a_key_was_set_is_forgotten_as_people_come() -> None:
    run = Run(Engine(DetectionConfig(user_key=NEW)))
    run.apply(update(at(0), champions=list(PEOPLE)), usage(at(0), user=PEOPLE[0]))
    assert PEOPLE[0].encode() in run.account.encode()
    reader = origin(InputTopic.USAGE, NEW, b"")
    reader.take(0, UsageEvent(account_id="acme", event="click", occurred_at=at(1), user_id=PEOPLE[0]), None)
    (record,) = reader.deal(0, caught_up=True)[0]
    run.apply(*record.events)
    assert PEOPLE[0].encode() not in run.account.encode()
    assert list(run.account.people.last_seen) == [hash64(PEOPLE[0], NEW)]
