"""Whether what came out of a broker is what the pure engine says."""

from collections import defaultdict
from collections.abc import Iterable, Mapping

from schemas.alerts import Transition
from tests.e2e.harness import Application

Key = tuple[str, int, str, str, int, int, str]


def by_account(transitions: Iterable[Transition]) -> dict[str, list[Transition]]:
    """Each account's transitions, in their order."""
    found: dict[str, list[Transition]] = defaultdict(list)
    for each in transitions:
        found[each.account_id].append(each)
    return dict(found)


def key(each: Transition) -> Key:
    """What has to be the same whoever comes to it."""
    return each.alert_id, each.revision, each.kind, each.change, each.at, each.since, each.severity


async def same_as_the_pure_engine(
    app: Application, transitions: Iterable[Transition], totals: Mapping[str, int], *, dead_letters: int = 0
) -> int:
    """Check all that came out: every transition once, in its account's order, and each account's events. Gives the
    number of transitions."""
    expected = by_account(transitions)
    found = by_account(await app.transitions())
    assert {account: [key(each) for each in those] for account, those in found.items()} == {
        account: [key(each) for each in those] for account, those in expected.items()
    }
    assert found == expected  # and so are headlines, reasons, evidence, health and priority
    count = sum(len(those) for those in found.values())
    unique = {(each.alert_id, each.revision) for those in found.values() for each in those}
    assert len(unique) == count
    counted = {account: picture.engagement.events_total for account, picture in (await app.pictures()).items()}
    assert counted == totals
    assert len(await app.dead_letters()) == dead_letters
    return count
