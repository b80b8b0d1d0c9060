"""Rows that stand in a history twice."""

from random import Random

import pytest

from schemas.plain_usage import UsageFields
from streams.backtest.reading import USAGE, usage_item
from streams.backtest.repeats import MOST, Repeats, told_of_repeats
from streams.cli.composition import composition, show
from streams.produce.ordering import Item
from streams.runtime.settings import Settings

NOON = 1_740_830_400_000
ONE = UsageFields("a", NOON + 1_000, "view", "u", 1, "product", None)


def repeated(*fields: UsageFields) -> int:
    found = Repeats()
    found.take(usage_item(*each) for each in fields)
    return found.count


def test_an_event_that_is_like_another_is_counted_each_time_it_comes_again() -> None:
    assert repeated(ONE) == 0
    assert repeated(ONE, ONE, ONE) == 2
    assert repeated(ONE, ONE._replace(at=ONE.at + 1), ONE._replace(at=ONE.at + 1)) == 1


@pytest.mark.parametrize(
    "other",
    [
        ONE._replace(account="b"),
        ONE._replace(event="edit"),
        ONE._replace(user=None),
        ONE._replace(quantity=2),
        ONE._replace(source="api"),
        ONE._replace(at=ONE.at + 1),
        ONE._replace(event_id="1"),
    ],
)
def test_what_differs_in_anything_is_another(other: UsageFields) -> None:
    assert repeated(ONE, other) == 0
    assert repeated(ONE, other, ONE) == (other.at == ONE.at)


def test_what_has_an_id_is_told_by_that_and_dates_and_hours_tell_nothing() -> None:
    assert repeated(*[ONE._replace(event_id="1")] * 3) == 0
    assert repeated(*[ONE._replace(at=NOON)] * 3) == 0
    assert repeated(*[ONE._replace(at=NOON + 1_800_000)] * 3) == 0


def test_neither_blocks_nor_homes_change_the_count_and_other_topics_are_passed_over() -> None:
    random = Random(1)
    times = sorted(NOON + 1_000 * random.randrange(1, 300) for _ in range(2_000))
    items: list[Item] = [
        usage_item(random.choice("abc"), at, random.choice("xy"), None, 1, "product", None) for at in times
    ]
    items = [each for item in items for each in (item, (item[0], USAGE + 1, item[2], b"{}"))]
    whole = Repeats()
    whole.take(items)
    different = len({item for item in items if item[1] == USAGE and item[0] % 900_000})
    assert whole.count == sum(item[1] == USAGE and bool(item[0] % 900_000) for item in items) - different
    for size in (1, 7, 500):
        found = Repeats()
        for start in range(0, len(items), size):
            found.take(items[start : start + size])
        assert found.count == whole.count
    homes = [Repeats() for _ in "abc"]
    for account, home in zip("abc", homes, strict=True):
        home.take(item for item in items if item[2] == account)
    assert sum(home.count for home in homes) == whole.count


def test_what_is_remembered_of_an_account_and_a_moment_has_a_bound() -> None:
    found = Repeats()
    found.take(usage_item("a", NOON + 1, "view", f"u{number}", 1, "product", None) for number in range(2 * MOST))
    assert {account: len(own) for account, own in found._seen.items()} == {"a": MOST}


def test_a_moment_that_is_a_whole_day_of_many_accounts_comes_to_the_same_in_one_home_and_in_two() -> None:
    """As where each row has the day's last second."""
    items = [usage_item(f"a{number}", NOON - 1_000, "view", None, 1, "product", None) for number in range(20_000)]
    whole, homes = Repeats(), [Repeats(), Repeats()]
    whole.take(items * 2)
    for number, home in enumerate(homes):
        home.take(items[number::2] * 2)
    assert whole.count == sum(home.count for home in homes) == 20_000


@pytest.mark.parametrize(("count", "total", "told"), [(9, 20, False), (10, 1_001, False), (10, 1_000, True)])
def test_many_are_worth_a_word(count: int, total: int, told: bool) -> None:
    assert (told_of_repeats(count, total, "an id") is not None) == told


def test_check_tells_of_them_and_what_lets_them_count_once(
    capsys: pytest.CaptureFixture[str],
) -> None:
    fields = [ONE._replace(at=ONE.at + 60_000 * (number // 2)) for number in range(200)]
    found = composition(Settings(), fields, 1_000)
    assert found.as_json()["repeated"] == found.repeated > 80
    show(found, "product-usage")
    said = capsys.readouterr().out
    assert f"perhaps counted twice: {found.repeated} of 200 usage events" in said
    assert "an event_id that stays the same lets it count once" in said
    beat = [ONE._replace(event="beat", at=ONE.at + each) for each in range(50)]
    show(composition(Settings(exclude_events=("beat",)), [*fields, *beat], 1_000), "product-usage")
    assert f"{found.repeated} of 200 usage events" in capsys.readouterr().out, "and not of 250"
    assert composition(Settings(exclude_events=("view",)), fields, 1_000).repeated == 0
