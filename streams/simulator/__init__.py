"""A simulated fleet of customer accounts: native events in order of event time, and the truth kept aside.

>>> plan = FleetPlan(accounts=3, days=2, seed=7)
>>> all(event.at < plan.end for event in simulate(plan))
True
>>> [truth.account_id for truth in truths(plan)]
['acct-00001', 'acct-00002', 'acct-00003']
"""

from streams.simulator.event import SimulatedEvent
from streams.simulator.fleet import DailyCounts, daily_counts, simulate, truths
from streams.simulator.plan import NEW_SHARES, Change, FleetPlan
from streams.simulator.truth import Cause, Truth
from streams.simulator.world import Outage, Rename, World

__all__ = [
    "NEW_SHARES",
    "Cause",
    "Change",
    "DailyCounts",
    "FleetPlan",
    "Outage",
    "Rename",
    "SimulatedEvent",
    "Truth",
    "World",
    "daily_counts",
    "simulate",
    "truths",
]
