"""Figures against peers: `python -m tests.bench [NAME...]`. Without a name all; `--list` names them."""

import argparse
import os
import platform
import subprocess
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import orjson

from tests.bench import decode, pipeline


def _decode(_: int | None) -> None:
    decode.main()


BENCHES: dict[str, tuple[Callable[[int | None], object], str]] = {
    "decode": (_decode, "reading a usage event, beside bare JSON"),
    "pipeline": (pipeline.run, "events/s of the whole, beside idiomatic Faust and beside bare reading; needs Kafka"),
    "sparse": (pipeline.run_sparse, "the same with accounts that do little"),
}


def main() -> None:
    """Run what the arguments name."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(BENCHES)}; all by default")
    parser.add_argument("--list", action="store_true", help="list the benchmarks and run none")
    parser.add_argument("--events", type=int, help="how many events, where there are events")
    parser.add_argument("--out", type=Path, metavar="FILE", help="write the figures there, as JSON")
    parser.add_argument("--history", type=Path, metavar="FILE", help="append the figures there, a line of JSON a run")
    arguments = parser.parse_args()
    if unknown := [name for name in arguments.names if name not in BENCHES]:
        parser.error(f"no benchmark is called {unknown[0]!r}; there are {', '.join(BENCHES)}")
    if arguments.list:
        for name, (_, text) in BENCHES.items():
            print(f"{name:12s}{text}")
        return
    figures: dict[str, object] = {}
    for name in arguments.names or BENCHES:
        print(f"\n{name}: {BENCHES[name][1]}", flush=True)
        if (found := BENCHES[name][0](arguments.events)) is not None:
            figures[name] = found
    result = orjson.dumps({**_circumstances(), "figures": figures}, option=orjson.OPT_APPEND_NEWLINE)
    if arguments.out is not None:
        arguments.out.write_bytes(result)
    if arguments.history is not None:
        with arguments.history.open("ab") as history:
            history.write(result)


def _circumstances() -> dict[str, object]:
    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False)
    return {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "commit": commit.stdout.strip() or None,
        "python": platform.python_version(),
        "machine": platform.machine(),
        "cpus": os.cpu_count(),
        "load": round(os.getloadavg()[0], 1),
    }


if __name__ == "__main__":
    main()
