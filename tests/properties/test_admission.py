"""A home has the accounts that its shuffle names first, and whatever else comes is told once: through crashes, and
through an ingest that repeats itself."""

from __future__ import annotations

from collections import Counter

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from schemas.shuffle import decode_shuffle
from streams.detection.stall import FLEET_ID
from streams.detection.statements import is_claim
from tests.examples import examples
from tests.properties.input_logs import CONFIG, World, worlds
from tests.properties.shuffled import Ran, Ways, disturbed

SLOW = settings(deadline=None, max_examples=examples(80), suppress_health_check=list(HealthCheck))


def expected(log: list[bytes], most: int) -> tuple[set[str], Counter[tuple[str, int]]]:
    """The accounts that get in, and the events that do not, by the order of the shuffle alone."""
    accounts: set[str] = set()
    turned_away: Counter[tuple[str, int]] = Counter()
    floors: dict[str, int] = {}
    for record in map(decode_shuffle, log):
        floor = floors.get(record.origin, -1)
        for event in record.events:
            if event.offset <= floor or is_claim(event) or event.account == FLEET_ID:
                continue
            if event.account in accounts or len(accounts) < most:
                accounts.add(event.account)
            else:
                turned_away[record.origin, event.offset] += 1
        floors[record.origin] = max(floor, record.last)
    return accounts, turned_away


def check(ran: Ran, most: int) -> None:
    """Rows and dead letters are those that the shuffle leads to."""
    accounts, turned_away = expected(ran.log, most)
    assert set(ran.rows) - {FLEET_ID} == accounts
    assert ran.turned_away == turned_away


@given(worlds(), st.integers(0, 2**32), st.integers(1, 4), st.booleans())
@SLOW
def test_the_accounts_that_are_named_first_get_in_whatever_happens(
    world: World, seed: int, most: int, live: bool
) -> None:
    ways = Ways(crash=0.3, repeat=0.3, record=8, accounts=most, live=live, caught_up=0.9 if live else 0.5)
    check(disturbed(world, CONFIG, ways, seed), most)
