"""The contenders: none sees the future, each starts anew, and the known order of merit comes out."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from streams.simulator import FleetPlan
from tests.bench.detection import simulated as drawn
from tests.bench.detection.contenders import CONTENDERS
from tests.bench.detection.exam import decline_exam
from tests.bench.detection.fleet import Fleet
from tests.bench.detection.judged import MAIN, Judged, judged
from tests.bench.detection.method import Contender, Scale, run
from tests.bench.detection.methods.bgnbd import log_alive_odds

pytestmark = pytest.mark.slow

#: These need packages that are not installed with the project (tests/e2e/test_bench_detection.py).
ELSEWHERE = {"ADWIN", "Page-Hinkley", "BG/NBD"}
HERE = [one for one in CONTENDERS if one.name not in ELSEWHERE]


@pytest.fixture(scope="module")
def fleet_of(tmp_path_factory: pytest.TempPathFactory) -> Callable[[FleetPlan], Fleet]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(drawn, "CACHE", tmp_path_factory.mktemp("fleets"))
        return lambda plan: drawn.simulated("test", plan)


@pytest.fixture(scope="module")
def small(fleet_of: Callable[[FleetPlan], Fleet]) -> Fleet:
    return fleet_of(replace(drawn.MIXED, accounts=60, days=200, last_change_day=160))


@pytest.fixture(scope="module")
def told(fleet_of: Callable[[FleetPlan], Fleet]) -> dict[str, Judged]:
    fleet = fleet_of(replace(drawn.MIXED, accounts=700, seed=3))
    exam = decline_exam(fleet)
    return {one.name: judged(one, [fleet], fleet, exam, 20) for one in HERE}


def cut(fleet: Fleet, days: int) -> Fleet:
    """The first days of a fleet; what comes after them is not there to be seen."""
    expected = None if fleet.expected is None else fleet.expected[:, :, :days]
    return replace(
        fleet, counts=fleet.counts[:, :, :days].copy(), monitored=fleet.monitored[:, :days].copy(), expected=expected
    )


@pytest.mark.parametrize("contender", HERE, ids=lambda one: one.name)
def test_a_score_depends_on_nothing_that_comes_after_it(contender: Contender, small: Fleet) -> None:
    method = contender.makers[0](small)
    whole = run(method, small)
    for days in (1, 45, 130):
        np.testing.assert_array_equal(run(contender.makers[0](small), cut(small, days)), whole[:, :days])
    np.testing.assert_array_equal(run(method, small), whole)  # and it begins anew


@pytest.mark.parametrize("contender", HERE, ids=lambda one: one.name)
def test_a_score_depends_on_what_happened(contender: Contender, small: Fleet) -> None:
    half = replace(small, counts=small.counts // 2)
    assert not np.array_equal(run(contender.makers[0](small), small), run(contender.makers[0](small), half))


def test_the_oracle_finds_more_than_the_rules_at_the_same_rate(told: dict[str, Judged]) -> None:
    oracle, silence = told["oracle"].results[MAIN], told["silence, tuned"].results[MAIN]
    for kind, name, more in (("stop", "r14", 0.2), ("decay", "r60", 0.3), ("partial_drop", "r60", 0.2)):
        assert oracle.measure(kind, name).middle > silence.measure(kind, name).middle + more
    assert oracle.measure("stop", "median").middle < silence.measure("stop", "median").middle


def test_surprise_finds_stops_sooner_than_days_of_silence(told: dict[str, Judged]) -> None:
    surprise, silence = told["gamma-Poisson silence"].results[MAIN], told["silence, tuned"].results[MAIN]
    assert surprise.measure("stop", "r14").middle > silence.measure("stop", "r14").middle + 0.2


def test_fixed_rules_cry_wolf(told: dict[str, Judged]) -> None:
    assert told["21 days of silence"].results[MAIN].realised.low > 0.7
    assert told["half of the usual week"].results[MAIN].realised.low > 4


@pytest.mark.parametrize("asked", [0.2, 0.5, 1.0])
def test_tuned_methods_realise_what_is_asked(told: dict[str, Judged], asked: float) -> None:
    for one in told.values():
        if one.contender.scale is Scale.TUNED and one.contender.name != "Poisson CUSUM":  # a few accounts have it all
            realised = one.results[asked].realised
            assert realised.low - 0.05 < asked < realised.high + 0.05, one.contender.name
            assert realised.middle == pytest.approx(asked, rel=0.35), one.contender.name


def test_false_alarms_are_told_from_the_first_day_on(told: dict[str, Judged]) -> None:
    for one in told.values():
        assert one.by_age["from day 0"] == 0.0, one.contender.name  # nobody is monitored in the first month
        assert one.by_age["from day 365"] > 0
    assert all(one.ungated > 0 for one in told.values())


def test_the_probability_of_being_alive_is_that_of_lifetimes() -> None:
    """By lifetimes 0.11.3, BetaGeoFitter on its CDNOW summary, whose parameters are those of the paper."""
    parameters = (0.24259292827982148, 4.413532265271809, 0.7928859664406578, 2.4257523826257374)
    repeats, recency = np.array([0.0, 1, 2, 10, 30]), np.array([0.0, 30, 20, 38, 5])
    alive = 1 / (1 + np.exp(log_alive_odds(parameters, repeats, recency, np.full(5, 39.0))))
    np.testing.assert_allclose(alive, [1.0, 0.69625697, 0.54301469, 0.91903112, 3.31779048e-19], rtol=1e-6)
