"""What people do about the alert on the fleet itself."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random
from typing import Any

from schemas.alerts import Change, Kind, Transition
from schemas.commands import COMMAND
from schemas.events import InputEvent, InputTopic
from schemas.usage import UsageEvent
from streams.detection.config import DAY_MS, HOUR_MS, DetectionConfig
from streams.detection.engine import Engine
from streams.detection.replay import Replay, replay
from streams.detection.stall import FLEET_ID

START = 20_000 * DAY_MS
NOON = 12 * HOUR_MS


def command(name: str, day: float, number: int = 1, **fields: Any) -> tuple[int, InputEvent]:
    at = START + int(day * DAY_MS)
    values = {"command_id": f"c-{number}", "account_id": FLEET_ID, "by": "ana", "at": at, "command": name}
    return at, COMMAND.validate_python(values | {"kind": "telemetry_stalled"} | fields)


def lived(*commands: tuple[int, InputEvent], customer: bool = False) -> Replay:
    """Sixty accounts; nothing comes in from day 70 to day 79. There may be a customer who is called fleet."""
    random = Random(1)

    def told() -> Iterator[tuple[int, InputTopic, InputEvent]]:
        for at, each in commands:
            yield at, InputTopic.COMMANDS, each
        for day in [*range(70), *range(80, 84)]:
            for number in range(60):
                if random.random() < 0.9:
                    at = START + day * DAY_MS + NOON + number
                    name = FLEET_ID if customer and not number else f"a-{number}"
                    yield at, InputTopic.USAGE, UsageEvent(account_id=name, event="x", occurred_at=at, quantity=5)

    events = sorted(told(), key=lambda each: each[0])
    return replay(((topic, topic.value, event) for _, topic, event in events), Engine(DetectionConfig()))


def changes(done: Replay) -> list[tuple[Change, float]]:
    return [(each.change, (each.at - START) / DAY_MS) for each in of_fleet(done)]


def of_fleet(done: Replay) -> list[Transition]:
    return [each for each in done.transitions if each.kind is Kind.TELEMETRY_STALLED]


OPENED, RESOLVED = (Change.OPENED, 71 + 1 / 24), (Change.RESOLVED, 81 + 1 / 24)


def test_it_is_acknowledged_once_however_often_the_command_comes() -> None:
    done = lived(command("acknowledge", 72), command("acknowledge", 72.5), command("acknowledge", 73, 2))
    assert changes(done) == [OPENED, (Change.ACKNOWLEDGED, 72), RESOLVED]
    assert [each.revision for each in of_fleet(done)] == [1, 2, 3]
    assert of_fleet(done)[1].by == "ana"
    (refused,) = done.refused
    assert refused.fact.at == START + 73 * DAY_MS, "it is acknowledged already, and that was another command"
    assert FLEET_ID not in done.accounts, "a command makes no account"


def test_a_snoozed_one_wakes_by_itself() -> None:
    until = START + 75 * DAY_MS + NOON
    done = lived(command("snooze", 72, until=until), command("snooze", 77, 2, until=START + 90 * DAY_MS))
    assert changes(done) == [OPENED, (Change.SNOOZED, 72), (Change.WOKEN, 75.5), (Change.SNOOZED, 77), RESOLVED]
    assert not done.refused


def test_it_goes_by_its_id_too_and_what_is_not_there_is_refused() -> None:
    (alert_id,) = {each.alert_id for each in of_fleet(lived())}
    done = lived(
        command("acknowledge", 60),
        command("acknowledge", 72, 2, kind=None, alert_id=alert_id),
        command("unsnooze", 73, 3, kind=None, alert_id="00112233445566aa"),
        command("record_action", 74, 4, action="called", result="offered"),
        command("snooze", 75, 5, kind="usage_drop", until=START + 76 * DAY_MS),
    )
    assert changes(done) == [OPENED, (Change.ACKNOWLEDGED, 72), RESOLVED]
    assert [each.refusal.field for each in done.refused] == ["kind", "alert_id", "command", "kind"]


def test_a_customer_of_that_name_has_commands_of_its_own() -> None:
    done = lived(command("acknowledge", 72), command("acknowledge", 72, 2, kind="usage_silence"), customer=True)
    assert changes(done) == [OPENED, (Change.ACKNOWLEDGED, 72), RESOLVED]
    (refused,) = done.refused
    assert refused.refusal.detail == "the account has no open alert of kind usage_silence"
