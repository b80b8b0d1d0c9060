"""Telling of records that are gone: a line in the log, a metric, and a message to the default route."""

import logging
from hashlib import blake2b
from typing import Final, assert_never

from alerting.notification import Notice
from alerting.routing import DEFAULT
from streams.runtime.metrics import Metrics
from streams.runtime.resume import Loss, What

log = logging.getLogger(__name__)

_AGAIN: Final = (
    "What is still to be had can be sent again: events whose event_id was counted already are not counted twice"
)


def warn(loss: Loss) -> None:
    """Write it to the log."""
    log.error("%s: %s", title(loss), told(loss))


def count(loss: Loss, metrics: Metrics) -> None:
    """Put it on the metrics."""
    metrics.records_lost_total.labels(loss.topic).inc(loss.count)
    if loss.what is What.REPLACED and loss.partition == 0:
        metrics.topic_incarnations_total.labels(loss.topic).inc()


def notice(loss: Loss, *, route: str = DEFAULT, at: int, timezone: str) -> Notice:
    """The message about it; `at` is the time it was found, in ms."""
    return Notice(
        route=route,
        timezone=timezone,
        notice_id=blake2b(repr(loss).encode(), digest_size=8).hexdigest(),
        title=title(loss),
        where=f"{loss.topic}/{loss.partition}",
        text=told(loss),
        advice=_advice(loss),
        at=at,
    )


def title(loss: Loss) -> str:
    """What happened, in two or three words."""
    match loss.what:
        case What.REMOVED:
            return "Records lost"
        case What.REPLACED:
            return "Topic created anew"
        case What.CUT:
            return "Topic cut short"
        case What.FORGOTTEN:
            return "Messages lost"
        case _:
            assert_never(loss.what)


def told(loss: Loss) -> str:
    """What happened, in full."""
    place = f"{loss.topic}/{loss.partition}"
    match loss.what:
        case What.REMOVED:
            records = "1 record" if loss.count == 1 else f"{loss.count} records"
            return (
                f"{records} of {place} ({_range(loss)}) had been removed from the topic before "
                f"slackwater read them. It reads on at offset {loss.start}."
            )
        case What.REPLACED:
            return (
                f"{loss.topic} was deleted and created again. Of the old {place} everything before offset {loss.read} "
                f"had been read; what came after is lost. The new one is read from offset {loss.start} on."
            )
        case What.CUT:
            return (
                f"{place} ends before offset {loss.read}, up to which it had been read: the broker lost its end, or "
                f"the topic was created again. It is read on at offset {loss.start}."
            )
        case What.FORGOTTEN:
            return (
                f"The state of {place} is gone, and with it the messages that were waiting to be sent. Those from "
                f"offset {loss.start} on are sent."
            )
        case _:
            assert_never(loss.what)


def _advice(loss: Loss) -> str:
    match loss.what:
        case What.REMOVED:
            return (
                "Give the topic a longer retention.ms, or find out why it was read so late. Accounts whose events were "
                f"lost are counted too low from here on. {_AGAIN}."
            )
        case What.REPLACED:
            return f"Nothing, if that was meant. {_AGAIN}."
        case What.CUT:
            return f"Look into the broker's log for an unclean leader election or a disk that was lost. {_AGAIN}."
        case What.FORGOTTEN:
            return "Find out who deleted the changelog; the alerts topic still has every alert."
        case _:
            assert_never(loss.what)


def _range(loss: Loss) -> str:
    return f"offset {loss.read}" if loss.count == 1 else f"offsets {loss.read} to {loss.start - 1}"
