"""A pytest plugin: in CI a skipped test is a failure, unless it is named here with its reason."""

from __future__ import annotations

import os
from collections.abc import Generator, Mapping
from typing import Any

import pytest

# Test id (or the beginning of one) -> why it may be skipped in CI. Keep it short.
ALLOWED: Mapping[str, str] = {
    "tests/e2e/test_emulated_slack.py": "npm may not give the Slack that others wrote; ours stands in",
    "tests/e2e/test_image.py": "needs root and namespaces of its own, which the machine may not give",
}


def _may_skip(node_id: str) -> bool:
    return "CI" not in os.environ or any(node_id.startswith(allowed) for allowed in ALLOWED)


def _fail(report: pytest.TestReport | pytest.CollectReport) -> None:
    reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
    report.outcome = "failed"
    report.longrepr = f"{report.nodeid} is skipped, which CI does not allow (tests/no_skips.py). {reason}"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[Any]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    # An expected failure is reported as skipped too, but it did run.
    if report.skipped and not hasattr(report, "wasxfail") and not _may_skip(item.nodeid):
        _fail(report)
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(
    collector: pytest.Collector,
) -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    report = yield
    # A whole module is skipped by `pytest.importorskip` and the like.
    if report.skipped and not _may_skip(collector.nodeid):
        _fail(report)
    return report
