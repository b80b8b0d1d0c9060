"""What can be read of the input topics, and what their times say about clocks."""

from collections.abc import Iterator
from statistics import median
from time import time
from typing import Any, Final

from alerting.words import DAY, HOUR, count, span
from schemas.events import InputTopic
from streams.cli.checks.finding import Finding, Findings
from streams.cli.checks.sample import SECONDS, Sample
from streams.runtime.settings import Settings
from streams.runtime.settings_sources import PREFIX

_RECORDS: Final = Findings("records")
_CLOCKS: Final = Findings("clocks")
_SKEW: Final = 5_000
"""Milliseconds that the clocks of two machines may be apart."""


def late(check: Findings, topic: str, partitions: list[int]) -> Finding:
    """That there are records of a topic, by its end offsets, and none came in time."""
    listed = ", ".join(map(str, partitions))
    text = f"there are records in partition {listed}, and none came within {SECONDS:g} s: nothing is known of them"
    remedy = "run the check again; if it stays so, see how busy the broker is, and whether a quota throttles this user"
    return check.warning(text, remedy, topic, unread=partitions)


def readable(settings: Settings, sample: Sample) -> Iterator[Finding]:
    """How many of the last records hold events, and why the others do not."""
    name, total = settings.topic(sample.topic.value), sample.records
    if not total and sample.unread:
        yield late(_RECORDS, name, sorted(tp.partition for tp in sample.unread))
        return
    if not total:
        yield _RECORDS.ok("no records yet", name, records=0)
        return
    values = _values(sample)
    turned_away = sum(sample.rejected.values())
    if not turned_away:
        left_out = sum(sample.ignored.values())
        text = f"the last {count(total, 'record')} can be read ({sample.form})"
        why = ", ".join(f"{n:,} {each}" for each, n in sample.ignored.most_common())
        yield _RECORDS.ok(f"{text}; {left_out:,} say nothing here: {why}" if left_out else text, name, **values)
        return
    text = f"{turned_away:,} of the last {count(total, 'record')} cannot be read as {sample.form}: {_why(sample)}"
    if turned_away == total:
        yield _RECORDS.failure(f"{text}. All of it would become dead letters", _remedy(sample), name, **values)
    else:
        yield _RECORDS.warning(text, _remedy(sample), name, **values)


def _why(sample: Sample) -> str:
    parts = []
    for reason, n in sample.rejected.most_common():
        example = sample.examples[reason]
        field = f"{example.field} " if example.field else ""
        parts.append(f"{n:,} {reason} (such as {example.place}: {field}{example.detail})")
    return "; ".join(parts)


def _remedy(sample: Sample) -> str:
    better = sample.read_as.most_common(1)
    if better:
        form, n = better[0]
        mixed = sample.read or n < sum(sample.rejected.values())
        setting = f"{PREFIX}FORMAT_{sample.topic.name}"
        return f"{setting}={'auto' if mixed else form} would read {n:,} of them" + (f", as {form}" if mixed else "")
    schema = {InputTopic.USAGE: "product-usage", InputTopic.COMMANDS: "alert-commands"}
    return (
        f"mend the producer (slackwater schema json {schema.get(sample.topic, sample.topic.value)} says what is read), "
        "then send what became dead letters again: slackwater dead-letters replay"
    )


def _values(sample: Sample) -> dict[str, Any]:
    examples = {
        reason.value: {"place": each.place, "field": each.field, "detail": each.detail}
        for reason, each in sample.examples.items()
    }
    return {
        "format": sample.form.value,
        "records": sample.records,
        "read": sample.read,
        "ignored": {each.value: n for each, n in sample.ignored.items()},
        "rejected": {each.value: n for each, n in sample.rejected.items()},
        "examples": examples,
    }


def keys(settings: Settings, sample: Sample, *, compacted: bool) -> Iterator[Finding]:
    """Whether the accounts topic is keyed as compaction needs it."""
    if compacted and sample.other_keys:
        text = f"the key of {sample.other_keys:,} of the last updates is not the account's id: compaction keeps the "
        remedy = "write it with the account's id as the key"
        yield _RECORDS.warning(f"{text}last one of each key, and others are lost", remedy, settings.topic("accounts"))


def clocks(settings: Settings, sample: Sample) -> Iterator[Finding]:
    """What records and events say of clocks: the broker's, or the producers', against this machine's; and events'
    against their records'."""
    name = settings.topic(sample.topic.value)
    ahead = (sample.newest or 0) - int(time() * 1000)
    if sample.newest is not None and ahead > _SKEW:
        whose = "the broker's clock" if sample.from_broker else "the clock of whoever wrote it"
        text = f"its newest record is {ahead / 1000:,.0f} s ahead of this machine: {whose} is fast, or this one's slow"
        yield _CLOCKS.warning(text, "set both by NTP", name, ahead_ms=ahead)
    if not sample.ages or sample.topic is InputTopic.ACCOUNTS:  # an update may say since when something has been so
        return
    middle = int(median(sample.ages))
    if settings.clock == "wall" and middle > DAY + settings.grace:
        text = f"half of its events are {span(middle)} older than their records: they are counted, and not judged"
        remedy = "a backfill? replay history with SLACKWATER_CLOCK=events, or load it by slackwater bootstrap"
        yield _CLOCKS.warning(text, remedy, name, median_age_ms=middle)
    elif middle > HOUR:
        text = f"half of its events are {span(middle)} older than their records: alerts come so much later"
        yield _CLOCKS.warning(text, "see whether the producer could send them sooner", name, median_age_ms=middle)
    elif not ahead > _SKEW:
        yield _CLOCKS.ok(f"events are {_seconds(middle)} older than their records (median)", name, median_age_ms=middle)


def _seconds(milliseconds: int) -> str:
    return f"{milliseconds / 1000:,.1f} s" if milliseconds < HOUR else span(milliseconds)
