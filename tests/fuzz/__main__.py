"""`python -m tests.fuzz`: see `make help` and tests/fuzz/__init__.py."""

import argparse
import asyncio
import logging
import shutil
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from random import SystemRandom

from streams.broker.jars import kafka_unavailable
from tests.fuzz.running import fuzz

KEPT = Path(".cache") / "fuzz"


def main(arguments: Sequence[str] | None = None) -> int:
    """Fuzz as the arguments say. Gives the exit status: 1 when something was found."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description="Records and requests of every kind.")
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--seed", type=int, help="drawn by default")
    parser.add_argument("--rate", type=float, default=250.0, help="records a second")
    chosen = parser.parse_args(arguments)
    if reason := kafka_unavailable():
        print(f"a real Kafka is needed: {reason}")
        return 2
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)  # what a broker refuses is no news here
    seed = SystemRandom().randrange(1, 100_000) if chosen.seed is None else chosen.seed
    print(f"seed {seed}, {chosen.minutes:g} minutes", flush=True)
    home = (KEPT / f"{seed}-{time.strftime('%H%M%S')}").absolute()
    findings = asyncio.run(fuzz(number=seed, minutes=chosen.minutes, rate=chosen.rate, home=home))
    if not findings.by_words:
        shutil.rmtree(home)
        print(f"seed {seed}: nothing found")
        return 0
    print(f"seed {seed}: {len(findings.by_words)} findings; logs and suspects in {home}")
    for words in findings.by_words:
        print(f"  {words}")
    return 1


if __name__ == "__main__":
    sys.exit(main())
