"""Figures against peers: `python -m tests.bench [NAME...]`. Without a name all; `--list` names them.

A benchmark that fails is an error in its rows and does not end the others. None is begun later than `--within`.
"""

import argparse
import os
import platform
import subprocess
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from time import monotonic

import orjson

from tests.bench import compiled, decode, live, memory, pipeline, recovery, tick
from tests.bench.options import Options
from tests.bench.table import ERRORS, Figures, show

HISTORY = Path(__file__).with_name("history.jsonl")


def _decode(_: Options) -> None:
    decode.main()


@dataclass(frozen=True, slots=True)
class Bench:
    """What is run, what it says of itself, and the rows of the table that wait for its figures. Its result holds them
    by their names, and may hold more for the file."""

    run: Callable[[Options], Figures | None]
    text: str
    rows: Sequence[str] = ()


BENCHES = {
    "decode": Bench(_decode, "reading a usage event, beside bare JSON"),
    "pipeline": Bench(
        pipeline.run,
        "events/s of the whole with one worker and with two, beside the peers; 20,000 accounts",
        [
            "to_ceiling",
            "to_idiomatic",
            "to_quix",
            "to_kafka_streams",
            "closing",
            "two_workers_measured",
            "two_workers_computed",
        ],
    ),
    "many": Bench(
        pipeline.run_many,
        "the same with one worker and 200,000 accounts",
        ["many_to_ceiling", "many_to_idiomatic", "many_to_quix", "many_to_kafka_streams", "many_closing"],
    ),
    "busy": Bench(
        pipeline.run_busy,
        "what the changelog gets from busy accounts while the worker lags",
        ["changelog_lagging"],
    ),
    "live": Bench(
        live.run,
        "from a failed payment to its alert, idle and at half of the full rate; what the changelog gets then",
        ["latency_idle", "latency_half", "changelog_live"],
    ),
    "recovery": Bench(recovery.run, "from assignment to ready with 200,000 accounts", ["recovery_to_faust"]),
    "memory": Bench(memory.run, "resident memory of 200,000 accounts", ["memory_per_account", "changelog_value"]),
    "tick": Bench(tick.run, "a clock tick with nothing due, with many accounts and with few", ["tick"]),
}


def main(arguments: list[str] | None = None) -> None:
    """Run what the arguments name."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(BENCHES)}; all by default")
    parser.add_argument("--list", action="store_true", help="list the benchmarks and run none")
    parser.add_argument("--events", type=int, help="how many events, where there are events: fewer for a quick look")
    parser.add_argument("--profile", type=Path, metavar="FILE", help="py-spy's profile of the pipeline's worker (.svg)")
    parser.add_argument("--within", type=float, default=25, metavar="MINUTES", help="begin none later (default: 25)")
    parser.add_argument("--out", type=Path, metavar="FILE", help="write the figures there, as JSON")
    parser.add_argument("--history", action="store_true", help=f"append the figures to {HISTORY.name}, a line a run")
    given = parser.parse_args(arguments)
    if unknown := [name for name in given.names if name not in BENCHES]:
        parser.error(f"no benchmark is called {unknown[0]!r}; there are {', '.join(BENCHES)}")
    if given.list:
        for name, bench in BENCHES.items():
            print(f"{name:12s}{bench.text}")
        return
    found = _run(given.names or list(BENCHES), Options(given.events, given.profile), given.within * 60)
    print()
    show(found)
    result = orjson.dumps(
        {**_circumstances(), "events": given.events, "figures": found}, option=orjson.OPT_APPEND_NEWLINE
    )
    if given.out is not None:
        given.out.write_bytes(result)
    if given.history:
        with HISTORY.open("ab") as history:
            history.write(result)


def _run(names: list[str], options: Options, within: float) -> dict[str, Figures]:
    found: dict[str, Figures] = {}
    until = monotonic() + within
    for name in names:
        bench, began = BENCHES[name], monotonic()
        print(f"\n{name}: {bench.text}", flush=True)
        if began > until:
            found[name] = {ERRORS: dict.fromkeys(bench.rows, "no time was left for it")}
            continue
        try:
            if (figures := bench.run(options)) is not None:
                found[name] = figures
        except Exception as error:  # noqa: BLE001 - it is shown, and the others are run
            traceback.print_exc()
            found[name] = {ERRORS: dict.fromkeys(bench.rows, f"{type(error).__name__}: {error}".partition("\n")[0])}
        print(f"({name}: {monotonic() - began:.0f} s)", flush=True)
    return found


def _circumstances() -> dict[str, object]:
    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False)
    return {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "commit": commit.stdout.strip() or None,
        "python": platform.python_version(),
        "machine": platform.machine(),
        "cpus": os.cpu_count(),
        "compiled": compiled.is_there(),
        "load": round(os.getloadavg()[0], 1),
    }


if __name__ == "__main__":
    main()
