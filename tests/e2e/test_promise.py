"""What a broker can promise is said wherever somebody may look: in the log, in `check`, and on a metric."""

from pathlib import Path

from streams.broker import Broker, KafkaBroker
from tests.e2e.harness import application


async def test_exactly_once_or_at_least_once_is_told_at_start_in_check_and_on_a_metric(
    broker: Broker, tmp_path: Path
) -> None:
    exact = isinstance(broker, KafkaBroker)
    app = await application(broker, tmp_path)
    async with app.worker() as worker:
        checked = (await app.slackwater("check")).output
        assert ("promise:   exactly once" in checked) == exact, checked
        assert ("promise:   at least once: this broker has no transactions" in checked) == (not exact), checked
        assert "1 worker: " in checked
        assert "FAILURE" not in checked
        assert (await worker.metrics())["slackwater_exactly_once"] == exact
        assert ("this broker has no transactions" in worker.process.output_tail(50)) == (not exact)
