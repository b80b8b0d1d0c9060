"""The rule that CI skips nothing is itself tested: pytest runs on a small suite of its own."""

import pytest

_SUITE = """
import pytest

def test_runs(): pass

@pytest.mark.skip(reason="no moon tonight")
def test_is_marked(): pass

def test_skips_itself(): pytest.skip("no moon tonight")

@pytest.mark.xfail(reason="known")
def test_is_expected_to_fail(): assert False
"""
_QUIET = ("-p", "no:cacheprovider", "-o", "asyncio_default_fixture_loop_scope=function")


@pytest.fixture
def suite(pytester: pytest.Pytester) -> pytest.Pytester:
    pytester.makepyfile(test_suite=_SUITE, test_module="import pytest\npytest.importorskip('no_such_module')")
    pytester.makeconftest("pytest_plugins = ['tests.no_skips']")
    return pytester


def test_skipped_tests_and_modules_fail_in_ci_and_say_why(
    suite: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CI", "1")
    result = suite.runpytest_inprocess("--continue-on-collection-errors", *_QUIET)
    result.assert_outcomes(passed=1, xfailed=1, failed=1, errors=2)
    result.stdout.fnmatch_lines(["*is skipped, which CI does not allow*no moon tonight*"])


def test_elsewhere_they_are_only_skipped(suite: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CI", raising=False)
    suite.runpytest_inprocess(*_QUIET).assert_outcomes(passed=1, xfailed=1, skipped=3)
