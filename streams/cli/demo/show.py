"""What is played: the fleet, and how its days are laid out over a minute."""

from dataclasses import dataclass

from streams.simulator import NEW_SHARES, Change, FleetPlan
from streams.simulator.plan import DAY_MS

LEARNING_DAYS = 40
#: More happens than in a real fleet of this size: four months have to be worth a minute.
SHARES = {
    Change.STOP: 0.08,
    Change.DECAY: 0.05,
    Change.PARTIAL_DROP: 0.05,
    Change.PAYMENT_RECOVERED: 0.04,
    Change.PAYMENT_LOST: 0.03,
    Change.CARD_REPLACED: 0.03,
    Change.CARD_LAPSED: 0.02,
    Change.CANCEL: 0.03,
    Change.CANCEL_REVERTED: 0.02,
    Change.PAUSE: 0.02,
    Change.DOWNGRADE: 0.02,
    Change.FEWER_SEATS: 0.02,
    Change.CORE_STOPS: 0.03,
    Change.PEOPLE_LEAVE: 0.03,
    Change.CHAMPION_LEAVES: 0.03,
    Change.INTENT: 0.02,
    Change.DETRACTOR: 0.02,
    Change.NEVER_BEGINS: 0.03,
}


@dataclass(frozen=True, slots=True)
class Show:
    """What was asked for."""

    broker: str
    accounts: int
    days: int
    seconds: float
    seed: int

    @property
    def plan(self) -> FleetPlan:
        """The fleet."""
        return FleetPlan(self.accounts, self.days, self.seed, shares=SHARES, new_shares=NEW_SHARES)

    def schedule(self, elapsed: int) -> float:
        """Seconds into the show at which an event comes that is `elapsed` milliseconds after the first one.

        The first weeks, in which there is no baseline yet and nothing to see, go by four times as fast.
        """
        span = self.days * DAY_MS
        quiet = min(LEARNING_DAYS * DAY_MS, span)
        unit = self.seconds / (quiet / 4 + span - quiet)
        return unit * (elapsed / 4 if elapsed < quiet else quiet / 4 + elapsed - quiet)
