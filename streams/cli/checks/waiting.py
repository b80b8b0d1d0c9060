"""Whether anybody says whose the records are that have to wait for that (`PARK_IDS`)."""

from collections.abc import Iterator, Sequence
from typing import Final

from alerting.words import count, span
from schemas.events import InputTopic
from streams.cli.checks.finding import Finding, Findings
from streams.cli.checks.sample import Sample
from streams.runtime.settings import Settings

_WAITING: Final = Findings("waiting")
_REMEDY: Final = (
    "say whose they are: slackwater accounts import FILE, with a column of aliases; or, where each such id is an "
    "account by itself, set park_ids = [] in slackwater.toml. Either sends on what waits by then"
)


def look(settings: Settings, samples: Sequence[Sample]) -> Iterator[Finding]:
    """Of each topic with ids that are no accounts by themselves. That nobody names any of them is worth a warning: so
    it is on a first run without a map. That some are not named yet is nothing, as they wait."""
    updates = [each for each in samples if each.topic is InputTopic.ACCOUNTS]
    named = {name for each in updates for name in each.named}
    for each in samples:
        if not each.waiting:
            continue
        topic, ids, records = settings.topic(each.topic.value), len(each.waiting), sum(each.waiting.values())
        found = sum(name in named for name in each.waiting)
        values = {"events": records, "ids": ids, "named": found}
        what = f"{count(records, 'event')} of {count(ids, 'id')} that must be an account's alias"
        if found:
            yield _WAITING.ok(f"{what}; {found:,} of these ids are named by the last account updates", topic, **values)
            continue
        seen = sum(update.read for update in updates)
        text = (
            f"{what}, and none of them is named by the last {count(seen, 'account update')}: all of it waits, up to "
            f"{span(settings.park_for)}, and would then be dead letters"
        )
        yield _WAITING.warning(text, _REMEDY, topic, **values)
