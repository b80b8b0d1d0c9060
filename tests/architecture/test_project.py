"""What pyproject.toml, constraints.txt and the wheel promise."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
CONSTRAINTS = (ROOT / "constraints.txt").read_text(encoding="utf-8")
ENTRIES = re.findall(r"^([a-z0-9.-]+)==(\S+)((?: \\\n    --hash=sha256:[0-9a-f]{64})*)", CONSTRAINTS, re.MULTILINE)
EXTRAS = PROJECT["optional-dependencies"]
DECLARED = [*PROJECT["dependencies"], *(declared for extra in EXTRAS.values() for declared in extra)]


def test_every_pinned_package_has_hashes() -> None:
    assert len(ENTRIES) > 40
    assert len(ENTRIES) == CONSTRAINTS.count("==")
    assert [name for name, _, hashes in ENTRIES if not hashes] == []


def test_the_constraints_name_no_index_and_no_host() -> None:
    assert re.findall(r"^.*(?:://|--index|--extra-index|--find-links|--trusted).*$", CONSTRAINTS, re.MULTILINE) == []


@pytest.mark.parametrize("declared", DECLARED)
def test_every_dependency_is_pinned_within_its_bounds(declared: str) -> None:
    requirement = Requirement(declared)
    pinned = {name: version for name, version, _ in ENTRIES}
    assert requirement.specifier.contains(pinned[canonicalize_name(requirement.name)])


def test_the_wheel_holds_the_three_packages_typed_and_nothing_else(tmp_path: Path) -> None:
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)],
        cwd=ROOT,
        check=True,
        capture_output=True,
    )
    (wheel,) = tmp_path.glob("*.whl")
    names = zipfile.ZipFile(wheel).namelist()
    assert {name.split("/")[0] for name in names if ".dist-info/" not in name} == {"schemas", "streams", "alerting"}
    assert {"schemas/py.typed", "streams/py.typed", "alerting/py.typed"} <= set(names)
    assert {"streams/board/board.css", "streams/board/templates/base.html"} <= set(names)
    assert any(name.endswith("licenses/LICENSE") for name in names)
