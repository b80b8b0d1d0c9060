"""Kafka's jars: brought by Maven once, found in deploy/kafka/target afterwards."""

from __future__ import annotations

import asyncio
import fcntl
import re
import shutil
import subprocess
from functools import cache
from pathlib import Path

from schemas.errors import BrokerError

DEPLOY = Path(__file__).resolve().parents[2] / "deploy" / "kafka"
_JAVA_NEEDED = 17
_MAVEN_PATIENCE = 600


@cache
def kafka_unavailable() -> str | None:
    """Why a real Kafka cannot run here, with what to do about it; None when it can.

    What it looks at (programs on the path, the repository's pom.xml) is taken not to change while a process runs.
    """
    if not (DEPLOY / "pom.xml").is_file():
        return f"{DEPLOY / 'pom.xml'} is not there: run from a clone of the repository, or use an address or `embedded`"
    if shutil.which("java") is None:
        return "no `java` on the path: install Java 17 or later (Debian: default-jre-headless)"
    version = subprocess.run(["java", "-version"], capture_output=True, text=True, check=False).stderr  # noqa: S607
    found = re.search(r'version "(\d+)', version)
    if found is None or int(found[1]) < _JAVA_NEEDED:
        return f"Java {_JAVA_NEEDED} or later is needed, and `java -version` says {version.strip().splitlines()[:1]}"
    if shutil.which("mvn") is None and not _complete(DEPLOY):
        return "no `mvn` on the path to fetch Kafka's jars: install Maven (Debian: maven)"
    return None


async def find_jars(folder: Path = DEPLOY) -> Path:
    """The directory of the jars that the pom.xml in `folder` names, Kafka's if it is not given: filled by Maven when it
    is not there or pom.xml has changed.

    Raises BrokerError with the end of Maven's output.
    """
    return await asyncio.to_thread(_fetch, folder)


def _fetch(folder: Path) -> Path:
    target = folder / "target"
    target.mkdir(exist_ok=True)
    with (target / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # test processes that start together download once
        if not _complete(folder):
            _download(folder)
    return target / "dependency"


def _download(folder: Path) -> None:
    target = folder / "target"
    shutil.rmtree(target / "dependency", ignore_errors=True)
    command = ["mvn", "-B", "-q", "-f", str(folder / "pom.xml"), "dependency:copy-dependencies"]
    try:
        done = subprocess.run(  # noqa: S603
            command, capture_output=True, text=True, check=False, timeout=_MAVEN_PATIENCE
        )
    except subprocess.TimeoutExpired as error:
        raise BrokerError(f"Maven did not bring the jars of {folder} within {_MAVEN_PATIENCE} s") from error
    if done.returncode != 0:
        tail = "\n".join((done.stdout + done.stderr).strip().splitlines()[-15:])
        raise BrokerError(f"Maven could not bring the jars ({' '.join(command)}):\n{tail}")
    (target / "complete").write_bytes((folder / "pom.xml").read_bytes())


def _complete(folder: Path) -> bool:
    stamp = folder / "target" / "complete"
    return stamp.is_file() and stamp.read_bytes() == (folder / "pom.xml").read_bytes()
