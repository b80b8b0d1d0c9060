"""The steps of deploy/Dockerfile lead to a worker, a board and a demo that run as nobody, on a disk that is read-only.

There is no engine in it: dockerfile.py and container.py do what one would.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
import time
import zipfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import yaml
from aiohttp import ClientError, ClientSession

from streams.broker import KafkaBroker
from streams.broker.child import ChildProcess
from streams.broker.ready import free_port
from streams.runtime.settings import Settings
from tests.dockerfile import Build, Image, context
from tests.e2e.container import asked, container, python_for_all, why_not
from tests.e2e.harness import application, eventually

ROOT = Path(__file__).resolve().parents[2]
DEPLOY = ROOT / "deploy"
TOKEN = "a-token-of-the-test"

pytestmark = [pytest.mark.slow, pytest.mark.thorough, pytest.mark.timeout(1_800)]


@pytest.fixture(scope="module")
def home() -> Iterator[Path]:
    """Where the image is: not in /tmp, which a container has to itself, nor in a folder that only root may enter."""
    if not {"CI", "IMAGE"} & os.environ.keys():
        pytest.skip("compiles for minutes: set IMAGE=1 to run the steps of the image")
    if (reason := why_not()) is not None:
        pytest.skip(reason)
    with tempfile.TemporaryDirectory(dir="/var/tmp") as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


@pytest.fixture(scope="module")
def image(home: Path) -> Image:
    """Built once, of what .dockerignore lets through and nothing else."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    sent = context((DEPLOY / "Dockerfile.dockerignore").read_text(), iter(listed.stdout.splitlines()))
    for name in sent:
        if (ROOT / name).is_file():
            (home / "context" / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, home / "context" / name)
    python = python_for_all()
    assert python is not None
    started_at = time.monotonic()
    built = Build((DEPLOY / "Dockerfile").read_text(), home / "context", home, python).image()
    print(f"built in {time.monotonic() - started_at:.0f} s")
    return built


@pytest.fixture
def state(home: Path, image: Image) -> Iterator[Path]:
    """What a container has of the disk to write to: a volume of its own, as the image's user has it."""
    user, group = map(int, image.user.split(":"))
    with tempfile.TemporaryDirectory(dir=home) as folder:
        os.chown(folder, user, group)
        yield Path(folder)


async def ended(process: ChildProcess, *, patience: float = 120.0) -> tuple[int | None, str]:
    """The exit status and the output."""
    try:
        status = await process.wait(patience=patience)
        return status, process.output_tail(10_000)
    finally:
        process.kill()


@asynccontextmanager
async def answering(process: ChildProcess, address: str) -> AsyncIterator[ClientSession]:
    """A container whose page answers; it is gone afterwards."""
    try:
        async with ClientSession() as session:

            async def answers() -> bool:
                assert process.exit_status is None, process.output_tail(50)
                try:
                    async with session.get(address) as response:
                        return response.status == 200
                except ClientError:
                    return False

            await eventually(answers, f"{address} answers", patience=150)
            yield session
    finally:
        process.kill()


def test_the_wheel_has_every_file_of_the_three_packages_and_a_compiled_core(home: Path, image: Image) -> None:
    (wheel,) = (home / "stage-wheel" / "wheel").glob("*.whl")
    names = set(zipfile.ZipFile(wheel).namelist())
    packages = [home / "context" / package for package in ("schemas", "streams", "alerting")]
    sources = {
        str(path.relative_to(home / "context")) for each in packages for path in each.rglob("*") if path.is_file()
    }
    assert sources <= names
    assert any(name.startswith("streams/detection/fold.") and name.endswith(".so") for name in names)


def test_the_last_stage_has_the_environment_and_nothing_of_the_build(image: Image) -> None:
    assert sorted(path.name for path in image.root.iterdir()) == ["etc", "opt"]
    packages = next((image.root / "opt" / "slackwater" / "lib").glob("python*")) / "site-packages"
    found = {path.name for path in packages.iterdir()}
    assert {"streams", "rocksdict", "numpy"} <= found
    assert not {"pip", "setuptools", "mypy", "mypyc", "pytest"} & found


