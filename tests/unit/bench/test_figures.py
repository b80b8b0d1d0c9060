from io import StringIO
from typing import NoReturn

import pytest
from rich.console import Console

from tests.bench import __main__ as bench
from tests.bench.__main__ import BENCHES, Bench
from tests.bench.contest import PEERS, Outcome, Result
from tests.bench.options import Options
from tests.bench.table import ERRORS, REMARKS, ROWS, Figures, show

ONE = Result(events=1_000, seconds=10.0, cpu=[9.0], broker=2.0)


def test_a_peer_is_compared_by_events_a_second_and_not_by_how_many_it_got() -> None:
    outcome = Outcome({"one": ONE, "idiomatic": Result(events=20, seconds=10.0, cpu=[9.0], broker=1.0)})
    assert outcome.figures("", cores=2, closing=1.0)["to_idiomatic"] == 50


def test_a_peer_that_failed_is_an_error_in_its_row_and_in_no_other() -> None:
    outcome = Outcome({"one": ONE} | dict.fromkeys(PEERS, ONE), {"quix": "it broke"})
    del outcome.results["quix"]
    figures = outcome.figures("many_", cores=2, closing=1.0)
    assert figures[ERRORS] == {"many_to_quix": "it broke"}
    assert {name for name in figures if name.startswith("many_to_")} == {
        f"many_to_{name}" for name in PEERS if name != "quix"
    }


def test_without_a_worker_every_row_says_why() -> None:
    figures = Outcome(dict.fromkeys(PEERS, ONE), {"one": "it ended", "two": "it ended, too"}).figures(
        "", cores=2, closing=1.0
    )
    assert set(figures[ERRORS].values()) == {"it ended"}
    assert len(figures[ERRORS]) == len(PEERS) + 3


def test_what_days_cost_is_a_share_of_all_that_a_worker_computes() -> None:
    figures = Outcome({"one": ONE}).figures("many_", cores=2, closing=0.45)
    assert figures["many_closing"] == pytest.approx(0.05)
    assert figures[REMARKS]["many_closing"] == "450.0 of 9000.0 us of CPU an event"


def test_two_workers_with_cores_of_their_own_are_as_fast_as_the_busier_of_them() -> None:
    two = Result(events=1_000, seconds=8.0, cpu=[5.0, 6.0], broker=4.0)
    figures = Outcome({"one": ONE, "two": two}).figures("", cores=2, closing=1.0)
    assert figures["two_workers_measured"] == pytest.approx(10 / 8)
    assert figures["two_workers_computed"] == pytest.approx(9 / 6)
    assert figures["broker_cpu_share"] == pytest.approx(4 / 16)
    assert "the broker used 25% of 2 cores" in figures[REMARKS]["two_workers_measured"]


def shown(found: dict[str, Figures]) -> list[list[str]]:
    """The cells of the table's rows."""
    output = StringIO()
    show(found, console=Console(file=output, width=200))
    return [
        [cell.strip() for cell in line.strip("│").split("│")] for line in output.getvalue().splitlines() if "│" in line
    ]


def test_the_table_shows_each_figure_beside_what_is_asked() -> None:
    found: dict[str, Figures] = {
        "a": {"to_quix": 6.0, "latency_idle": 0.51, ERRORS: {"to_ceiling": "it broke"}, "other": 1},
        "b": {"tick": 1.4, REMARKS: {"tick": "calm"}},
    }
    assert shown(found) == [
        ["pipeline / Quix Streams' count, 20,000 accounts", "6", "at least 6", "reached", ""],
        ["pipeline / aiokafka + orjson, 20,000 accounts", "", "at least 0.45", "error", "it broke"],
        ["clock tick with nothing due, 200,000 accounts / 2,000", "1.4", "at most 1.5", "reached", "calm"],
        ["payment.failed to transition, p99, idle", "0.51 s", "at most 0.5 s", "missed", ""],
    ]


def test_every_row_that_a_benchmark_promises_stands_in_the_table_and_in_one_benchmark_only() -> None:
    promised = [row for each in BENCHES.values() for row in each.rows]
    assert len(promised) == len(set(promised))
    assert set(promised) <= {row.name for row in ROWS}


def test_a_benchmark_that_fails_does_not_end_the_others(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken(_: Options) -> NoReturn:
        raise RuntimeError("no broker\nand no more")

    benches = {
        "first": Bench(broken, "fails", ["to_quix"]),
        "second": Bench(lambda _: {"tick": 1.0}, "works", ["tick"]),
    }
    monkeypatch.setattr(bench, "BENCHES", benches)
    bench.main([])
    output = capsys.readouterr().out
    assert "RuntimeError: no broker" in output
    assert "and no more" not in output
    assert "reached" in output


def test_what_has_no_time_left_says_so(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(bench, "BENCHES", {"late": Bench(lambda _: {"tick": 1.0}, "works", ["tick"])})
    bench.main(["--within", "-1"])
    assert "no time was left" in capsys.readouterr().out
