"""BG/NBD (Fader, Hardie and Lee 2005): the probability that a customer with this history is still one.

The fit maximises the same likelihood as lifetimes 0.11.3, the last release (its successors are a beta and a Bayesian
package with a sampler); tests/e2e/test_bench_detection.py holds the two against each other.
"""

import numpy as np

from tests.bench.detection import packages
from tests.bench.detection.arrays import Counts, Mask, Scores
from tests.bench.detection.method import Setting
from tests.bench.detection.methods.weekdays import started

#: The first day of a fit on the fleet, days from one to the next, and how many accounts are enough for one.
FIRST_FIT, REFIT, ENOUGH = 30, 60, 3000
PUBLISHED = (0.243, 4.414, 0.793, 2.426)  # r, alpha, a, b of the paper, in weeks; a start for the first fit

Parameters = tuple[float, float, float, float]


def log_alive_odds(parameters: Parameters, repeats: Scores, recency: Scores, age: Scores) -> Scores:
    """log((1 - P) / P) of being alive: `repeats` purchases after the first, the last of them `recency` after it, and
    now `age` after it. -inf for those with no repeat, whom the model has alive."""
    r, alpha, a, b = parameters
    with np.errstate(divide="ignore"):
        odds = np.log(a / (b + np.maximum(repeats, 1) - 1)) + (r + repeats) * np.log((alpha + age) / (alpha + recency))
    return np.where(repeats > 0, odds, -np.inf)


def fit(repeats: Scores, recency: Scores, age: Scores, start: Parameters) -> Parameters:
    """The most likely r, alpha, a, b (alpha in the unit of the times)."""
    packages.use()
    from scipy.optimize import minimize
    from scipy.special import gammaln

    again = repeats > 0

    def loss(logs: Scores) -> float:
        r, alpha, a, b = np.exp(logs)
        first = gammaln(r + repeats) - gammaln(r) + r * np.log(alpha)
        second = gammaln(a + b) + gammaln(b + repeats) - gammaln(b) - gammaln(a + b + repeats)
        alive = -(r + repeats) * np.log(alpha + age)
        gone = np.log(a) - np.log(b + np.maximum(repeats, 1) - 1) - (r + repeats) * np.log(alpha + recency)
        both = np.where(again, np.logaddexp(alive, gone), alive)
        return -float(np.mean(first + second + both))

    bounds = [(-7.0, 12.0)] * 4
    best = minimize(loss, np.log(start), method="L-BFGS-B", bounds=bounds)
    r, alpha, a, b = np.exp(best.x).tolist()
    return r, alpha, a, b


class BgNbd:
    """A purchase is an active day. The score is the logarithm of the odds of having left."""

    def begin(self, setting: Setting) -> None:
        self._number = 0
        self._seen = np.zeros(setting.accounts, dtype=bool)
        self._first, self._last, self._repeats = (np.zeros(setting.accounts) for _ in range(3))
        r, alpha, a, b = PUBLISHED
        self._parameters: Parameters = (r, 7 * alpha, a, b)
        self._fitted = False

    def day(self, counts: Counts, monitored: Mask) -> Scores:
        active = counts.any(axis=0)
        self._repeats += active & self._seen
        self._first = np.where(active & ~self._seen, self._number, self._first)
        self._last = np.where(active, self._number, self._last)
        self._seen = started(self._seen, counts)
        recency, age = self._last - self._first, self._number - self._first
        if self._number % REFIT == FIRST_FIT and self._seen.any():
            known = np.flatnonzero(self._seen)
            sample = known[:: -(-len(known) // ENOUGH)]
            self._parameters = fit(self._repeats[sample], recency[sample], age[sample], self._parameters)
            self._fitted = True
        self._number += 1
        return np.where(
            self._seen & self._fitted, log_alive_odds(self._parameters, self._repeats, recency, age), -np.inf
        )
