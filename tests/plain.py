"""The engine by itself: events one after the other in the order of their places, days closed and deadlines honoured at
their moments. What homes, tasks and workers come to is held against it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from schemas.alerts import Transition
from schemas.shuffle import Fact, Usage
from streams.detection.config import DetectionConfig
from streams.detection.day_sums import DaySums
from streams.detection.engine import Engine
from streams.detection.fleet_log import FleetLog, offer
from streams.detection.results import RefusedCommand
from streams.detection.state import Account, head_of
from streams.detection.statements import is_claim


class Plain:
    """Accounts, what was said of each, and the commands that were refused."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.accounts: dict[str, Account] = {}
        self.told: dict[str, list[Transition]] = {}
        self.refused: list[RefusedCommand] = []

    def apply(self, event: Usage | Fact) -> None:
        """Apply the next event."""
        self.close(event.effective_at)
        if is_claim(event) and event.account not in self.accounts:
            return
        for result in self.engine.apply(self.account(event.account), [event]):
            if isinstance(result, Transition):
                self._tell(result)
            else:
                self.refused.append(result)

    def close(self, now: int) -> None:
        """Let the time go on."""
        engine = self.engine
        if engine.closes_at < 0:
            engine.begin(now)
        while engine.closes_at <= now:
            self._honour(engine.closes_at - 1)
            sums = DaySums()
            for _ in engine.sum_up(sums):
                pass
            engine.learnt.take(engine.learnt.position, offer(0, engine.habits.closed + 1, sums))
            for changed in engine.close_day(self.account):
                if changed is not None:
                    self._tell(*changed[1])
            self._tell(*engine.of_fleet())
        self._honour(now)

    def account(self, name: str) -> Account:
        """An account; a new one if there is none."""
        if name not in self.accounts:
            self.accounts[name] = self.engine.account(name)
        return self.accounts[name]

    def _honour(self, now: int) -> None:
        for account in self.accounts.values():
            while account.due is not None and account.due <= now:
                self._tell(*self.engine.honour(account, account.due))

    def _tell(self, *transitions: Transition) -> None:
        for each in transitions:
            self.told.setdefault(each.account_id, []).append(each)


def in_order(events: Iterable[tuple[int, str, int, Usage | Fact]], engine: Engine, until: int) -> Plain:
    """Apply events with their places, origins and offsets, and let the time go on."""
    plain = Plain(engine)
    for _, origin, _, event in sorted(events, key=lambda each: each[:3]):
        plain.apply(event if isinstance(event, Usage) else event._replace(origin=origin))
    plain.close(until)
    return plain


def newest(fleets: Iterable[bytes], config: DetectionConfig) -> bytes | None:
    """Of what several homes have stored of their fleet, that which has come furthest."""
    return max(fleets, key=lambda each: FleetLog(config, stored=each).decided, default=None)


def settled(
    rows: Mapping[str, bytes], config: DetectionConfig, now: int, fleet: bytes | None = None
) -> dict[str, Account]:
    """Stored accounts as they stand at `now`, to which their partition has come with what it knows of the `fleet`: what
    lies between is no change but of habits."""
    engine = Engine(config, FleetLog(config, stored=fleet))
    for name, row in rows.items():
        engine.habits.unpack(name, head_of(row).habits)
    engine.begin(now)
    for _ in engine.catch_up():
        pass
    return {name: engine.account(name, row) for name, row in rows.items()}
