"""What must never be, and what is looked at to see that it is not."""

import re
import subprocess
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from streams.broker.child import ChildProcess
from tests.secrecy import Secrets

_MOST: Final = 25
_TROUBLE: Final = re.compile(r"Traceback \(most recent call last\)|Unhandled|never retrieved|failed \(\d+ in a row\)")
_AROUND: Final = 6_000


@dataclass(slots=True)
class Findings:
    """What was found, each thing once."""

    by_words: dict[str, str] = field(default_factory=dict)

    def add(self, words: str, more: str = "") -> None:
        """`words` say what it is, and are the same for the same thing; `more` is what did it."""
        if words not in self.by_words and len(self.by_words) < _MOST:
            self.by_words[words] = more
            print(f"FOUND: {words}\n{more}", flush=True)


class Log:
    """A log that grows, read as it does."""

    def __init__(self, path: Path, findings: Findings, secrets: Secrets) -> None:
        self._path, self._findings, self._secrets = path, findings, secrets
        self._read = 0

    def look(self) -> bool:
        """Read on. Whether all is well."""
        with self._path.open("rb") as file:
            file.seek(self._read)
            raw = file.read()
        raw = raw[: raw.rfind(b"\n") + 1]  # of the last line as much as there is may be half of it
        self._read += len(raw)
        text = raw.decode(errors="replace")
        for name in self._secrets.found_in(text):
            lines = [line for line in text.splitlines() if self._secrets.found_in(line)]
            self._findings.add(f"the log {self._path.name} has the secret {name!r}", "\n".join(lines[:3])[:2_000])
        trouble = _TROUBLE.search(text)
        if trouble is None:
            return True
        about = text[max(0, trouble.start() - 300) : trouble.start() + _AROUND]
        self._findings.add(f"the log {self._path.name} says {_last_line(text[trouble.start() :])}", about)
        return False


def _last_line(text: str) -> str:
    """The error at the end of a traceback."""
    lines = text.splitlines()
    for line in lines[1:]:
        if line and not line.startswith((" ", "Traceback", "During", "The above")):
            return line[:200]
    return lines[0][:200]


class Memory:
    """The memory of a process, in MB, as it was and as it is."""

    def __init__(self, process: ChildProcess) -> None:
        self._process = process
        self.first = self.most = self.last = 0.0

    def look(self) -> None:
        """Measure."""
        command = ["ps", "-o", "rss=", "-p", str(self._process.pid)]
        told = subprocess.run(command, check=False, capture_output=True, text=True)
        if told.stdout.strip():
            self.last = int(told.stdout) / 1024
            self.first = self.first or self.last
            self.most = max(self.most, self.last)

    def __str__(self) -> str:
        return f"{self.first:.0f} MB at the start, {self.most:.0f} at most, {self.last:.0f} at the end"


def failures(metrics: Iterable[tuple[str, float]]) -> dict[str, float]:
    """Tasks that have failed."""
    return {name: value for name, value in metrics if name.startswith("slackwater_task_failures_total{") and value}
