"""Programs that a test needs and a developer's machine may lack: the test is skipped there, which CI does not allow."""

from __future__ import annotations

import shutil

import pytest


def program(name: str, package: str | None = None) -> str:
    """The program's path. Skips the test where there is none, with the package of Debian and Ubuntu that has it."""
    found = shutil.which(name)
    if found is None:
        pytest.skip(f"needs {name} (Debian and Ubuntu: apt-get install {package or name})")
    return found