@pytest.mark.parametrize(
    ("command", "says"),
    [
        (("--version",), "slackwater 0.1.0"),
        (("check", "--help"), "Would a worker start here"),
        (("signals",), "usage_silence"),
        (("schema", "asyncapi"), "churn-alerts"),
    ],
)
async def test_commands_run_as_nobody_without_a_broker(
    image: Image, state: Path, tmp_path: Path, command: tuple[str, ...], says: str
) -> None:
    status, output = await ended(container(image, state, tmp_path / "log", *command))
    assert status == 0, output
    assert says in output


async def test_the_worker_runs_is_found_healthy_and_ends_in_time(
    kafka: KafkaBroker, image: Image, state: Path, tmp_path: Path
) -> None:
    app = await application(kafka, tmp_path, create=False, partitions="2", clock="wall", store="rocksdb")
    own = {
        name: value
        for name, value in app.environment.items()
        if name not in {"SLACKWATER_CONFIG", "SLACKWATER_STATE_DIR"}
    }
    port = app.settings.web_port
    health = [word.replace(str(Settings().web_port), str(port)) for word in image.health]
    assert health != image.health
    for command in (("topics", "create"), ("check",)):  # as compose.yaml and the manifests begin
        status, output = await ended(container(image, state, tmp_path / "log", *command, **own))
        assert status == 0, output
    assert (await ended(asked(image, state, tmp_path / "log", health)))[0] != 0, "nobody listens"

    worker = container(image, state, tmp_path / "worker.log", **own)
    async with answering(worker, f"http://127.0.0.1:{port}/readyz") as session:
        async with session.get(f"http://127.0.0.1:{port}/metrics") as response:
            page = await response.text()
        assert "slackwater_exactly_once 1.0" in page
        assert "process_start_time_seconds" in page
        status, output = await ended(asked(image, state, tmp_path / "log", health))
        assert status == 0, output
        asked_at = time.monotonic()
        worker.signal(signal.SIGTERM)
        status = await worker.wait(patience=15)
        took = time.monotonic() - asked_at
        print(f"ended with {status} after {took:.1f} s")
        assert (status, took < 10) == (0, True), worker.output_tail(100)
    assert list(state.rglob("*.sst")) or list(state.rglob("*.log")), "RocksDB is in the volume"


async def test_the_board_serves_its_pages_and_compose_finds_it_healthy(
    kafka: KafkaBroker, image: Image, state: Path, tmp_path: Path, home: Path
) -> None:
    app = await application(kafka, tmp_path, partitions="2")
    secret = home / "board-tokens"
    secret.write_text(f"mara={TOKEN}\n")
    port = free_port()
    own = {
        "SLACKWATER_BROKERS": kafka.address,
        "SLACKWATER_TOPIC_PREFIX": app.settings.topic_prefix,
        "SLACKWATER_BOARD_TOKENS_FILE": str(secret),
        "SLACKWATER_BOARD_PORT": str(port),
    }
    compose = yaml.safe_load((DEPLOY / "compose.yaml").read_text())["services"]["board"]["healthcheck"]["test"]
    health = [word.replace(str(Settings().board_port), str(port)) for word in compose]
    assert health != compose
    address = f"http://127.0.0.1:{port}"
    board = container(image, state, tmp_path / "board.log", "board", **own)
    async with answering(board, f"{address}/healthz") as session:
        async with session.get(f"{address}/login") as response:
            assert "<form" in await response.text()
        async with session.get(f"{address}/board.css") as response:
            assert response.status == 200
        status, output = await ended(asked(image, state, tmp_path / "log", health))
        assert status == 0, output
        board.signal(signal.SIGTERM)
        assert await board.wait(patience=10) == 128 + signal.SIGTERM
    assert TOKEN not in board.output_tail(1_000)


async def test_the_demo_runs_from_the_image(kafka: KafkaBroker, image: Image, state: Path, tmp_path: Path) -> None:
    arguments = ("demo", "--broker", kafka.address, "--accounts", "20", "--days", "60", "--seconds", "5", "--json")
    status, output = await ended(container(image, state, tmp_path / "log", *arguments), patience=300)
    assert status == 0, output
    assert '"median_delay_days"' in output, "the score card"
