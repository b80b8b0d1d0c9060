"""What `check` says of ids that have to be an account's alias."""

from __future__ import annotations

from collections import Counter

from schemas.events import InputTopic
from schemas.formats.options import Format
from streams.cli.checks import waiting
from streams.cli.checks.finding import Level
from streams.cli.checks.sample import Sample
from streams.runtime.settings import load_settings


def sample(topic: InputTopic, *, read: int, names: tuple[str, ...] = (), **waits: int) -> Sample:
    found = Sample(topic, Format.NATIVE, read=read, named=set(names))
    found.waiting = Counter({f"stripe:{name}": many for name, many in waits.items()})
    return found


def test_a_first_run_without_a_map_is_told_what_to_do() -> None:
    settings = load_settings({})
    read = [
        sample(InputTopic.BILLING, read=7, cus_1=5, cus_2=2),
        sample(InputTopic.ACCOUNTS, read=2, names=("acme", "crm-1")),
    ]
    (found,) = waiting.look(settings, read)
    assert found.level is Level.WARNING
    assert found.text == (
        "7 events of 2 ids that must be an account's alias, and none of them is named by the last 2 account updates: "
        "all of it waits, up to 30 days, and would then be dead letters"
    )
    assert "slackwater accounts import" in found.remedy
    assert "park_ids = []" in found.remedy
    assert (found.subject, found.values) == ("billing", {"events": 7, "ids": 2, "named": 0})


def test_where_some_are_named_it_is_as_it_should_be_and_where_none_waits_there_is_nothing_to_say() -> None:
    settings = load_settings({})
    updates = sample(InputTopic.ACCOUNTS, read=1, names=("acme", "stripe:cus_1"))
    (found,) = waiting.look(settings, [sample(InputTopic.BILLING, read=7, cus_1=5, cus_2=2), updates])
    assert found.level is Level.OK
    assert list(waiting.look(settings, [sample(InputTopic.BILLING, read=7), updates])) == []
