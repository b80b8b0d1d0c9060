"""The files that slackwater is deployed with, and each process that they start."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

import yaml

from tests.dockerfile import instructions

ROOT: Final = Path(__file__).resolve().parents[3]
DEPLOY: Final = ROOT / "deploy"
KUBERNETES: Final = DEPLOY / "kubernetes"
SYSTEMD: Final = DEPLOY / "systemd"
UNITS: Final = ("slackwater-worker@6066.service", "slackwater-board.service")
VERSION: Final = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
SECRETS: Final[Mapping[str, str]] = {
    "slack-webhook-url": "https://hooks.slack.com/services/T0/B0/x",
    "board-tokens": "mara=a-token-of-hers-that-is-long",
}
"""What may stand in the files of secrets, by their names."""


@dataclass(frozen=True, slots=True)
class Process:
    """A process of slackwater, and where it is described: its command, its own variables, and its settings file."""

    place: str
    command: tuple[str, ...]
    environment: Mapping[str, str]
    toml: str | None


@cache
def dockerfile() -> list[tuple[str, str]]:
    """Its instructions."""
    return instructions((DEPLOY / "Dockerfile").read_text(encoding="utf-8"))


def image_environment() -> dict[str, str]:
    """The variables that the image sets."""
    return dict(pair for name, rest in dockerfile() if name == "ENV" for pair in re.findall(r"(\w+)=(\S+)", rest))


@cache
def compose() -> Any:
    """The compose file, with what is merged merged."""
    return yaml.safe_load((DEPLOY / "compose.yaml").read_text(encoding="utf-8"))


def manifests(*, optional: bool = False) -> list[dict[str, Any]]:
    """The objects that Kubernetes is given; the optional ones are for those who have what they are of."""
    folder = KUBERNETES / "optional" if optional else KUBERNETES
    files = [file for file in sorted(folder.glob("*.yaml")) if file.name != "kustomization.yaml"]
    return [each for file in files for each in yaml.safe_load_all(file.read_text(encoding="utf-8"))]


def manifest(kind: str, name: str) -> dict[str, Any]:
    """One of them."""
    (found,) = (each for each in manifests() if (each["kind"], each["metadata"]["name"]) == (kind, name))
    return found


def pods() -> dict[str, dict[str, Any]]:
    """The specification of each Deployment's pods, by the Deployment's name."""
    return {
        each["metadata"]["name"]: each["spec"]["template"]["spec"]
        for each in manifests()
        if each["kind"] == "Deployment"
    }


def containers(pod: Mapping[str, Any]) -> list[dict[str, Any]]:
    """All containers of a pod, those that come first as well."""
    return [*pod.get("initContainers", ()), *pod["containers"]]


def unit(name: str) -> dict[str, list[str]]:
    """What stands in the section Service of a unit and in what all units have in common, a list for each key."""
    template = re.sub(r"@\w+", "@", name)
    text = (SYSTEMD / template).read_text(encoding="utf-8") + (
        SYSTEMD / "slackwater-.service.d" / "common.conf"
    ).read_text(encoding="utf-8")
    found: dict[str, list[str]] = {}
    for line in text.splitlines():
        key, equals, value = line.partition("=")
        if equals and not line.startswith("#"):
            found.setdefault(key, []).append(value)
    return found


def processes() -> Iterator[Process]:
    """Each process of slackwater that these files start."""
    toml = (DEPLOY / "slackwater.toml").read_text(encoding="utf-8")
    for name, service in compose()["services"].items():
        if service["image"].startswith("slackwater:"):
            environment = image_environment() | service["environment"]
            yield Process(f"compose.yaml: {name}", tuple(service["command"]), environment, toml)
    settings = manifest("ConfigMap", "slackwater")["data"]["slackwater.toml"]
    for name, pod in pods().items():
        for each in containers(pod):
            environment = image_environment() | {pair["name"]: pair["value"] for pair in each.get("env", ())}
            yield Process(f"kubernetes: {name}, {each['name']}", tuple(each["args"]), environment, settings)
    for name in UNITS:
        service = unit(name)
        own = dict(pair.split("=", 1) for pair in service["Environment"])
        instance = name.partition("@")[2].partition(".")[0]
        filled = {key: value.replace("%i", instance) for key, value in own.items()}
        (start,) = service["ExecStart"]
        yield Process(f"systemd: {name}", tuple(start.split()[1:]), filled, toml)
