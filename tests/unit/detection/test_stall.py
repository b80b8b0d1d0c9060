"""What is the matter with the flow of events: one alert on the fleet, and none on its accounts."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from random import Random

import orjson
import pytest

from schemas.alerts import Change, Kind, Severity, Transition
from schemas.events import InputEvent, InputTopic
from schemas.usage import UsageEvent
from streams.detection.calendar import Calendar
from streams.detection.config import DAY_MS, HOUR_MS, DetectionConfig
from streams.detection.engine import Engine
from streams.detection.replay import replay
from streams.detection.sources import WHOLE
from streams.detection.stall import FLEET_ID, Measured, Stall

pytestmark = pytest.mark.slow

START = 20_000 * DAY_MS
CONFIG = DetectionConfig(grace_ms=HOUR_MS)
NOTHING = range(0)


def lived(
    accounts: int,
    days: int,
    outage: range = NOTHING,
    gone: int = 0,
    *,
    dead: str | None = None,
    source: Callable[[int, Random], str] = lambda _number, _random: "product",
    level: Callable[[int], float] = lambda _day: 1.0,
    rate: float = 0.7,
    resting: str | None = None,
    moved: tuple[int, int] = (0, 0),
) -> list[Transition]:
    """A fleet of busy accounts, whose producers (that of the source `dead`, or all) are broken on some days. As that
    begins, the first `gone` leave. `level` multiplies what all do on a day; on weekends nobody uses the source
    `resting`. `moved`: so many use `mobile` from a day on."""
    random = Random(1)

    def told() -> Iterator[tuple[InputTopic, str, InputEvent]]:
        for day in range(days):
            chance = rate * level(day)
            for hour in range(9, 17):
                for number in range(accounts):
                    if random.random() >= chance or (number < gone and day >= outage.start):
                        continue
                    name = "mobile" if number < moved[0] and day >= moved[1] else source(number, random)
                    if (day in outage and dead in (None, name)) or (name == resting and not weekdays(day)):
                        continue
                    at = START + day * DAY_MS + hour * HOUR_MS
                    usage = UsageEvent(account_id=f"a-{number}", event="x", occurred_at=at, source=name)
                    yield InputTopic.USAGE, "usage", usage

    return replay(told(), Engine(CONFIG)).transitions


def weekdays(day: int) -> float:
    """Without a trace on weekends; the first day is a Thursday."""
    return 0.0 if (day + 3) % 7 >= 5 else 1.0


def plainly(factor: float) -> Measured:
    """Of a fleet so large that nothing is lent to it."""
    return Measured(factor, factor)


def of_fleet(told: list[Transition]) -> list[Transition]:
    return [each for each in told if each.account_id == FLEET_ID]


def warned(told: list[Transition]) -> set[str]:
    """Accounts on which there was more than a watch."""
    return {each.account_id for each in told if each.severity is not Severity.WATCH} - {FLEET_ID}


def test_an_outage_is_one_alert_on_the_fleet_and_none_on_accounts() -> None:
    opened, resolved = lived(60, 100, range(80, 85))
    assert (opened.account_id, opened.kind, opened.change) == (FLEET_ID, Kind.TELEMETRY_STALLED, Change.OPENED)
    assert opened.severity is Severity.CRITICAL
    assert opened.at == START + 81 * DAY_MS + HOUR_MS, "told as the day closes"
    assert opened.since == START + 80 * DAY_MS
    assert opened.evidence == {"percent_of_normal": 9}
    assert "at 9% of normal on 23 December 2024" in opened.headline
    assert (resolved.alert_id, resolved.change) == (opened.alert_id, Change.RESOLVED)
    assert resolved.at == START + 86 * DAY_MS + HOUR_MS


def test_who_leaves_in_an_outage_is_found_after_it() -> None:
    told = lived(60, 100, range(80, 85), gone=3)
    found = {each.account_id for each in told if each.kind is Kind.USAGE_SILENCE}
    assert found == {"a-0", "a-1", "a-2"}
    assert all(each.at > START + 85 * DAY_MS for each in told if each.kind is not Kind.TELEMETRY_STALLED)


def test_a_fleet_of_a_few_says_nothing_of_itself() -> None:
    told = lived(40, 100, range(80, 85))
    assert {each.kind for each in told} <= {Kind.USAGE_SILENCE, Kind.USAGE_DROP}
    assert len({each.account_id for each in told}) == 40


def every_third(number: int, _random: Random) -> str:
    return "mobile" if number % 3 == 0 else "product"


def test_a_dead_source_is_named_and_holds_those_who_live_on_it_and_nobody_else() -> None:
    told = lived(180, 105, range(80, 88), gone=4, dead="mobile", source=every_third)
    opened, resolved = of_fleet(told)
    assert (opened.change, opened.severity, opened.reasons[0].code) == (
        Change.OPENED,
        Severity.CRITICAL,
        "source_quiet",
    )
    assert opened.reasons[0].values["source"] == "mobile"
    assert "the source mobile was at" in opened.headline
    assert opened.at == START + 81 * DAY_MS + HOUR_MS
    assert (resolved.change, resolved.at) == (Change.RESOLVED, START + 89 * DAY_MS + HOUR_MS)
    assert warned(told) == {"a-0", "a-1", "a-2", "a-3"}, "those who left, and no one else"
    first = {name: min(each.at for each in told if each.account_id == name) for name in warned(told)}
    assert all(first[name] < START + 86 * DAY_MS for name in ("a-1", "a-2")), "who lives on what goes on is judged"
    assert all(first[name] > START + 88 * DAY_MS for name in ("a-0", "a-3")), "who lives on it, when flow is back"


@pytest.mark.parametrize("dead", ["mobile", None])
def test_a_dead_source_or_fleet_of_a_few_is_never_taken_for_normal_either(dead: str | None) -> None:
    """Few, so that by what is lent to them they never measure nothing at all."""

    def of_sixty(number: int, _random: Random) -> str:
        return "mobile" if number < 60 else "product"

    told = lived(110, 152, range(90, 150), dead=dead, source=of_sixty, rate=0.2)
    opened, resolved = of_fleet(told)
    assert (opened.change, resolved.change) == (Change.OPENED, Change.RESOLVED)
    assert resolved.at > START + 150 * DAY_MS
    assert not warned(told)


@pytest.mark.parametrize("accounts", [60, 300])
def test_a_weekend_on_which_nobody_ever_works_is_no_outage(accounts: int) -> None:
    assert not lived(accounts, 80, level=weekdays, source=every_third)


@pytest.mark.parametrize("accounts", [180, 600])
def test_nor_are_the_weekends_of_a_source_that_is_used_on_weekdays_alone(accounts: int) -> None:
    def at_work(number: int, _random: Random) -> str:
        return "desktop" if number % 3 == 0 else "product"

    assert not lived(accounts, 80, source=at_work, resting="desktop")
    opened, *more = of_fleet(lived(accounts, 110, range(82, 110), dead="desktop", source=at_work, resting="desktop"))
    assert (opened.change, more) == (Change.OPENED, []), "also on weekends"
    assert opened.at <= START + 83 * DAY_MS + HOUR_MS


@pytest.mark.parametrize(("rate", "weekend"), [(0.4, 0.3), (0.1, 1.0)])
def test_a_source_to_which_many_move_is_not_dead_as_it_settles(rate: float, weekend: float) -> None:
    def level(day: int) -> float:
        return weekdays(day) or weekend

    assert not of_fleet(lived(300, 170, moved=(100, 100), rate=rate, level=level))


def test_one_that_is_gone_for_good_holds_nobody_for_ever() -> None:
    told = lived(240, 160, range(80, 160), dead="mobile", source=every_third)
    opened, resolved = of_fleet(told)
    assert (opened.at, resolved.change) == (START + 81 * DAY_MS + HOUR_MS, Change.RESOLVED)
    assert START + 139 * DAY_MS < resolved.at < START + 145 * DAY_MS
    assert "is taken for withdrawn" in resolved.headline
    assert warned(told) == {f"a-{number}" for number in range(0, 240, 3)}


def test_weekends_within_an_outage_are_a_part_of_it() -> None:
    """Not a silence of those who might have come on them, for all of whom flow is back at once."""
    told = lived(200, 190, range(110, 170), level=weekdays, rate=0.1)
    assert [each.change for each in of_fleet(told)] == [Change.OPENED, Change.RESOLVED]
    assert len(warned(told)) < 12


def test_a_low_time_of_those_who_rest_at_weekends_is_since_it_began() -> None:
    stall = Stall(Calendar("UTC", HOUR_MS))
    for day in range(90):
        factor = 1.0 if day < 60 else 0.7
        stall.day(day, Measured(factor, factor, tells=day % 7 < 5), None)
    (opened,) = stall.said
    assert (opened.finding.reasons[0].code, opened.finding.since) == ("declined", 60 * DAY_MS)


def test_accounts_of_both_sources_are_held_against_what_is_left() -> None:
    def by_chance(number: int, random: Random) -> str:
        return "mobile" if random.random() < (number % 5) / 4 else "product"

    told = lived(240, 110, range(80, 90), dead="mobile", source=by_chance)
    assert [each.change for each in of_fleet(told)] == [Change.OPENED, Change.RESOLVED]
    assert not warned(told)


def test_a_source_that_few_accounts_use_is_told_when_nothing_comes_from_it() -> None:
    def few(number: int, _random: Random) -> str:
        return "mobile" if number < 30 else "product"

    told = lived(180, 100, range(80, 88), dead="mobile", source=few)
    opened, resolved = of_fleet(told)
    assert (opened.at, resolved.at) == (START + 81 * DAY_MS + HOUR_MS, START + 89 * DAY_MS + HOUR_MS)
    assert opened.reasons[0].values["accounts"] == 30
    assert not warned(told)


@pytest.mark.parametrize(
    "level",
    [
        pytest.param(lambda day: 1.0 if day >= 80 else 0.5, id="a launch that doubles usage"),
        pytest.param(lambda day: 0.5 if 80 <= day < 86 else 1.0, id="six days in which half is lost"),
        pytest.param(lambda day: 0.5 ** (day / 365), id="a slow decline of the whole fleet"),
    ],
)
def test_what_all_accounts_have_in_common_is_no_alert(level: Callable[[int], float]) -> None:
    told = lived(80, 160, level=level)
    assert not of_fleet(told)
    assert not warned(told)


def test_a_low_time_of_two_weeks_is_no_holiday_and_is_said_once() -> None:
    told = lived(100, 150, level=lambda day: 0.66 if day >= 80 else 1.0)
    opened, resolved = of_fleet(told)
    assert opened.at == START + 94 * DAY_MS + HOUR_MS
    assert opened.since == START + 80 * DAY_MS
    assert (opened.severity, opened.reasons[0].code) == (Severity.WARNING, "declined")
    assert "that is no holiday. Accounts are judged in spite of it." in opened.headline
    assert resolved.change is Change.RESOLVED, "by and by it is the new normal"
    assert not warned(told)


def test_it_excuses_nobody_any_more_unless_it_is_so_low_that_all_would_be_told() -> None:
    stall = Stall(Calendar("UTC", HOUR_MS))
    for day in range(40):
        stall.day(day, plainly(1.0), None)
    for day in range(40, 54):
        assert stall.excuses(WHOLE, 0.7) == 0.7
        stall.day(day, plainly(0.7), None)
    assert stall.excuses(WHOLE, 0.7) == pytest.approx(0.85, abs=0.01)
    assert stall.excuses(WHOLE, 0.5) == 0.5
    assert stall.excuses(WHOLE, 0.95) == 0.95


def test_what_is_stored_of_it_goes_on_in_the_same_way() -> None:
    calendar = Calendar("UTC", HOUR_MS)
    whole, parted = Stall(calendar), Stall(calendar)
    random = Random(4)
    level = 1.0
    for day in range(900):
        level = random.choice([level] * 40 + [1.0, 0.7, 0.1])
        for each in (whole, parted):
            each.day(day, plainly(level), None)
        assert parted.said == whole.said
        again = Stall(calendar)
        again.unpack(orjson.loads(orjson.dumps(parted.pack())))
        again.said = parted.said
        parted = again
    assert {each.change for each in whole.said} >= {Change.OPENED, Change.RESOLVED, Change.ESCALATED}


def test_a_fleet_that_works_at_the_end_of_each_quarter_is_taken_for_broken_once() -> None:
    stall = Stall(Calendar("UTC", HOUR_MS))
    stalled: list[int] = []
    for day in range(370):
        stall.day(day, plainly(1.0 if day < 91 or day % 91 >= 77 else 0.12), None)
        stalled += [day] if stall.stalled else []
    assert stalled == list(range(91, stalled[-1] + 1))
    assert 14 < len(stalled) < 28, "by then it is what there is on most days"
    quiet = [each for each in stall.said if each.finding.reasons[0].code == "fleet_quiet"]
    assert [each.change for each in quiet] == [Change.OPENED, Change.RESOLVED]
    assert "has been low for so long that it is the new normal" in quiet[1].finding.headline


def test_a_fleet_that_works_for_five_days_a_month_is_taken_for_broken_for_a_month_at_most() -> None:
    stall = Stall(Calendar("UTC", HOUR_MS))
    stalled = 0
    for day in range(365):
        stall.day(day, Measured(factor := 1.0 if day % 30 < 5 else 0.1, factor if factor == 1.0 else 0.02), None)
        stalled += bool(stall.stalled)
    assert stalled < 35


def test_a_producer_that_is_broken_for_good_is_never_taken_for_normal() -> None:
    stall = Stall(Calendar("UTC", HOUR_MS))
    for day in range(200):
        stall.day(day, plainly(1.0 if day < 60 else 0.02), None)
    assert stall.stalled == {WHOLE}
    assert [each.change for each in stall.said] == [Change.OPENED]
