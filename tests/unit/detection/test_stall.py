"""Days on which nobody's events come: one alert on the fleet, and none on its accounts."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random

from schemas.alerts import Change, Kind, Severity, Transition
from schemas.events import InputEvent, InputTopic
from schemas.usage import UsageEvent
from streams.detection.config import DAY_MS, HOUR_MS, DetectionConfig
from streams.detection.engine import Engine
from streams.detection.replay import replay
from streams.detection.stall import FLEET_ID

START = 20_000 * DAY_MS
CONFIG = DetectionConfig(grace_ms=HOUR_MS)


def lived(accounts: int, days: int, outage: range, gone: int = 0) -> list[Transition]:
    """A fleet of busy accounts, whose producers are broken on some days. As that begins, the first `gone` leave."""
    random = Random(1)

    def told() -> Iterator[tuple[InputTopic, str, InputEvent]]:
        for day in range(days):
            for hour in range(9, 17):
                for number in range(accounts):
                    if day not in outage and random.random() < 0.7 and not (number < gone and day >= outage.start):
                        at = START + day * DAY_MS + hour * HOUR_MS
                        yield InputTopic.USAGE, "usage", UsageEvent(account_id=f"a-{number}", event="x", occurred_at=at)

    return replay(told(), Engine(CONFIG)).transitions


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
