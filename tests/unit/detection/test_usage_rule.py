"""Which events count as usage."""

import pickle

import pytest

from schemas.events import InputTopic
from schemas.usage import UsageEvent
from streams.detection.origin import Origin
from streams.detection.usage_rule import Exclusion, UsageRule

T0 = 1_750_000_000_000


@pytest.mark.parametrize(
    ("event", "user", "excluded"),
    [
        ("report.viewed", "u-1", None),
        ("report.viewed", None, None),
        ("report.viewed", "bot-1", Exclusion.EXCLUDE_USERS),
        ("report.viewed", "a bot-1", None),
        ("report.ping", "u-1", Exclusion.EXCLUDE_EVENTS),
        ("report.ping", "bot-1", Exclusion.EXCLUDE_EVENTS),
        ("reportXviewed", "u-1", Exclusion.INCLUDE_EVENTS),
        ("login", "u-1", Exclusion.INCLUDE_EVENTS),
        ("report.\nlast", "u-1", None),
    ],
)
def test_names_are_taken_whole_and_a_star_is_any_text(event: str, user: str | None, excluded: Exclusion | None) -> None:
    rule = UsageRule(include=["report.*"], exclude=["*.ping"], users=["bot-*"])
    for again in (rule, rule, pickle.loads(pickle.dumps(rule))):
        assert again.excludes(event, user) is excluded


def test_without_names_everything_counts() -> None:
    assert not UsageRule()
    assert UsageRule().excludes("heartbeat", "bot") is None
    assert UsageRule(users=["bot"])


def test_what_does_not_count_goes_nowhere_but_moves_the_clock() -> None:
    rule = UsageRule(exclude=["beat"])
    origin = Origin(
        InputTopic.USAGE, "t/0", homes=1, home_of=lambda _: 0, out_of_order=0, future_tolerance=0, rule=rule
    )
    for offset, event in enumerate(["login", "beat", "beat"]):
        happened = UsageEvent(account_id="a", event=event, occurred_at=T0 + offset)
        assert origin.take(offset, happened, None) is None
    ((record,),) = origin.deal(2, caught_up=False)
    assert [each.event for each in record.events] == ["login"]  # type: ignore[union-attr]
    assert (record.clock, record.last) == (T0 + 2, 2)
    assert origin.excluded == {Exclusion.EXCLUDE_EVENTS: 2}


def test_an_excluded_event_of_the_future_is_refused_like_any() -> None:
    origin = Origin(
        InputTopic.USAGE,
        "t/0",
        homes=1,
        home_of=lambda _: 0,
        out_of_order=0,
        future_tolerance=0,
        rule=UsageRule(exclude=["beat"]),
    )
    assert origin.take(0, UsageEvent(account_id="a", event="beat", occurred_at=T0 + 1), T0) is not None
    assert not origin.excluded


def test_what_tells_of_leaving_counts_whatever_its_name_and_not_whosever() -> None:
    rule = UsageRule(include=["report.*"], exclude=["admin.*"], users=["bot-*"], intent=["admin.export", "cancel"])
    assert rule.excludes("admin.export", "u-1") is rule.excludes("cancel", None) is None
    assert rule.excludes("admin.login", "u-1") is Exclusion.EXCLUDE_EVENTS
    assert rule.excludes("cancel.not", "u-1") is Exclusion.INCLUDE_EVENTS
    assert rule.excludes("cancel", "bot-7") is Exclusion.EXCLUDE_USERS
    assert not UsageRule(intent=["cancel"])
