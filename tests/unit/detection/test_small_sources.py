"""A product that few accounts use, and that dies for all of them or is given up by one."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from schemas.alerts import Change, Kind, Severity, Transition
from schemas.shuffle import Usage
from streams.detection.config import DetectionConfig
from streams.detection.engine import Engine
from streams.detection.stall import FLEET_ID
from tests.plain import Plain
from tests.unit.detection.building import at

pytestmark = pytest.mark.slow

CONFIG = DetectionConfig(alert_false_alarms=0.5)
ACCOUNTS = 20
DIES, BACK = 91, 105
"""Both are Mondays."""
Lives = Callable[[int, int], bool]
"""Whether the small product of an account, by number, lives on a day."""


def dies(_: int, day: int) -> bool:
    return not DIES <= day < BACK


def lived(users: int, days: int, lives: Lives, *, alone: bool = False) -> Plain:
    """Weekdays of a fleet in which the first `users` have the product `api` besides, or alone."""
    plain = Plain(Engine(CONFIG))
    for day in range(days):
        for number in range(ACCOUNTS) if day % 7 < 5 else ():
            when, name = at(day, 9), f"a-{number}"
            if number >= users or not alone:
                plain.apply(Usage(0, when, name, when, "used", None, 8, "product", None))
            if number < users and lives(number, day):
                plain.apply(Usage(0, when, name, when, "used", None, 4, "api", None))
    plain.close(at(days, 2))
    return plain


def warned(plain: Plain) -> dict[str, list[Transition]]:
    """Of accounts what is more than a watch."""
    of_accounts = {name: said for name, said in plain.told.items() if name != FLEET_ID}
    told = {name: [each for each in said if each.severity is not Severity.WATCH] for name, said in of_accounts.items()}
    return {name: said for name, said in told.items() if said}


@pytest.mark.parametrize("alone", [False, True])
@pytest.mark.parametrize(("users", "days"), [(5, 2), (12, 1)])
def test_one_that_dies_is_told_once_with_how_many_use_it_and_of_no_account(users: int, days: int, alone: bool) -> None:
    plain = lived(users, BACK + 14, dies, alone=alone)
    opened, resolved = plain.told[FLEET_ID]
    assert (opened.kind, opened.change, opened.severity) == (Kind.TELEMETRY_STALLED, Change.OPENED, Severity.WARNING)
    assert opened.at == at(DIES + days, 1), "the more there are the sooner"
    assert opened.since == at(DIES - 2), "the Saturday before"
    assert opened.reasons[0].values == {"percent_of_normal": 0, "source": "api", "accounts": users}
    assert opened.headline.startswith(
        f"Nothing has come from the source api since 5 April 2025, for any of the {users} accounts that use it"
    )
    assert (resolved.change, resolved.at) == (Change.RESOLVED, at(BACK + 1, 1))
    assert not warned(plain)


@pytest.mark.parametrize("alone", [False, True])
def test_who_has_left_meanwhile_is_told_when_it_is_back(alone: bool) -> None:
    plain = lived(12, BACK + 40, lambda number, day: dies(number, day) and (number > 1 or day < DIES), alone=alone)
    told = warned(plain)
    assert set(told) == {"a-0", "a-1"}
    assert all(at(BACK + 1) < said[0].at for said in told.values())


def test_who_gives_it_up_while_others_go_on_is_told() -> None:
    plain = lived(12, DIES + 40, lambda number, day: number > 0 or day < DIES)
    assert FLEET_ID not in plain.told
    (said,) = warned(plain).values()
    assert said[0].reasons[0].values["source"] == "api"


def test_what_three_accounts_use_is_their_own_doing() -> None:
    plain = lived(3, DIES + 40, lambda _, day: day < DIES, alone=True)
    assert FLEET_ID not in plain.told
    assert set(warned(plain)) == {"a-0", "a-1", "a-2"}


def test_one_that_is_withdrawn_is_no_longer_waited_for_after_two_months() -> None:
    plain = lived(6, DIES + 90, lambda _, day: day < DIES, alone=True)
    opened, resolved = plain.told[FLEET_ID]
    assert opened.at <= at(DIES + 2, 1)
    assert resolved.at == at(DIES - 2 + 61, 1)
    assert "taken for withdrawn" in resolved.headline
    told = warned(plain)
    assert set(told) == {f"a-{number}" for number in range(6)}, "they do nothing else"
    assert all(said[0].at >= resolved.at for said in told.values())


def test_who_lives_on_something_else_is_not_told_of_what_was_withdrawn() -> None:
    plain = lived(6, DIES + 90, lambda _, day: day < DIES)
    assert [each.change for each in plain.told[FLEET_ID]] == [Change.OPENED, Change.RESOLVED]
    assert not warned(plain)
