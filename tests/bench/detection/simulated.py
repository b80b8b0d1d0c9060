"""Simulated fleets for the bench, drawn once and kept in .cache."""

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

import streams.simulator
from streams.simulator import Change, FleetPlan, daily_counts
from streams.simulator.plan import DAY_MS
from streams.simulator.world import PRODUCT, SECOND
from tests.bench.detection.arrays import NEVER
from tests.bench.detection.fleet import Fleet, monitored_from

CACHE = Path(__file__).resolve().parents[3] / ".cache" / "bench-detection"

#: Rates from 0.03 to over 100 events a day, most of them small: the accounts on which detection is hard.
MIXED = FleetPlan(
    accounts=4000,
    days=730,
    rate_median=0.65,
    rate_sigma=2.0,
    rate_min=0.03,
    rate_max=150.0,
    newcomers=0.2,
    holidays=True,
    first_change_day=150,
    last_change_day=640,
    shares={Change.STOP: 0.15, Change.DECAY: 0.1, Change.PARTIAL_DROP: 0.1},
    decay_half_life=(15.0, 20.0),
    drop_level=(0.25, 0.2),
    decides_after=(90.0, 90.0),
)
#: An account is judged once it has had so many active days, and not before so many days of age.
ACTIVE_DAYS, AGE = 5, 30


def simulated(name: str, plan: FleetPlan, event: str | None = None) -> Fleet:
    """The fleet of a plan; with `event` only the events of this name are counted."""
    file = CACHE / f"fleet-{_digest(plan, event)}.npz"
    if not file.is_file():
        _draw(plan, event, file)
    with np.load(file) as drawn:
        counts, expected, size, kinds = (drawn[key] for key in ("counts", "expected", "size", "kind"))
        change = drawn["change"]
    return Fleet(
        name=name,
        counts=counts,
        first_weekday=(plan.start // DAY_MS + 3) % 7,
        monitored=monitored_from(counts, ACTIVE_DAYS, None, AGE),
        change_day=change,
        kind=[str(kind) for kind in kinds],
        expected=expected,
        size=size,
    )


def joined(fleets: Sequence[Fleet]) -> Fleet:
    """Several fleets of the same days as one, for the exam; methods are run on each apart."""
    return replace(
        fleets[0],
        counts=np.concatenate([fleet.counts for fleet in fleets], axis=1),
        monitored=np.concatenate([fleet.monitored for fleet in fleets]),
        change_day=np.concatenate([fleet.change_day for fleet in fleets]),
        kind=[kind for fleet in fleets for kind in fleet.kind],
        expected=None,
        size=None,
    )


def _digest(plan: FleetPlan, event: str | None) -> str:
    """Of the plan and of the simulator's code: a change of either draws anew."""
    digest = hashlib.sha256(f"1 {plan!r} {event}".encode())
    for file in sorted(Path(streams.simulator.__file__).parent.glob("*.py")):
        digest.update(file.read_bytes())
    return digest.hexdigest()[:20]


def _draw(plan: FleetPlan, event: str | None, file: Path) -> None:
    names = (PRODUCT, SECOND) if plan.world.second_product else (PRODUCT,)
    counts = np.zeros((len(names), plan.accounts, plan.days), dtype=np.int32)
    expected = np.zeros(counts.shape, dtype=np.float32)
    size, kinds, change = np.zeros(plan.accounts), [], np.full(plan.accounts, NEVER)
    for index, account in enumerate(daily_counts(plan, event)):
        truth = account.truth
        for source, name in enumerate(names):
            if name in account.counts:
                counts[source, index] = account.counts[name]
                expected[source, index] = account.expected[name]
        size[index] = 1 / truth.dispersion
        changed_at, kind = truth.changed_at, truth.change.value
        if truth.second_stopped_at is not None:
            changed_at, kind = truth.second_stopped_at, "second_stop"
        kinds.append(kind)
        if changed_at is not None:
            change[index] = (changed_at - plan.start) // DAY_MS
    CACHE.mkdir(parents=True, exist_ok=True)
    partial = file.with_suffix(".part.npz")
    np.savez(partial, counts=counts, expected=expected, size=size, kind=np.array(kinds), change=change)
    partial.rename(file)
