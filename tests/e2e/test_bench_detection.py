"""The detection bench with the peers' own packages: installed at the first need, run, and held against our formulas."""

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import orjson
import pytest

from tests.bench.detection import __main__ as bench
from tests.bench.detection import packages, simulated
from tests.bench.detection.contenders import CONTENDERS, RULE
from tests.bench.detection.method import Contender, run
from tests.bench.detection.methods.bgnbd import PUBLISHED, fit
from tests.bench.detection.real import REAL_SETS

pytestmark = [pytest.mark.slow, pytest.mark.thorough, pytest.mark.timeout(600)]

PEERS = [one for one in CONTENDERS if one.name in ("ADWIN", "Page-Hinkley", "BG/NBD")]


@pytest.fixture(scope="module", autouse=True)
def _packages() -> None:
    packages.use()


@pytest.mark.parametrize("contender", PEERS, ids=lambda one: one.name)
def test_a_peers_score_depends_on_nothing_that_comes_after_it(contender: Contender) -> None:
    fleet = simulated.simulated("test", replace(simulated.MIXED, accounts=60, days=200, last_change_day=160))
    whole = run(contender.makers[0](fleet), fleet)
    assert len(np.unique(whole)) > 1
    for days in (45, 130):
        counts, monitored = fleet.counts[:, :, :days].copy(), fleet.monitored[:, :days].copy()
        cut = replace(fleet, counts=counts, monitored=monitored)
        np.testing.assert_array_equal(run(contender.makers[0](fleet), cut), whole[:, :days])


@pytest.mark.filterwarnings("ignore")
def test_the_fit_of_bg_nbd_is_that_of_lifetimes() -> None:
    from lifetimes import BetaGeoFitter

    file = packages.HOME / "lifetimes" / "datasets" / "cdnow_customers_summary.csv"
    repeats, recency, age = np.loadtxt(file, delimiter=",", skiprows=1, usecols=(1, 2, 3)).T
    theirs = BetaGeoFitter().fit(repeats, recency, age).params_
    ours = fit(repeats, recency, age, (1.0, 1.0, 1.0, 1.0))
    np.testing.assert_allclose(ours, [theirs[name] for name in ("r", "alpha", "a", "b")], rtol=0.01)
    np.testing.assert_allclose(ours, PUBLISHED, rtol=0.01)


def test_the_real_sets_are_those_that_are_described() -> None:
    """From the descriptions that come with the sets: customers, purchases, months."""
    told = {each.name: each.fleet() for each in REAL_SETS}
    assert (told["journey"].accounts, int(told["journey"].counts.sum()), told["journey"].days) == (2469, 155_848, 365)
    assert (told["CDNOW"].accounts, int(told["CDNOW"].counts.sum()), told["CDNOW"].days) == (23_570, 69_659, 546)


def test_the_quick_form_gives_figures_and_plots(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    bench.main(["simulated", "--quick", "--method", "BG/NBD", "--method", "oracle", "--out", str(tmp_path)])
    assert "decay r60" in capsys.readouterr().out
    told = orjson.loads((tmp_path / "figures.json").read_bytes())["simulated"]
    assert set(told) == {RULE, "BG/NBD", "oracle"}
    measures = told["oracle"]["asked"]["0.5"]["measures"]
    assert measures["stop"]["r14"]["low"] <= measures["stop"]["r14"]["middle"] <= measures["stop"]["r14"]["high"] <= 1
    assert (tmp_path / "simulated.svg").stat().st_size > 10_000
    assert sys.path[0] != str(packages.HOME)  # what the project has itself comes first
