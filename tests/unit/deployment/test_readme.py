"""What deploy/README.md and the pages beside it tell the reader to type is there to be typed."""

from __future__ import annotations

import re
import shlex
import stat
import subprocess
from pathlib import Path

import pytest
from typer.testing import CliRunner

from streams.cli import app
from streams.runtime.settings import load_settings
from tests.unit.deployment.files import DEPLOY, ROOT, compose, pods
from tests.unit.deployment.readme import commands

TEXT = (DEPLOY / "README.md").read_text(encoding="utf-8")


def own(page: str) -> set[str]:
    """The commands of slackwater, in blocks and in the text."""
    named = re.findall(r"`(slackwater [^`]+)`", (DEPLOY / page).read_text(encoding="utf-8"))
    return {" ".join(line.split()) for line in [*commands(page=page), *named] if line.startswith("slackwater ")}


PAGES = {page: own(page) for page in ("README.md", "RUNBOOK.md", "SECURITY.md")}


def asked(line: str) -> int:
    """The exit status of a command that is asked for its help: 2 where there is no such command, or no such option."""
    return CliRunner().invoke(app, [*shlex.split(line)[1:], "--help"]).exit_code


def test_each_page_has_some() -> None:
    assert all(PAGES.values())


@pytest.mark.parametrize("line", sorted(set().union(*PAGES.values())))
def test_a_command_of_slackwater_is_one_with_its_options(line: str) -> None:
    assert asked(line) == 0


def test_one_that_there_is_not_would_be_seen() -> None:
    assert {asked(line) for line in ("slackwater topics make", "slackwater reset --plans")} == {2}


def test_every_file_that_is_named_is_there() -> None:
    linked = re.findall(r"\]\(([^)#]+)\)", TEXT)
    typed = [
        word for line in commands() for word in line.split() if word.startswith("deploy/") and "secrets" not in word
    ]
    assert len(linked) > 10
    assert [path for path in linked if not (DEPLOY / path).exists()] == []
    assert [path for path in typed if not list(ROOT.glob(path))] == []


def test_the_secrets_of_compose_are_made_where_it_looks_for_them_and_nobody_else_may_look(tmp_path: Path) -> None:
    (tmp_path / "deploy").mkdir()
    lines = [line for line in commands("Compose") if not line.startswith("docker")]
    subprocess.run(["sh", "-ec", "\n".join(lines)], cwd=tmp_path, check=True)
    for secret in compose()["secrets"].values():
        made = tmp_path / "deploy" / secret["file"]
        assert made.read_text().strip()
        assert stat.S_IMODE(made.stat().st_mode) == 0o444
        assert stat.S_IMODE(made.parent.stat().st_mode) == 0o700


def test_a_key_is_made_as_slackwater_takes_it(tmp_path: Path) -> None:
    lines = commands("What is kept, where, for how long", "SECURITY.md")
    (_, file) = lines[-1].split("SLACKWATER_USER_HASH_KEY_FILE=")
    subprocess.run(["sh", "-ec", "\n".join(lines)], cwd=tmp_path, check=True)
    settings = load_settings({"SLACKWATER_USER_HASH_KEY_FILE": str(tmp_path / file)})
    assert 16 <= len(settings.user_key) <= 64
    assert stat.S_IMODE((tmp_path / file).stat().st_mode) == 0o600


def test_what_is_scaled_and_started_is_there() -> None:
    lines = "\n".join(commands())
    assert set(re.findall(r"--scale (\w+)=", lines)) <= set(compose()["services"])
    assert {f"slackwater-{name}" for name in re.findall(r"deployment slackwater-(\w+)", lines)} <= set(pods())
    units = {unit.partition("@")[0] for unit in re.findall(r"slackwater-(?:worker@\d+|board)", lines)}
    assert units == {"slackwater-worker", "slackwater-board"}
    assert all(list((DEPLOY / "systemd").glob(f"{unit}*.service")) for unit in units)
