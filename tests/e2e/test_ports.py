"""A port scan: a worker and a board as they come listen at one port each, and only this machine can reach it."""

import asyncio
import os
import socket
import sys
from pathlib import Path

import pytest

from streams.broker import EmbeddedBroker
from streams.broker.child import ChildProcess
from streams.cli.demo.worker import inherited
from streams.runtime.settings import load_settings
from tests.e2e.harness import application, eventually
from tests.e2e.listening import Address, answering, descendants, listening, own_address
from tests.unit.board.kit import TOKEN

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="who listens is read from /proc")


def test_a_scan_finds_who_listens_and_at_which_address() -> None:
    with socket.create_server(("127.0.0.1", 0)) as here, socket.create_server(("0.0.0.0", 0)) as everywhere:
        ports = {each.getsockname()[1] for each in (here, everywhere)}
        own = {each for each in listening(os.getpid()) if each.port in ports}
        assert own == {Address("127.0.0.1", here.getsockname()[1]), Address("0.0.0.0", everywhere.getsockname()[1])}
        assert ports <= answering("127.0.0.1")
        assert answering("127.0.0.2") & ports == {everywhere.getsockname()[1]}


async def test_a_worker_and_a_board_listen_at_one_loopback_port_each(embedded: EmbeddedBroker, tmp_path: Path) -> None:
    app = await application(embedded, tmp_path, clock="wall", board_port="0", board_tokens=f"mara={TOKEN}")
    async with app.worker() as worker, app.command("board") as board:

        async def listens() -> bool:
            assert board.exit_status is None, board.output_tail(20)
            return bool(listening(board.pid))

        await eventually(listens, "the board listens")
        of_worker, of_board = listening(*descendants(worker.process.pid)), listening(*descendants(board.pid))
        assert of_worker == {Address("127.0.0.1", int(worker.address.rpartition(":")[2]))}
        assert [each.host for each in of_board] == ["127.0.0.1"]
        ports = {each.port for each in of_worker | of_board}
        assert ports <= await asyncio.to_thread(answering, "127.0.0.1")
        for other in filter(None, ("127.0.0.2", own_address())):
            assert not ports & await asyncio.to_thread(answering, other), other


def test_by_default_nothing_is_to_be_reached_from_elsewhere() -> None:
    """The scan has ports of its own; these are the ones, and the hosts, that are there without any setting."""
    settings = load_settings({"SLACKWATER_CONFIG": "/dev/null"})
    assert (settings.web_host, settings.web_port) == ("127.0.0.1", 6066)
    assert (settings.board_host, settings.board_port) == ("127.0.0.1", 6067)


async def test_the_demo_its_broker_too_is_to_be_reached_by_this_machine_alone(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "streams", "demo", "--accounts", "20", "--seconds", "10", "--seed", "4"]
    demo = ChildProcess(command, output=tmp_path / "demo.log", environment=inherited())
    found: dict[int, set[Address]] = {}

    async def broker_and_worker_listen() -> bool:
        assert demo.exit_status is None, demo.output_tail(20)
        for pid in descendants(demo.pid):
            found.setdefault(pid, set()).update(listening(pid))
        return sum(map(bool, found.values())) >= 2

    try:
        await eventually(broker_and_worker_listen, "the broker and the worker listen", patience=90)
        for _ in range(20):  # who opens another port a little later is seen, too
            await broker_and_worker_listen()
            await asyncio.sleep(0.1)
    finally:
        await demo.stop(patience=15)
    assert all(each.is_loopback for own in found.values() for each in own), found
