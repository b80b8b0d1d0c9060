"""An engine with one account, as most tests here want it."""

from __future__ import annotations

import pytest

from streams.detection.config import DetectionConfig
from streams.detection.engine import Engine
from tests.unit.detection.building import Run


@pytest.fixture
def run() -> Run:
    """A new engine and a new account."""
    return Run(Engine(DetectionConfig()))
