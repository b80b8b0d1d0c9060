"""Tests of what Prometheus and Grafana are given."""

from __future__ import annotations

import shutil

import pytest


@pytest.fixture(scope="session")
def promtool() -> str:
    """The path of Prometheus's own checker. Skips the test where there is none, which CI does not allow."""
    found = shutil.which("promtool")
    if found is None:
        pytest.skip("needs promtool, of Prometheus (Debian and Ubuntu: apt-get install prometheus)")
    return found
