"""Which addresses a process listens at, as the kernel has it (Linux), and which ports answer to whoever knocks."""

import ipaddress
import socket
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Final, NamedTuple

PORTS: Final = range(1, 65_536)
_LISTEN: Final = "0A"
_PATIENCE: Final = 1.0


class Address(NamedTuple):
    """Where somebody listens."""

    host: str
    port: int

    @property
    def is_loopback(self) -> bool:
        """Nobody but this machine can come there."""
        return ipaddress.ip_address(self.host).is_loopback


def listening(*pids: int) -> set[Address]:
    """What these processes listen at, over TCP."""
    own = {inode for pid in pids for inode in _sockets(pid)}
    return {address for inode, address in _all_listening() if inode in own}


def descendants(pid: int) -> set[int]:
    """A process, and all that it has started and those have."""
    found = {pid}
    with suppress(FileNotFoundError):  # it has ended meanwhile
        for children in Path(f"/proc/{pid}/task").glob("*/children"):
            for child in map(int, children.read_text().split()):
                found |= descendants(child)
    return found


def answering(host: str) -> set[int]:
    """Every port of an address of this machine at which a connection is taken: all of them are tried."""
    found = set()
    for port in PORTS:
        with socket.socket() as knocking:
            knocking.settimeout(_PATIENCE)
            # A connection of a port with itself is nobody's answer: the kernel may have chosen just this one.
            if knocking.connect_ex((host, port)) == 0 and knocking.getsockname() != knocking.getpeername():
                found.add(port)
    return found


def own_address() -> str | None:
    """The address under which others reach this machine; None where there is no network. Nothing is sent."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
        try:
            asking.connect(("192.0.2.1", 9))  # an address that documentation has for itself (RFC 5737)
        except OSError:
            return None
        host = str(asking.getsockname()[0])
        return None if ipaddress.ip_address(host).is_loopback else host


def _sockets(pid: int) -> Iterator[str]:
    for entry in Path(f"/proc/{pid}/fd").glob("*"):
        with suppress(OSError):  # closed meanwhile
            target = str(entry.readlink())
            if target.startswith("socket:["):
                yield target.removeprefix("socket:[").removesuffix("]")


def _all_listening() -> Iterator[tuple[str, Address]]:
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        try:
            lines = Path(table).read_text().splitlines()[1:]
        except FileNotFoundError:  # a kernel without IPv6
            continue
        for line in lines:
            _, local, _, state, *more = line.split()
            if state == _LISTEN:
                host, _, port = local.partition(":")
                yield more[5], Address(_readable(host), int(port, 16))


def _readable(host: str) -> str:
    """An address in hexadecimal words, each with its last byte first.

    >>> _readable("0100007F"), _readable("00000000000000000000000001000000")
    ('127.0.0.1', '::1')
    """
    raw = bytes.fromhex(host)
    packed = b"".join(raw[at : at + 4][::-1] for at in range(0, len(raw), 4))
    address = ipaddress.ip_address(packed)
    mapped = getattr(address, "ipv4_mapped", None)
    return str(mapped or address)
