"""A command that cannot be carried out becomes a dead letter that says so."""

from __future__ import annotations

from faust.types import TP

from schemas.codec import decode
from schemas.commands import Acknowledge
from schemas.dead_letter import DeadLetter, RecordPlace
from schemas.errors import Reason
from schemas.events import InputTopic
from schemas.shuffle import Fact, ShuffleRecord, encode_shuffle
from streams.runtime.engagement import Engagement
from streams.runtime.settings import Settings
from tests.unit.alerting.samples import AT
from tests.unit.runtime.fake_broker import FakeBroker, batch, tasks_on, until

SETTINGS = Settings(brokers="127.0.0.1:1", partitions=1, clock="events")
COMMAND = Acknowledge(command_id="c-1", account_id="acme", alert_id="00112233445566aa", by="mara", at=AT)
PLACE = RecordPlace(topic="alert-commands", partition=2, offset=7)


async def test_a_command_for_an_alert_that_is_not_there_is_a_dead_letter_with_the_command_as_it_was_understood() -> (
    None
):
    broker = FakeBroker()
    tasks, errors = tasks_on(broker, SETTINGS)
    origin = f"{PLACE.topic}/{PLACE.partition}"
    tasks.origins = frozenset({origin})
    fact = Fact(PLACE.offset, AT, "acme", AT, COMMAND, None, origin)
    record = ShuffleRecord(InputTopic.COMMANDS, origin, PLACE.offset, AT + 3_600_000, True, (fact,))

    task = Engagement(TP(SETTINGS.shuffle_topic, 0), tasks)
    task.begin(await task.load({}, 0))
    task.handle(batch(0, [encode_shuffle(record)]))
    topic = SETTINGS.topic("dead_letters")
    await until(lambda: bool(broker.topics[topic]))
    await task.end(patience=5)

    assert errors == []
    (written,) = broker.topics[topic]
    assert written.value is not None
    letter = DeadLetter.model_validate_json(written.value)
    assert (letter.reason, letter.origin, letter.at) == (Reason.IMPOSSIBLE_COMMAND, PLACE, AT)
    assert letter.detail.endswith("; raw is the command as it was understood, the record itself stands at its origin")
    assert decode(InputTopic.COMMANDS, letter.raw) == COMMAND
    assert letter.key is None
    counted = tasks.metrics.registry.get_sample_value
    assert counted("slackwater_dead_letters_total", {"topic": PLACE.topic, "reason": letter.reason.value}) == 1
