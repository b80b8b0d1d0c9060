"""The benchmark's parts that need a broker, with as little as they can be run with. No figure is looked at."""

import pytest

from streams.runtime import topics
from tests.bench import live, peers, workers
from tests.bench.arena import application, arena
from tests.bench.load import Load

pytestmark = pytest.mark.thorough


async def test_contestants_do_the_whole_load_and_say_what_it_took(kafka_required: None) -> None:
    async with arena(Load(events=40_000, accounts=30, days=3)) as found:
        bare = await peers.bare(found)
        one = await workers.measure(found, "one")
    for result in (bare, one):
        assert result.seconds > 0
        assert result.cpu[0] > 0
        assert result.broker >= 0
    assert bare.events == 40_000
    assert 0 < one.events <= 40_000
    assert one.memory > 10 << 20
    assert set(one.topics) == {"shuffle", "changelog", "health", "alerts"}
    assert all(one.topics.values()), one.topics
    assert one.topics["shuffle"] < found.value_bytes


async def test_a_failed_payment_is_timed_twice_on_its_way(kafka_required: None) -> None:
    async with arena(Load(events=100, accounts=5, days=1)) as found:
        app = application(found.broker, found.home, "live", clock="wall", topic_prefix="live.")
        await topics.create(app.settings)
        async with app.worker() as worker, live.probing(app) as prober:
            seen = await live.under_load(found.broker, app, prober, 500.0, worker.process.pid, (3, 0.2), settle=1.0)
    assert len(seen.times.readable) == len(seen.times.dealt) == 3
    assert min(seen.times.dealt) > 0
    assert min(seen.times.readable) > 0
    assert seen.rate > 0
    assert seen.changelog > 0
