"""systemd understands the units to the last word, and finds them confined."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from streams.runtime.stopping import SECONDS
from tests import needs
from tests.unit.deployment.files import DEPLOY, SECRETS, SYSTEMD, UNITS, unit
from tests.unit.deployment.readme import commands

MOST_EXPOSED = 2.0
"""Of 10, by `systemd-analyze security`: what is left is the network, and the host's root to read."""
COMMON = Path("etc/systemd/system/slackwater-.service.d/common.conf")


@pytest.fixture(scope="module")
def analyze() -> str:
    """The path of systemd's own checker. Skips the test where there is none, which CI does not allow."""
    return needs.program("systemd-analyze", "systemd")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A machine's root on which the README's commands have put the units, and something stands for the program."""
    for command in commands("systemd"):
        if command.startswith("install "):
            line = re.sub(r" (?=/etc)", f" {tmp_path}", command)
            subprocess.run(["sh", "-ec", line], cwd=DEPLOY.parent, check=True)
    for name in ("sysinit", "basic", "shutdown", "network-online", "multi-user"):  # what systemd itself brings
        (tmp_path / "etc" / "systemd" / "system" / f"{name}.target").write_text("[Unit]\nDescription=of systemd\n")
    program = tmp_path / "opt" / "slackwater" / "bin" / "slackwater"
    program.parent.mkdir(parents=True)
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    return tmp_path


def verified(analyze: str, root: Path) -> str:
    """What systemd has to say of the units; nothing, when all is well."""
    done = subprocess.run([analyze, f"--root={root}", "verify", *UNITS], capture_output=True, text=True, check=False)
    return done.stdout + done.stderr


def test_systemd_has_nothing_to_say_and_would_say_what_is_wrong(analyze: str, root: Path) -> None:
    assert verified(analyze, root) == ""
    (root / COMMON).write_text((SYSTEMD / "slackwater-.service.d" / "common.conf").read_text() + "ProtectHom=yes\n")
    assert "Unknown key" in verified(analyze, root)


@pytest.mark.parametrize("name", UNITS)
def test_a_unit_is_confined_by_what_all_have_in_common(analyze: str, root: Path, name: str) -> None:
    command = [analyze, f"--root={root}", "--offline=true", f"--threshold={MOST_EXPOSED * 10:g}", "security", name]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
    (root / COMMON).unlink()
    assert subprocess.run(command, capture_output=True, check=False).returncode != 0


@pytest.mark.parametrize("name", UNITS)
def test_a_secret_is_where_systemd_puts_it_and_an_end_has_its_time(name: str) -> None:
    service = unit(name)
    (loaded,) = service["LoadCredential"]
    credential, _, file = loaded.partition(":")
    assert credential == Path(file).name
    assert credential in SECRETS
    assert [each for each in service["Environment"] if each.endswith(f"_FILE=%d/{credential}")]
    assert int(service["TimeoutStopSec"][0]) > SECONDS + 2
    assert ("StateDirectory" in service) == name.startswith("slackwater-worker")
