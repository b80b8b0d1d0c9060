"""What the demo shows when more happens than can be read, and its score card."""

from io import StringIO

from rich.console import Console

from schemas.alerts import AlertState, Change, Kind, Severity, Transition
from streams.cli.demo.card import print_card
from streams.cli.demo.digest import Digest
from streams.simulator import Change as Story
from streams.simulator import FleetPlan
from streams.simulator.score import ScoreCard, Tally


def transition(
    number: int, severity: Severity = Severity.WARNING, change: Change = Change.OPENED, kind: Kind = Kind.USAGE_DROP
) -> Transition:
    at = 1_740_000_000_000 + number
    return Transition(
        alert_id=f"{number:016x}",
        revision=1,
        account_id="a",
        kind=kind,
        change=change,
        state=AlertState.RESOLVED if change is Change.RESOLVED else AlertState.FIRING,
        severity=severity,
        at=at,
        opened_at=at,
        since=at,
        headline="x",
        health=50,
    )


def drained(digest: Digest) -> list[int]:
    taken = []
    while (each := digest.take()) is not None:
        taken.append(int(each.alert_id, 16))
    return taken


def test_what_can_be_read_is_shown_in_its_order() -> None:
    digest = Digest(limit=3)
    for number in (1, 2, 3):
        digest.add(transition(number))
    assert drained(digest) == [1, 2, 3]
    assert digest.left_out == 0


def test_watches_and_kinds_in_shadow_are_never_shown() -> None:
    digest = Digest()
    digest.add(transition(1, Severity.WATCH))
    digest.add(transition(2, kind=Kind.BREADTH_DECLINE))
    assert drained(digest) == []
    assert digest.left_out == 0


def test_resolved_alerts_give_way_first() -> None:
    digest = Digest(limit=2)
    digest.add(transition(1))
    digest.add(transition(2, Severity.CRITICAL, Change.RESOLVED))
    digest.add(transition(3))
    assert drained(digest) == [1, 3]
    assert digest.left_out == 1


def test_among_equals_the_oldest_gives_way() -> None:
    digest = Digest(limit=2)
    for number in (1, 2, 3):
        digest.add(transition(number))
    assert drained(digest) == [2, 3]


def test_the_score_card_shows_every_story_and_the_rate_of_false_alarms() -> None:
    found = Tally(cases=3, found=2, missed=1, delays=(4.0, 8.0), leads=(30.0,))
    card = ScoreCard({Story.STOP: found, Story.CANCEL: Tally(cases=1, found=1)}, 3, 2, 12.0)
    text = StringIO()
    print_card(Console(file=text, width=120, highlight=False), card, FleetPlan())
    shown = [" ".join(line.split()) for line in text.getvalue().splitlines()]
    assert "activity stopped 3 2 1 0 6.0 30.0" in shown
    assert "all declines of activity 3 2 1 0 6.0 30.0" in shown
    assert "cancelled 1 1 0 0" in shown
    assert "False alarms: 3 in 12.0 account-years watched, that is 0.25 per account-year." in shown
    assert "Billing alerts without a reason: 2." in shown
