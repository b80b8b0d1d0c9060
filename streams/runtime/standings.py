"""Metrics of the home partitions and the stores that this worker has."""

from collections import Counter
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Final, TypeVar

from prometheus_client.core import CounterMetricFamily, Metric

from schemas.picture import Phase
from streams.detection.census import Census
from streams.detection.fleet_log import FleetLog
from streams.detection.home import Home
from streams.detection.outcomes import ANY, Outcome, mean_lead, precision, recall
from streams.runtime.scraped import Scraped
from streams.runtime.stores import TableStore


class Standings(Scraped):
    """`homes` are the home partitions that this worker has, `stores` the tables' stores."""

    def __init__(self, prefix: str) -> None:
        super().__init__(prefix)
        self.homes: dict[int, Home] = {}
        self.stores: list[TableStore] = []

    def collect(self) -> Iterator[Metric]:
        """See prometheus_client."""
        homes = sorted(self.homes.items())
        due, waiting, pictures, used, clock = (self._gauge(name, text, "partition") for name, text in _BY_PARTITION)
        for partition, home in homes:
            label = [str(partition)]
            due.add_metric(label, home.due_accounts)
            waiting.add_metric(label, len(home.merge))
            pictures.add_metric(label, home.unpictured)
            used.add_metric(label, home.room_used)
            if home.clock is not None:
                clock.add_metric(label, home.clock / 1000)
        yield from (due, waiting, pictures, used, clock)
        censuses = [home.census for _, home in homes]
        accounts = _sum(census.accounts for census in censuses)
        phases = {(phase,): accounts[phase] for phase in Phase}
        yield self._counted("accounts", "Accounts.", ["phase"], phases)
        alerts = _sum(census.alerts for census in censuses)
        yield self._counted("alerts_open", "Open alerts.", ["kind", "severity"], alerts)
        active = _sum(census.mrr_active for census in censuses)
        by_currency = {(currency,): amount for currency, amount in active.items()}
        paying = {(currency,): count for currency, count in _sum(census.paying for census in censuses).items()}
        yield self._counted("accounts_paying", "Accounts that pay anything each month.", ["currency"], paying)
        text = "Monthly recurring revenue of accounts that are not lost, in minor units."
        yield self._counted("mrr_active_minor", text, ["currency"], by_currency)
        at_risk = _sum(census.mrr_at_risk for census in censuses)
        text = "Monthly recurring revenue of accounts with an open alert of the kind, in minor units."
        yield self._counted("mrr_at_risk_minor", text, ["currency", "kind"], at_risk)
        yield from self._of_outcomes(censuses)
        size = sum(store.size for store in self.stores)
        yield self._counted("state_bytes", "What the tables take, in memory or on disk.", [], {(): size})

        yield from self._of_fleet(max((home.learnt for _, home in homes), key=lambda each: each.decided, default=None))

    def _of_outcomes(self, censuses: list[Census]) -> Iterator[Metric]:
        """What alerts came to. It is kept with the accounts: counts go where their partition goes."""
        outcomes = _sum(census.outcomes for census in censuses)
        yield self._counter("outcomes", "What alerts came to; kind any: lost accounts.", ["kind", "outcome"], outcomes)
        saved = _sum(census.mrr_saved for census in censuses)
        text = "MRR of accounts that were saved, in minor units."
        yield self._counter("mrr_saved_minor", text, ["currency", "kind"], saved)
        text = "Share of the alerts that came to anything but a false alarm."
        of_precision = self._gauge("alert_precision", text, "kind")
        text = "Share of lost accounts that an alert of the kind came before."
        of_recall = self._gauge("alert_recall", text, "kind")
        of_lead = self._gauge("alert_lead_seconds", "By how much before the decision, in the mean.", "kind")
        leads, hours = _sum(census.leads for census in censuses), _sum(census.lead_hours for census in censuses)
        by_kind = {kind: {each.value: outcomes[kind, each] for each in Outcome} for kind, _ in outcomes}
        for kind, counts in sorted(by_kind.items()):
            precise = precision(counts) if kind != ANY else None
            lead = mean_lead(leads[kind], hours[kind])
            found = (precise, recall(counts, by_kind.get(ANY, {})), None if lead is None else 3_600.0 * lead)
            for gauge, value in zip((of_precision, of_recall, of_lead), found, strict=True):
                if value is not None:
                    gauge.add_metric([kind], value)
        yield from (of_precision, of_recall, of_lead)
        text = "What was done about alerts, by the class of the action and what the alert came to."
        actions = _sum(census.actions for census in censuses)
        yield self._counter("actions", text, ["kind", "action", "outcome"], actions)
        known = self._gauge("loss_reason_known_ratio", "Share of the lost accounts that said why.")
        explained = _sum(census.explained for census in censuses)
        if explained.total():
            known.add_metric([], explained[True] / explained.total())
        yield known

    def _of_fleet(self, learnt: FleetLog | None) -> Iterator[Metric]:
        factor = self._gauge("fleet_factor", "Activity of the last closed day by source, 1 is normal.", "source")
        stalled = self._gauge(
            "telemetry_stalled",
            "1: hardly anything comes in, of all or from a source: nobody who lives on it is judged.",
        )
        known = self._gauge("thresholds_learnt", "Share of the thresholds that are not those of a cold start any more.")
        if learnt is not None and learnt.decided >= 0:
            for source, measured in learnt.measured.items():
                factor.add_metric([source], measured)
            stalled.add_metric([], bool(learnt.stall.stalled))
            known.add_metric([], learnt.thresholds.learnt)
        yield from (factor, stalled, known)

    def _counter(self, name: str, text: str, labels: Sequence[str], counts: Mapping[Any, int]) -> Metric:
        counter = CounterMetricFamily(f"{self._prefix}_{name}", text, labels=labels)
        for values, count in counts.items():
            counter.add_metric([str(value) for value in values], count)
        return counter

    def _counted(self, name: str, text: str, labels: Sequence[str], counts: Mapping[Any, int]) -> Metric:
        gauge = self._gauge(name, text, *labels)
        for values, count in counts.items():
            gauge.add_metric([str(value) for value in values], count)
        return gauge


_Key = TypeVar("_Key", bound=Hashable)
_BY_PARTITION: Final = (
    ("due_queue_accounts", "Accounts in the due queue."),
    ("events_waiting", "Events that wait for their turn."),
    ("pictures_waiting", "Accounts whose picture is to be written yet."),
    ("accounts_room_used_ratio", "Share of the accounts that the partition may have."),
    ("home_clock_seconds", "The time up to which all is applied."),
)


def _sum(counts: Iterable[Counter[_Key]]) -> Counter[_Key]:
    total: Counter[_Key] = Counter()
    for each in counts:
        total.update(each)
    return total
