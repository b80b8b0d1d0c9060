"""Who takes part, in the order of the table."""

from collections.abc import Callable, Sequence

from tests.bench.detection.fleet import Fleet
from tests.bench.detection.method import Contender, Method, Scale
from tests.bench.detection.methods.bgnbd import BgNbd
from tests.bench.detection.methods.cusum import Cusum
from tests.bench.detection.methods.drift import adwin, page_hinkley
from tests.bench.detection.methods.gamma_poisson import GammaPoisson
from tests.bench.detection.methods.oracle import Oracle
from tests.bench.detection.methods.ours import Ours
from tests.bench.detection.methods.ratio import Ratio
from tests.bench.detection.methods.silence import Silence

ADWIN_DELTAS = (0.9, 0.7, 0.5, 0.35, 0.2, 0.1, 0.05)
PAGE_HINKLEY_THRESHOLDS = (11.0, 13.0, 16.0, 20.0, 25.0, 30.0, 40.0, 60.0, 90.0)

#: The rule that the others are held against.
RULE = "silence, tuned"


def _each(make: Callable[[float], Method], settings: Sequence[float]) -> list[Callable[[Fleet], Method]]:
    def one(setting: float) -> Callable[[Fleet], Method]:
        return lambda _: make(setting)

    return [one(setting) for setting in settings]


CONTENDERS = (
    Contender("21 days of silence", Scale.FIXED, lambda _: Silence(21)),
    Contender("half of the usual week", Scale.FIXED, lambda _: Ratio()),
    Contender(RULE, Scale.TUNED, lambda _: Silence()),
    Contender("ADWIN", Scale.GRID, variants=_each(adwin, ADWIN_DELTAS)),
    Contender("Page-Hinkley", Scale.GRID, variants=_each(page_hinkley, PAGE_HINKLEY_THRESHOLDS)),
    Contender("Poisson CUSUM", Scale.TUNED, lambda _: Cusum(dispersed=False)),
    Contender("NB-CUSUM", Scale.TUNED, lambda _: Cusum(dispersed=True)),
    Contender("BG/NBD", Scale.TUNED, lambda _: BgNbd()),
    Contender("gamma-Poisson silence", Scale.TUNED, lambda _: GammaPoisson()),
    Contender("ours", Scale.CALIBRATED, lambda _: Ours(), gated=False),
    Contender("oracle", Scale.TUNED, Oracle, told_the_truth=True),
)
