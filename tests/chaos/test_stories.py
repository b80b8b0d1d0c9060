"""Some of the stories, short and with a fixed seed, so that the harness stays sound. `make chaos` tells all of them."""

from pathlib import Path

import pytest

from tests.chaos.__main__ import every_story
from tests.chaos.harness import tell

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]


@pytest.mark.parametrize(
    "name", ["sigkill", *(pytest.param(name, marks=pytest.mark.thorough) for name in ("joining", "broker_sigkill"))]
)
async def test_a_short_story_ends_with_what_the_pure_engine_says(
    kafka_required: None, tmp_path: Path, name: str
) -> None:
    await tell(every_story()[name], seed=1, scale=0.1, home=tmp_path / name)


def test_every_story_says_what_goes_wrong() -> None:
    for name, story in every_story().items():
        assert story.tell.__module__.endswith(f".{name}")
        assert story.tell.__globals__["__doc__"].strip().split("\n")[0].endswith((".", ":", ","))
