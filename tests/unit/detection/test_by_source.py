"""Whose alerts wait while hardly anything comes from one source."""

from __future__ import annotations

from schemas.alerts import Severity
from schemas.shuffle import Usage
from streams.detection.config import DAY_MS, DetectionConfig
from streams.detection.engine import Engine
from streams.detection.stall import FLEET_ID
from tests.plain import Plain
from tests.unit.detection.building import FIRST_DAY, at

ACCOUNTS = 120
BREAKS, BACK = 60, 68


def warned_on(leaves: int, *, breaks: bool) -> int:
    """Every other account lives on another source. One of these leaves on a day. Of that source an eighth comes in on
    some days if it `breaks`. Gives the day by which the account is told of."""
    plain = Plain(Engine(DetectionConfig()))
    for day in range(BACK + 8):
        for number in range(ACCOUNTS):
            source = ("product", "mobile")[number % 2]
            count = 1 if breaks and source == "mobile" and BREAKS <= day < BACK else 8
            if number != 1 or day < leaves:
                when, name = at(day, 9), f"a-{number}"
                plain.apply(Usage(0, when, name, when, "used", None, count, source, None))
    plain.close(at(BACK + 8, 2))
    assert (FLEET_ID in plain.told) == breaks
    warned = [each.at for each in plain.told["a-1"] if each.severity is not Severity.WATCH]
    return warned[0] // DAY_MS - 1 - FIRST_DAY


def test_who_was_about_to_be_told_of_waits_until_the_source_is_back() -> None:
    """An eighth of each of these days speaks against it: more than what was left."""
    delay = warned_on(BREAKS - 10, breaks=False) - (BREAKS - 10)
    assert 1 < delay < 10
    leaves = BREAKS - delay
    assert warned_on(leaves, breaks=False) == BREAKS
    assert warned_on(leaves, breaks=True) >= BACK
