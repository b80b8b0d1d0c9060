"""Records of others through a real broker and the real worker; and what was turned away, sent again after a setting
was put right."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from aiokafka import AIOKafkaProducer
from cloudevents.core.bindings.kafka import to_binary_event, to_structured_event
from cloudevents.core.v1.event import CloudEvent

from schemas.alerts import Kind
from schemas.errors import Reason
from streams.broker import Broker
from streams.cli.dead_letters.again import REPLAY_OF
from tests.corpus.foreign import SEGMENT_LIBRARY
from tests.e2e.harness import Application, application
from tests.unit.formats.making import AT, DAY, card, customer, invoice, segment, stripe, subscription

END = (AT + 5 * DAY) * 1000
TIME = datetime(2025, 3, 1, 14, tzinfo=UTC)
Headers = list[tuple[str, bytes]]


async def write(app: Application, topic: str, records: list[tuple[dict[str, Any] | bytes, Headers]]) -> None:
    """Records to partition 0, one after the other."""
    producer = AIOKafkaProducer(bootstrap_servers=app.settings.brokers)
    await producer.start()
    for value, headers in records:
        raw = value if isinstance(value, bytes) else json.dumps(value).encode()
        await producer.send_and_wait(app.settings.topic(topic), raw, b"key", partition=0, headers=headers)
    await producer.stop()


async def go_on(app: Application, home: Path, settle: int = 1) -> None:
    """Markers of so many days after the end, to every partition: by a native file with one event."""
    line = {"account_id": "other", "event": "x", "occurred_at": "2025-03-06T11:59:59Z"}
    file = home / "other.jsonl"
    file.write_text(json.dumps(line))
    await app.slackwater("produce", str(file), "--settle", str(settle))


async def test_segment_stripe_and_cloudevents_are_read_beside_each_other(broker: Broker, tmp_path: Path) -> None:
    app = await application(broker, tmp_path, format_usage="auto", format_billing="stripe", format_accounts="stripe")
    about = {"id": "e-1", "source": "/app", "type": "report.viewed", "datacontenttype": "application/json"}
    data = {"account_id": "acct-1", "user_id": "u-9", "occurred_at": "2025-03-01T13:00:00Z"}
    binary = to_binary_event(CloudEvent(attributes=about, data=data))
    structured = to_structured_event(
        CloudEvent(attributes=about | {"id": "e-2", "time": TIME}, data={**data, "occurred_at": None})
    )
    assert isinstance(binary.value, bytes)
    assert isinstance(structured.value, bytes)
    library: list[tuple[dict[str, Any] | bytes, Headers]] = [
        (line, []) for line in SEGMENT_LIBRARY.read_bytes().splitlines()[:6]
    ]
    again: list[tuple[dict[str, Any] | bytes, Headers]] = [
        (segment(event="Login"), [])
    ] * 2  # the same messageId: it is counted once
    cloudevents = [(each.value, list(each.headers.items())) for each in (binary, structured)]
    await write(app, "usage", [*library, *again, *cloudevents])
    cancelled = stripe(
        "customer.subscription.updated",
        subscription(
            cancel_at_period_end=True, cancellation_details={"feedback": "too_expensive", "comment": "Budget"}
        ),
        {"cancel_at_period_end": False},
        id="evt_2",
        created=AT + DAY,
    )
    unpaid = stripe("invoice.payment_failed", invoice(), id="evt_3", created=AT + DAY + 60)
    begun = stripe("customer.subscription.created", subscription())
    attached = stripe("payment_method.attached", card(metadata={"account_id": "acct-1"}), id="evt_4")
    await write(
        app, "billing", [(each, []) for each in (begun, attached, cancelled, unpaid, stripe("charge.failed", {}))]
    )
    await write(app, "accounts", [(stripe("customer.created", customer()), [])])
    await go_on(app, tmp_path)
    async with app.worker() as worker:
        await app.applied_until(END, worker=worker)
        samples = await worker.metrics()
    assert await app.dead_letters() == []
    picture = (await app.pictures())["acct-1"]
    assert picture.account_name == "Evergreen"
    assert picture.engagement.events_total == 6  # three of the library, the login, the CloudEvents
    assert (picture.billing.plan, picture.billing.mrr_minor, picture.billing.currency) == ("Team", 1000, "USD")
    assert {each.kind for each in picture.alerts} == {Kind.CANCEL_SCHEDULED, Kind.PAYMENT_FAILED}
    assert any("too_expensive" in reason.text for each in picture.alerts for reason in each.reasons)
    ignored = {name: value for name, value in samples.items() if name.startswith("slackwater_events_ignored_total")}
    assert sum(ignored.values()) == 4, ignored


async def test_what_was_turned_away_is_sent_again_once(broker: Broker, tmp_path: Path) -> None:
    app = await application(broker, tmp_path, topic_usage="clicks")
    topic = app.settings.topic("usage")
    messages = [segment(event="Login", messageId=f"m-{number}") for number in range(5)]
    await write(app, "usage", [(each, []) for each in messages])
    await write(app, "usage", [(b'{"account_id": 7}', [])])
    await go_on(app, tmp_path)
    async with app.worker() as worker:
        await app.applied_until(END, worker=worker)
    letters = await app.dead_letters()
    assert [each.reason for each in letters] == [Reason.MISSING_FIELD] * 5 + [Reason.INVALID_FIELD]
    listed = (await app.slackwater("dead-letters", "list")).output
    assert f"{topic}/0/0" in listed
    explained = (await app.slackwater("dead-letters", "explain", f"{topic}/0/5")).output
    assert '"account_id": 7 <-- invalid_field' in explained
    nothing = (await app.slackwater("dead-letters", "replay", "--dry-run")).output
    assert "left out: 6 that would be turned away again" in nothing

    fixed = Application({**app.environment, "SLACKWATER_FORMAT_USAGE": "auto"}, app.settings, app.home)
    refused = await fixed.slackwater("dead-letters", "replay", check=False)
    assert refused.status == 2  # there is no terminal to ask at
    assert "sent 5 records" in (await fixed.slackwater("dead-letters", "replay", "--yes")).output
    again = (await fixed.slackwater("dead-letters", "replay", "--yes")).output
    assert "there is nothing to be sent" in again
    assert "left out: 5 that were sent before" in again
    sent = [record for record in await app.records("usage") if any(name == REPLAY_OF for name, _ in record.headers)]
    assert [json.loads(record.value)["messageId"] for record in sent] == [f"m-{number}" for number in range(5)]
    await go_on(app, tmp_path, settle=3)
    async with fixed.worker(format_usage="auto") as worker:
        await app.applied_until(END + 2 * DAY * 1000, worker=worker)
    assert (await app.pictures())["acct-1"].engagement.events_total == 5
