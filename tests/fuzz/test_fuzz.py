"""A short fuzz, with a seed of its own. `make fuzz` has the long one."""

from pathlib import Path

import pytest

from tests.fuzz.running import fuzz


@pytest.mark.slow
@pytest.mark.thorough
@pytest.mark.timeout(900)
async def test_twenty_seconds_of_whatever_anybody_can_send_find_nothing(kafka_required: None, tmp_path: Path) -> None:
    findings = await fuzz(number=1, minutes=1 / 3, rate=150.0, home=tmp_path)
    assert findings.by_words == {}
