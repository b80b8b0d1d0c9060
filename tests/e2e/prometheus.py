"""A real Prometheus that scrapes a worker once a second, with the rules of deploy/prometheus, and answers queries."""

from __future__ import annotations

import asyncio
import json
import math
import shutil
import time
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlencode
from urllib.request import urlopen

import yaml

from schemas.instants import parse_instant
from streams.broker.child import ChildProcess
from streams.broker.ready import free_port

RULES = Path(__file__).parents[2] / "deploy" / "prometheus"
PROGRAM = shutil.which("prometheus")
"""None where there is no Prometheus."""


class Prometheus:
    """`async with Prometheus(home, target) as prometheus`: answers inside. `target` is the worker's `host:port`."""

    def __init__(self, home: Path, target: str) -> None:
        self._home = home
        self._address = f"127.0.0.1:{free_port()}"
        config = yaml.safe_load((RULES / "prometheus.yml").read_text(encoding="utf-8"))
        config["global"] = {"scrape_interval": "1s", "evaluation_interval": "1s"}
        config["rule_files"] = [str(RULES / name) for name in config["rule_files"]]
        config["scrape_configs"][0]["static_configs"][0]["targets"] = [target]
        self._config = home / "prometheus.yml"
        self._config.write_text(yaml.safe_dump(config), encoding="utf-8")
        self._process: ChildProcess | None = None

    async def __aenter__(self) -> Self:
        assert PROGRAM is not None
        self._process = ChildProcess(
            [
                PROGRAM,
                f"--config.file={self._config}",
                f"--storage.tsdb.path={self._home / 'tsdb'}",
                f"--web.listen-address={self._address}",
                "--log.level=warn",
            ],
            output=self._home / "prometheus.log",
        )
        deadline = time.monotonic() + 30
        while True:
            assert self._process.exit_status is None, self.log
            assert time.monotonic() < deadline, self.log
            try:
                self.get("rules")
                return self
            except OSError:
                await asyncio.sleep(0.1)

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._process is not None:
            await self._process.stop(patience=10)

    @property
    def log(self) -> str:
        """What it complains of."""
        assert self._process is not None
        return self._process.output_tail(100)

    def get(self, path: str, **parameters: Any) -> Any:
        """The data of an answer of its API. Raises `OSError` when there is none, or a bad one."""
        question = f"http://{self._address}/api/v1/{path}?{urlencode(parameters)}"
        with urlopen(question, timeout=10) as answer:
            return json.load(answer)["data"]

    def evaluated_at(self) -> float:
        """When all groups of rules had been evaluated last, in seconds."""
        return min(parse_instant(group["lastEvaluation"]) for group in self.get("rules")["groups"]) / 1000

    def values(self, query: str, start: float, end: float) -> list[float]:
        """The numbers that a query gives between two times (seconds), of all of its series."""
        step = max(1.0, (end - start) / 200)
        found = self.get("query_range", query=query, start=start, end=end, step=step)["result"]
        numbers = (float(value) for series in found for _, value in series["values"])
        return [number for number in numbers if not math.isnan(number)]

    def value_at(self, query: str, at: float) -> list[float]:
        """The numbers that a query gives at a time."""
        found = self.get("query", query=query, time=at)["result"]
        return [number for series in found if not math.isnan(number := float(series["value"][1]))]
