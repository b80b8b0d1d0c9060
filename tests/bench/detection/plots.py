"""Delay curves: the share of declines that is found within so many days, every method at the same false alarms."""

from collections.abc import Sequence
from pathlib import Path

from tests.bench.detection import packages
from tests.bench.detection.contenders import RULE
from tests.bench.detection.judged import MAIN, Judged
from tests.bench.detection.method import Scale

DAYS = 91
#: Colours that stay apart for those who confuse some (Okabe and Ito), the rule in black.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#8B5A2B", "#777777", "#B8A800")


def plot_delays(told: Sequence[Judged], kind: str, title: str, file: Path) -> None:
    """Draw the curves at the main rate, best first in the legend. The rule, the best method and those that need no
    labels have bands, of 95% of the repetitions. Rules with no threshold to choose are left out: they have another
    rate."""
    packages.use()
    import matplotlib as mpl

    mpl.use("Agg")
    mpl.rcParams["svg.hashsalt"] = title
    from matplotlib import pyplot as plt
    from matplotlib.ticker import PercentFormatter

    figure, axes = plt.subplots(figsize=(9, 5.5), layout="constrained")
    colours = iter(COLOURS)
    equal = [one for one in told if len(one.results) > 1 and kind in one.results[MAIN].curve]
    equal.sort(key=lambda one: -one.results[MAIN].curve[kind][0][:DAYS].mean())
    best = [one for one in equal if not one.contender.told_the_truth][:1]
    for one in equal:
        middle, low, high = one.results[MAIN].curve[kind][:, :DAYS]
        rule = one.contender.name == RULE
        colour = "black" if rule else next(colours)
        realised = one.results[MAIN].realised.middle
        label = f"{one.contender.name} ({realised:.2f} realised)"
        style = "--" if one.contender.told_the_truth else "-"
        axes.plot(range(DAYS), middle, style, color=colour, label=label, linewidth=2.4 if rule else 1.6)
        if rule or one in best or one.contender.scale is Scale.CALIBRATED:
            axes.fill_between(range(DAYS), low, high, color=colour, alpha=0.15, linewidth=0)
    cases = max((one.results[MAIN].cases[kind] for one in equal), default=0)
    axes.set(xlim=(0, DAYS - 1), ylim=(0, 1), xlabel="days since the decline began", ylabel="share found")
    axes.set_title(f"{title}: {cases:,} cases, {MAIN:g} false alarms per account-year asked", loc="left")
    axes.yaxis.set_major_formatter(PercentFormatter(1.0))
    axes.set_xticks(range(0, DAYS, 15))
    axes.grid(alpha=0.25)
    axes.legend(fontsize=8, loc="center left", bbox_to_anchor=(1.0, 0.5), frameon=False)
    for kind_of_file in (file, file.with_suffix(".png")):
        figure.savefig(kind_of_file, dpi=110, metadata={"Date": None} if kind_of_file.suffix == ".svg" else None)
    plt.close(figure)
