"""deploy/Dockerfile is sound in hadolint's eyes, and what it installs is what the project asks for, as it is pinned."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from streams.runtime.settings import Settings
from tests.unit.deployment.files import DEPLOY, ROOT, VERSION, dockerfile

HADOLINT = Path(sys.executable).parent / "hadolint"
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
PROJECT = PYPROJECT["project"]
HOOK = PYPROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]["hooks"]["custom"]


def pins(file: Path) -> dict[str, str]:
    """Each package and its version, with its hashes."""
    text = file.read_text(encoding="utf-8")
    return dict(re.findall(r"^([a-z0-9.-]+)(==\S+(?: \\\n    --hash=sha256:[0-9a-f]{64})+)", text, re.MULTILINE))


def names(declared: list[str]) -> set[str]:
    """The packages that requirements name."""
    return {str(canonicalize_name(Requirement(each).name)) for each in declared}


def test_hadolint_has_nothing_to_say_and_would_say_what_is_wrong(tmp_path: Path) -> None:
    text = (DEPLOY / "Dockerfile").read_text(encoding="utf-8")
    wrong = tmp_path / "Dockerfile"
    wrong.write_text(text.replace("USER 10001:10001", "USER root").replace("WORKDIR /src", "WORKDIR src"))
    said = [
        subprocess.run([HADOLINT, file], capture_output=True, text=True, check=False)
        for file in (DEPLOY / "Dockerfile", wrong)
    ]
    assert (said[0].returncode, said[0].stdout) == (0, "")
    assert said[1].returncode != 0
    assert {"DL3000", "DL3002"} <= set(re.findall(r"DL\d+", said[1].stdout))


def test_the_image_says_which_version_it_is_and_where_its_pages_are() -> None:
    said = [rest for name, rest in dockerfile() if name in {"LABEL", "EXPOSE", "HEALTHCHECK"}]
    assert f'org.opencontainers.image.version="{VERSION}"' in said[0]
    assert said[1].split() == [str(Settings().web_port), str(Settings().board_port)]
    assert f"'127.0.0.1', {Settings().web_port}" in said[2]


def test_it_runs_on_a_python_that_the_tests_run_on() -> None:
    images = [rest.partition("=")[2] for name, rest in dockerfile() if name == "ARG"]
    minors = {re.match(r"python:(3\.\d+)-", image)[1] for image in images}  # type: ignore[index]
    assert len(images) == 2
    assert minors == {f"{sys.version_info[0]}.{sys.version_info[1]}"}


@pytest.mark.parametrize("file", ["run.txt", "build.txt"])
def test_what_it_installs_is_what_the_constraints_say_to_the_last_hash(file: str) -> None:
    installed, all_pins = pins(DEPLOY / "image" / file), pins(ROOT / "constraints.txt")
    assert len(installed) >= 15
    assert {name: pin for name, pin in installed.items() if all_pins.get(name) != pin} == {}
    assert "://" not in (DEPLOY / "image" / file).read_text(encoding="utf-8")


def test_it_installs_all_that_a_worker_needs_and_nothing_of_the_developers() -> None:
    installed = set(pins(DEPLOY / "image" / "run.txt"))
    extras = PROJECT["optional-dependencies"]
    assert names(PROJECT["dependencies"]) | names(extras["rocksdb"]) <= installed
    assert not installed & (names(extras["dev"]) - names(PROJECT["dependencies"]) - {"packaging"})


def test_it_builds_with_what_the_build_system_and_the_compiler_ask_for() -> None:
    asked = [*PYPROJECT["build-system"]["requires"], *HOOK["dependencies"]]
    lines = (DEPLOY / "image" / "build.in").read_text(encoding="utf-8").splitlines()
    assert names([line for line in lines if not line.startswith("#")]) == names(asked)
    assert names(asked) <= set(pins(DEPLOY / "image" / "build.txt"))
