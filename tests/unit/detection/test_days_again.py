"""A home that does a day again, after a crash, finds in the log how the day was decided."""

from __future__ import annotations

from schemas.events import InputTopic
from schemas.shuffle import ShuffleRecord, Usage
from streams.detection.config import DAY_MS, HOUR_MS, DetectionConfig
from streams.detection.engine import Engine
from streams.detection.fleet_log import FleetLog
from streams.detection.home import Home, Output
from streams.detection.merge import Merge, Progress
from tests.properties.shuffled import Offers

CONFIG = DetectionConfig()
ORIGIN = "product-usage/0"
FIRST_DAY = 20_000


def home_of(number: int, offers: Offers, stored: Output | None = None) -> Home:
    """One of two homes, anew or from what was stored."""
    rows = {} if stored is None else dict(stored.rows)
    progress = None if stored is None else Progress.decode(stored.progress.encode())
    fleet = FleetLog(CONFIG, 2, None if stored is None else stored.fleet)
    merge = Merge(frozenset({ORIGIN}), progress)
    home = Home(Engine(CONFIG, fleet), merge, rows.get, log=offers, partition=number, speaks=number == 0)
    home.enter(rows.items())
    return home


def until(home: Home, number: int, hours: int) -> None:
    """An event so many hours after the first day began, and all that follows from it."""
    at = FIRST_DAY * DAY_MS + hours * HOUR_MS
    event = Usage(number, at, f"acme {home.learnt.decided}", at, "click", None, 1, "product", None)
    home.receive(number, ShuffleRecord(InputTopic.USAGE, ORIGIN, number, at + 1, True, (event,)))
    step(home)


def step(home: Home) -> None:
    for _ in home.step(idle=True):
        pass


def test_until_the_day_is_over_here_all_is_judged_by_what_was_known_before() -> None:
    offers = Offers()
    homes = [home_of(number, offers) for number in range(2)]
    for number, hours in enumerate((9, 33)):
        for home in homes:
            until(home, number, hours)
    for home in homes * 2:  # each waits for what the other offers
        step(home)
    assert {home.learnt.decided for home in homes} == {FIRST_DAY}

    stored = homes[0].take(pictures=0)
    list(stored.pictures)
    for home in homes:
        until(home, 2, 57)
    for home in homes * 2:
        step(home)
    assert homes[0].learnt.decided == FIRST_DAY + 1

    again = home_of(0, offers, stored)
    step(again)
    until(again, 2, 40)
    assert again.learnt.decided == FIRST_DAY, "the second day is still open"
    until(again, 3, 57)
    assert again.learnt.decided == FIRST_DAY + 1


def test_who_had_stored_nothing_begins_with_what_was_known_then_too() -> None:
    offers = Offers()
    homes = [home_of(number, offers) for number in range(2)]
    for number, hours in enumerate((9, 33, 57)):
        for home in homes:
            until(home, number, hours)
        for home in homes * 2:
            step(home)
    assert {home.learnt.decided for home in homes} == {FIRST_DAY + 1}

    again = home_of(0, offers)
    step(again)  # it has received nothing yet
    assert again.learnt.decided < FIRST_DAY
    until(again, 0, 9)
    assert again.learnt.decided < FIRST_DAY, "the first day is still open"
    until(again, 1, 33)
    assert again.learnt.decided == FIRST_DAY
