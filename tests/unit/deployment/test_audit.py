"""What is said of the packages that an installation holds: all of them, and no more than is known."""

from __future__ import annotations

import doctest
import json
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from deploy import audit, runtime_pins
from deploy.audit import verdict
from deploy.runtime_pins import EXTRAS, requirements
from deploy.sbom import bill

_VIA = re.compile(r"^    #   (\S+)$|^    # via (\S+)$", re.MULTILINE)
ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def text() -> str:
    return bill()


def pinned_for_users() -> set[str]:
    """By the comments in constraints.txt, which say what wants each package."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    wanted = [*project["dependencies"], *(each for name in EXTRAS for each in project["optional-dependencies"][name])]
    wanting: dict[str, set[str]] = {}
    pins: dict[str, str] = {}
    for block in re.split(r"\n(?=[a-z0-9])", (ROOT / "constraints.txt").read_text()):
        name, version = re.match(r"(\S+)==(\S+)", block).groups()  # type: ignore[union-attr]  # every block has them
        pins[name] = version
        wanting[name] = {first or other for first, other in _VIA.findall(block)}
    found: set[str] = {canonicalize_name(Requirement(each).name) for each in wanted}
    while more := {name for name, by in wanting.items() if by & found} - found:
        found |= more
    return {f"{name}=={pins[name]}" for name in found}


def test_the_bill_of_materials_lists_just_what_is_pinned_for_users(text: str) -> None:
    listed: list[dict[str, Any]] = json.loads(text)["components"]
    assert {f"{each['name']}=={each['version']}" for each in listed} == pinned_for_users()
    assert {each["purl"] for each in listed} == {f"pkg:pypi/{each['name']}@{each['version']}" for each in listed}
    assert not {"pytest", "mypy", "pip-audit"} & {each["name"] for each in listed}
    assert all(each.get("licenses") for each in listed)


def test_it_is_what_the_standard_asks_for_names_no_host_and_is_the_same_each_time(text: str) -> None:
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(text) is None
    assert re.findall(r"https?://([^/\"]+)", text) == ["cyclonedx.org"], "the schema's own name alone"
    assert bill() == text


def test_what_is_audited_is_the_same_with_its_hashes() -> None:
    blocks = re.split(r"\n(?=[a-z0-9])", requirements().strip())
    assert {block.split(" ")[0] for block in blocks} == pinned_for_users()
    assert all("--hash=sha256:" in block for block in blocks)


def known(name: str, *found: str) -> dict[str, Any]:
    return {"name": name, "version": "1", "vulns": [{"id": each, "fix_versions": ["2"]} for each in found]}


UNKNOWN = {"name": "foo", "skip_reason": "not found"}


@pytest.mark.parametrize(
    ("packages", "status", "says"),
    [
        ([known("foo"), known("bar")], 0, "2 packages, and no vulnerability is known"),
        ([known("foo", "PYSEC-1"), known("bar")], 1, "foo 1: PYSEC-1, mended in 2"),
        ([UNKNOWN, UNKNOWN], 0, "SKIPPED: the service knows none of 2 packages"),
        ([UNKNOWN, known("bar")], 1, "unknown to the service: foo"),
        ([UNKNOWN, known("bar", "PYSEC-1")], 1, "bar 1: PYSEC-1"),
    ],
)
def test_what_is_unknown_is_not_taken_for_sound(packages: list[dict[str, Any]], status: int, says: str) -> None:
    found = verdict(json.dumps({"dependencies": packages}))
    assert found.status == status
    assert found.lines[0].startswith(says)


def test_a_service_that_cannot_be_asked_is_no_failure_and_said() -> None:
    found = verdict("", "ERROR: connection refused\n")
    assert (found.status, found.lines) == (0, ["SKIPPED: the service cannot be asked", "ERROR: connection refused"])


def test_the_examples_give_what_they_say() -> None:
    assert doctest.testmod(audit) == doctest.testmod(runtime_pins) == (0, 1)
