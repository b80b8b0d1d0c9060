"""Tests of what Prometheus and Grafana are given."""

from __future__ import annotations

import pytest

from tests import needs


@pytest.fixture(scope="session")
def promtool() -> str:
    """The path of Prometheus's own checker. Skips the test where there is none, which CI does not allow."""
    return needs.program("promtool", "prometheus")
