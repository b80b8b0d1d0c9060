"""The second products of the bench that fall, and from which use moves."""

from dataclasses import replace

import numpy as np

from streams.simulator import World, daily_counts
from streams.simulator.world import PRODUCT, SECOND
from tests.bench.detection.products import plan_of
from tests.bench.detection.retold import FALLS, KEPT, MOVES, retold


def test_a_fall_leaves_the_first_product_and_a_move_the_whole_as_it_was() -> None:
    plan = replace(plan_of(90, 5), rate_median=6.0, world=World(second_product=1.0))
    plain = list(daily_counts(plan))
    told, stories = retold(plan, plain)
    assert {story for story, _ in stories.values()} == {FALLS, MOVES}
    kept = before = 0
    for was, account in zip(plain, told, strict=True):
        if account.truth.account_id not in stories:
            assert account is was
            continue
        story, day = stories[account.truth.account_id]
        one, two = (np.array(account.counts[source]) for source in (PRODUCT, SECOND))
        one_was, two_was = (np.array(was.counts[source]) for source in (PRODUCT, SECOND))
        assert (one[:day] == one_was[:day]).all()
        assert (two[:day] == two_was[:day]).all()
        assert (one == one_was).all() if story == FALLS else (one + two == one_was + two_was).all()
        kept, before = kept + two[day:].sum(), before + two_was[day:].sum()
    assert abs(kept / before - KEPT) < 0.02
