"""What contestants did, and the rows of the table that follow from it."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field

from rich.console import Console
from rich.table import Table

from tests.bench.table import ERRORS, REMARKS, Figures

PEERS = {
    "ceiling": "aiokafka + orjson",
    "idiomatic": "idiomatic Faust",
    "quix": "Quix Streams",
    "kafka_streams": "Kafka Streams",
}
WORKERS = {"one": "slackwater", "two": "slackwater, two workers"}


@dataclass(frozen=True, slots=True)
class Result:
    """What a contestant did: `events` in `seconds` of wall clock, with `cpu` seconds of each of its processes, and what
    the `broker` used of them meanwhile (of a peer with its start)."""

    events: int
    seconds: float
    cpu: Sequence[float]
    broker: float
    memory: int = 0
    """Bytes that the largest process had resident at the end; 0 where nobody asks."""
    topics: dict[str, int] = field(default_factory=dict)
    """Bytes on the broker of what it wrote, by the topics' short names."""

    @property
    def rate(self) -> float:
        """Events a second."""
        return self.events / self.seconds


@dataclass(slots=True)
class Outcome:
    """The contestants by their names in `PEERS` and `WORKERS`; `failures` of those that did not come to an end."""

    results: dict[str, Result] = field(default_factory=dict)
    failures: dict[str, str] = field(default_factory=dict)

    def figures(self, prefix: str, cores: int, closing: float) -> Figures:
        """The rows, with `prefix` before those of the load; for each that has no figure the reason. `closing`: seconds
        of the CPU that closing days takes."""
        found: Figures = {ERRORS: {}, REMARKS: {}}
        for name in PEERS:
            row = f"{prefix}to_{name}"
            if missing := self._missing("one", name):
                found[ERRORS][row] = missing
                continue
            one, peer = self.results["one"], self.results[name]
            found[row] = one.rate / peer.rate
            found[REMARKS][row] = f"{one.rate:,.0f} and {peer.rate:,.0f} events/s"
        if missing := self._missing("one"):
            found[ERRORS][f"{prefix}closing"] = missing
        else:
            one = self.results["one"]
            found[f"{prefix}closing"] = closing / sum(one.cpu)
            of_event, whole = (used / one.events * 1e6 for used in (closing, sum(one.cpu)))
            found[REMARKS][f"{prefix}closing"] = f"{of_event:.1f} of {whole:.1f} us of CPU an event"
        if "two" in self.results or "two" in self.failures:
            self._two_workers(found, cores)
        return found

    def _two_workers(self, found: Figures, cores: int) -> None:
        measured, computed = "two_workers_measured", "two_workers_computed"
        if missing := self._missing("one", "two"):
            found[ERRORS] |= {measured: missing, computed: missing}
            return
        one, two = self.results["one"], self.results["two"]
        found[measured] = two.rate / one.rate
        found["broker_cpu_share"] = share = two.broker / (two.seconds * cores)
        found[REMARKS][measured] = (
            f"the broker used {share:.0%} of {cores} cores, the workers {sum(two.cpu) / (two.seconds * cores):.0%}"
        )
        # With a core each the one that has more to do ends last.
        found[computed] = (sum(one.cpu) / one.events) / (max(two.cpu) / two.events)
        costs = ", ".join(f"{cpu:.1f}" for cpu in two.cpu)
        found[REMARKS][computed] = f"CPU s: {sum(one.cpu):.1f} of one; {costs} of two"

    def _missing(self, *names: str) -> str:
        return next((self.failures.get(name, "not run") for name in names if name not in self.results), "")

    def details(self) -> Figures:
        """What every contestant did, for the file."""
        return {name: {**asdict(result), "events_per_s": result.rate} for name, result in self.results.items()}

    def show(self) -> None:
        """Print it. Times of the CPU are microseconds an event."""
        table = Table("", "events", "seconds", "events/s", "CPU", "broker's CPU", title_justify="left")
        for name, text in (WORKERS | PEERS).items():
            if name in self.results:
                each = self.results[name]
                cpu, broker = (used / each.events * 1e6 for used in (sum(each.cpu), each.broker))
                numbers = (
                    f"{each.events:,}",
                    f"{each.seconds:.2f}",
                    f"{each.rate:,.0f}",
                    f"{cpu:.1f}",
                    f"{broker:.1f}",
                )
                table.add_row(text, *numbers)
            elif name in self.failures:
                table.add_row(text, self.failures[name])
        Console(width=120).print(table)
