"""However few accounts stay decoded: what a flush is made of is read off the accounts as they stand."""

from __future__ import annotations

from schemas.events import InputTopic
from schemas.picture import AccountPicture
from schemas.shuffle import ShuffleRecord, Usage
from streams.detection.config import DAY_MS, HOUR_MS, DetectionConfig
from streams.detection.engine import Engine
from streams.detection.home import Home
from streams.detection.merge import Merge
from streams.detection.state import Account

ORIGIN = "product-usage/0"
BEGINS = 20_000 * DAY_MS


def used(home: Home, number: int) -> None:
    """One more event, an hour after the one before."""
    at = BEGINS + number * HOUR_MS
    event = Usage(number, at, "acme", at, "click", None, 1, "product", None)
    home.receive(number, ShuffleRecord(InputTopic.USAGE, ORIGIN, number, at + 1, True, (event,)))
    for _ in home.step(idle=True):
        pass


def test_an_account_whose_state_is_not_stored_yet_is_not_read_from_the_store() -> None:
    rows: dict[str, bytes] = {}
    home = Home(Engine(DetectionConfig()), Merge(frozenset({ORIGIN})), rows.get, decoded=0)
    for number in range(3):
        used(home, number)
        output = home.take(pictures=1)
        ((_, picture),) = output.pictures
        assert AccountPicture.model_validate_json(picture).engagement.events_total == number + 1
        rows |= dict(output.rows)  # only now: a flush is made whole before anything of it is stored
        assert Account.decode("acme", rows["acme"]).events_total == number + 1
