"""The live engine over a simulated fleet of counts a day: an event of an account, a day and a source stands for all of
them. So a year of a fleet takes seconds, and everything that days decide is as it is live."""

from collections.abc import Iterator, Mapping
from typing import Final

from schemas.alerts import Transition
from schemas.shuffle import Usage
from streams.detection.config import DAY_MS, HOUR_MS, DetectionConfig
from streams.detection.engine import Engine
from streams.simulator import FleetPlan
from streams.simulator.fleet import DailyCounts
from streams.simulator.world import PRODUCT
from tests.plain import Plain

_MORNING: Final = 8
_HOURS: Final = 10


class Counted:
    """A fleet that has lived through its days; `accounts` are those of the plan. With `apart` False all events are of
    one source."""

    def __init__(
        self, plan: FleetPlan, accounts: tuple[DailyCounts, ...], config: DetectionConfig, *, apart: bool = True
    ) -> None:
        self.plan = plan
        self.accounts = accounts
        self.truths = {each.truth.account_id: each.truth for each in self.accounts}
        self.monitored: dict[str, int] = {}
        """From when on each is judged, ms."""
        plain = Plain(Engine(config))
        self.engine = plain.engine
        for day in range(plan.days):
            for event in self._events(day, apart=apart):
                plain.apply(event)
            for account in plain.accounts.values():
                if account.id not in self.monitored and account.monitored:
                    self.monitored[account.id] = plan.start + day * DAY_MS
        plain.close(plan.end + DAY_MS)
        self.told: Mapping[str, list[Transition]] = plain.told

    @property
    def transitions(self) -> list[Transition]:
        """All of them, those on the fleet among them."""
        return [each for own in self.told.values() for each in own]

    def _events(self, day: int, *, apart: bool) -> Iterator[Usage]:
        start = self.plan.start + day * DAY_MS
        found = []
        for index, account in enumerate(self.accounts):
            at = start + (_MORNING + index % _HOURS) * HOUR_MS + index % HOUR_MS
            for source, counts in account.counts.items():
                if counts[day]:
                    name = source if apart else PRODUCT
                    found.append(Usage(0, at, account.truth.account_id, at, "used", None, counts[day], name, None))
        yield from sorted(found, key=lambda each: each.at)
