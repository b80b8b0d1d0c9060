"""The contestants besides slackwater. Each is a process that measures itself, from its first event on (Kafka Streams:
from when it is warm): nobody's start and nobody's joining of the group counts."""

import asyncio
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from itertools import islice
from pathlib import Path

import orjson

from schemas.events import InputTopic
from streams.broker.child import ChildProcess
from streams.broker.jars import find_jars
from streams.produce.record import InputRecord
from streams.produce.sender import send
from streams.runtime import topics
from tests.bench.arena import Arena, BenchError, application, cpu_seconds
from tests.bench.contest import Result
from tests.bench.load import Load

PATIENCE = 180.0
"""Seconds that each has."""
IDIOMATIC_EVENTS = 20_000
QUIX_EVENTS = 200_000
"""They take their time: they count the first so many usage events."""
HERE = Path(__file__).resolve().parent
QUIX_HOME = HERE.parents[1] / ".cache" / "bench-quix"


async def bare(arena: Arena) -> Result:
    """The ceiling: all input topics fetched by aiokafka and read by orjson."""
    settings = application(arena.broker, arena.home, "bare").settings
    inputs = [settings.topic("usage"), settings.topic("billing")]
    return await _run(arena, "bare", [*_module("bare"), arena.broker.address, str(arena.sent.total), *inputs])


async def idiomatic(arena: Arena, load: Load) -> Result:
    """Faust, as its guide has it: the first usage events again, on a topic without markers, since its agent would end
    at the first of them."""
    settings = application(arena.broker, arena.home, "peer", topic_prefix="peer.").settings
    await topics.create(settings, roles=["input"])
    usage = (record for record in load.records() if record.topic is InputTopic.USAGE)
    records: list[InputRecord] = list(islice(usage, IDIOMATIC_EVENTS))
    await send(records, settings, markers=False)
    arguments = [settings.brokers, settings.topic("usage"), str(settings.partitions), str(len(records))]
    return await _run(arena, "idiomatic", [*_module("idiomatic"), *arguments])


async def quix(arena: Arena) -> Result:
    """Quix Streams: a tumbling count with its changelog and RocksDB."""
    python = await asyncio.to_thread(_quix_python)
    usage = application(arena.broker, arena.home, "quix").settings.topic("usage")
    most = min(QUIX_EVENTS, arena.usage)
    directory = arena.home / "quix"
    return await _run(
        arena, "quix", [str(python), str(HERE / "quix.py"), arena.broker.address, usage, str(most), str(directory)]
    )


async def kafka_streams(arena: Arena) -> Result:
    """Kafka Streams: a windowed count with its changelog and RocksDB, one thread; a third of the events warms it up."""
    folder = HERE / "kafka_streams"
    jars = await find_jars(folder)
    usage = application(arena.broker, arena.home, "kafka-streams").settings.topic("usage")
    directory = arena.home / "kafka-streams"
    program = ["java", "-cp", str(jars / "*"), str(folder / "Count.java")]
    counts = [str(arena.usage // 3), str(arena.usage)]
    return await _run(arena, "kafka-streams", [*program, arena.broker.address, usage, *counts, str(directory)])


def _module(name: str) -> list[str]:
    return [sys.executable, "-m", f"tests.bench.{name}"]


async def _run(arena: Arena, name: str, command: Sequence[str]) -> Result:
    """Start a peer and wait for its line of JSON. Raises `BenchError`."""
    broker = cpu_seconds(arena.broker.pid)
    child = ChildProcess(command, output=arena.home / f"{name}.log", environment=os.environ)
    try:
        async with asyncio.timeout(PATIENCE):
            while True:
                ended = child.exit_status is not None
                lines = child.output_tail(25).splitlines()
                if line := next((line for line in lines if line.startswith('{"events"')), None):
                    did = orjson.loads(line)
                    broker = cpu_seconds(arena.broker.pid) - broker
                    return Result(did["events"], did["seconds"], [did["cpu"]], broker)
                if ended:
                    raise BenchError(f"{name} ended before it was done:\n{child.output_tail(25)}")
                await asyncio.sleep(0.2)
    except TimeoutError:
        raise BenchError(f"{name} was not done after {PATIENCE:g} s:\n{child.output_tail(25)}") from None
    finally:
        await child.stop(patience=5.0)


def _quix_python() -> Path:
    """The Python of an environment that has Quix Streams, made at the first time."""
    python, wanted = QUIX_HOME / "bin" / "python", HERE / "quix.txt"
    stamp = QUIX_HOME / "ready"
    if stamp.is_file() and stamp.read_bytes() == wanted.read_bytes():
        return python
    print("installing Quix Streams into .cache (once; half a minute)", flush=True)
    shutil.rmtree(QUIX_HOME, ignore_errors=True)
    options = ["-q", "--disable-pip-version-check", "--no-deps", "--require-hashes"]
    install = ["-m", "pip", "install", *options, "-r", str(wanted)]
    for command in ([sys.executable, "-m", "venv", str(QUIX_HOME)], [str(python), *install]):
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise BenchError(f"Quix Streams could not be installed:\n{done.stderr[-2000:]}")
    shutil.copy(wanted, stamp)
    return python
