"""deploy/compose.yaml is sound in the eyes of dclint, which holds it against the Compose Specification."""

from __future__ import annotations

import subprocess
from pathlib import Path

from tests import needs

COMPOSE = Path(__file__).parents[2] / "deploy" / "compose.yaml"
DCLINT = "dclint@3.1.0"
NOT_OURS = ("require-quotes-in-ports", "service-keys-order", "top-level-properties-order")
"""Matters of taste: what kind of quotes, and which key stands first."""


def test_it_is_sound_and_one_that_is_not_is_seen(tmp_path: Path) -> None:
    needs.program("npm")
    subprocess.run(["npm", "install", "--silent", "--prefix", tmp_path, DCLINT], check=True, timeout=110)
    wrong = tmp_path / "compose.wrong.yaml"
    wrong.write_text(COMPOSE.read_text(encoding="utf-8").replace("stop_grace_period:", "stop_period:"))
    program = [str(tmp_path / "node_modules" / ".bin" / "dclint"), "--max-warnings=0"]
    options = [word for rule in NOT_OURS for word in ("--disable-rule", rule)]
    said = [
        subprocess.run([*program, str(file), *options], capture_output=True, text=True, check=False)
        for file in (COMPOSE, wrong)
    ]
    assert said[0].returncode == 0, said[0].stdout
    assert said[1].returncode != 0
    assert "invalid-schema" in said[1].stdout
