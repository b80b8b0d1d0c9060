"""What one record holds is dealt out together."""

from __future__ import annotations

from schemas.billing import InvoiceVoided
from schemas.events import InputTopic
from streams.detection.merge import Merge
from streams.detection.origin import Origin

AT = 1_740_830_400_000


def test_events_of_one_record_are_never_parted() -> None:
    """The second of two records with one offset is taken for a repetition."""
    origin = Origin(InputTopic.BILLING, "billing/0", homes=1, home_of=lambda _: 0, out_of_order=0, future_tolerance=0)
    for offset in range(10):
        for number in range(3):
            event = InvoiceVoided(account_id="a", occurred_at=AT, invoice_id=f"{offset}.{number}")
            assert origin.take(offset, event, None) is None
    (records,) = origin.deal(9, caught_up=True, most=4)
    assert [len(record.events) for record in records] == [6, 6, 6, 6, 6]
    merge = Merge(frozenset({"billing/0"}), live=True)
    for number, record in enumerate(records):
        merge.receive(number, record)
    taken = [event for events, _ in merge.due(idle=True) for event in events]
    assert len(taken) == 30
