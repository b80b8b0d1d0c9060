"""The peers' packages: pinned in peers.txt, installed beside the project's at the first need, never part of it."""

import subprocess
import sys
from pathlib import Path

HOME = Path(__file__).resolve().parents[3] / ".cache" / "bench-detection" / "packages"
WANTED = Path(__file__).with_name("peers.txt")


class PackagesError(Exception):
    """The peers' packages cannot be had; the message says why."""


def use() -> None:
    """Let the peers' packages be imported. What the project has itself is taken from there: it is first on the path.

    Raises PackagesError when they cannot be installed.
    """
    stamp = HOME / "ready"
    if not (stamp.is_file() and stamp.read_bytes() == WANTED.read_bytes()):
        print("installing river, lifetimes, scipy and matplotlib into .cache (once; a minute)", file=sys.stderr)
        options = ["-q", "--disable-pip-version-check", "--no-deps", "--require-hashes", "--upgrade"]
        command = [sys.executable, "-m", "pip", "install", *options, "--target", str(HOME), "-r", str(WANTED)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise PackagesError(f"the peers' packages could not be installed:\n{done.stderr[-2000:]}")
        stamp.write_bytes(WANTED.read_bytes())
    if str(HOME) not in sys.path:
        sys.path.append(str(HOME))
