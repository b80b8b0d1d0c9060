"""Does what a Dockerfile says, without an engine: of the instructions, those that deploy/Dockerfile has.

Each stage gets a folder in place of its root, and what is an absolute path there leads into that folder. All stages
have that folder at the same path, one after the other, as environments of Python know where they are; what a stage
leaves is moved aside, for the next ones to copy from. Base images are the Pythons of this machine.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from string import Template

PATIENCE = 1_500.0
QUICK = {"MYPYC_OPT_LEVEL": "0"}
"""The compiler is not to take pains: what it makes is asked for here, and not how fast that is."""
_FLAG = re.compile(r"--(\w+)=(\S+)\s+")
_PATH = re.compile(r"(?<![^\s=:\"'])/(?=\w)")
"""Where an absolute path begins."""


def instructions(text: str) -> list[tuple[str, str]]:
    """The instructions of a Dockerfile, in order, with what stands behind their names; comments are gone."""
    lines = "\n".join(line for line in text.splitlines() if not line.lstrip().startswith("#"))
    whole = re.sub(r"\s*\\\n\s*", " ", lines)
    return [(name, rest.strip()) for name, _, rest in (line.partition(" ") for line in whole.splitlines() if line)]


def context(ignore: str, files: Iterator[str]) -> list[str]:
    """Which of a repository's files a build gets, by a .dockerignore of the kind that names all and then exceptions."""
    lines = [line for line in ignore.splitlines() if line and not line.startswith("#")]
    assert lines[0] == "*", "everything is left out first"
    kept = [line[1:] for line in lines if line.startswith("!")]
    return [name for name in files if any(name == each or name.startswith(each + "/") for each in kept)]


@dataclass
class Image:
    """What came out: the folder that is the root, and what a container is started with."""

    root: Path
    environment: dict[str, str] = field(default_factory=dict)
    folder: str = "/"
    user: str = "0:0"
    health: list[str] = field(default_factory=list)
    entrypoint: list[str] = field(default_factory=list)
    command: list[str] = field(default_factory=list)
    labels: dict[str, str] = field(default_factory=dict)
    volumes: list[str] = field(default_factory=list)

    def inside(self, text: str) -> str:
        """The same text, with absolute paths as they are on this machine."""
        return _PATH.sub(f"{self.root}/", text)


class Build:
    """`Build(dockerfile, context, home, python).image()`. `python` is the one that the image runs with; wheels are
    built with that of the tests, whose headers are there. Commands that make users are left out."""

    def __init__(self, dockerfile: str, context: Path, home: Path, python: str) -> None:
        self._instructions = instructions(dockerfile)
        self._context = context
        self._home = home
        self._python = python
        self._stages: dict[str, Path] = {}
        self._name = ""
        self._image = Image(home / "root")

    def image(self) -> Image:
        """Carry all of it out. An instruction that fails is an `AssertionError` with what it said."""
        for name, rest in self._instructions:
            getattr(self, f"_{name.lower()}")(rest)
        return self._image

    def _arg(self, rest: str) -> None:
        assert rest.partition("=")[0] in {"BUILD_IMAGE", "RUN_IMAGE"}, rest

    def _from(self, rest: str) -> None:
        root = self._image.root
        if self._name:
            self._stages[self._name] = root.rename(self._home / f"stage-{self._name}")
        self._name = rest.partition(" AS ")[2] or "last"
        root.mkdir()
        self._image = Image(root)
        tools = self._home / f"tools-{self._name}"
        python = sys.executable if self._name == "wheel" else self._python
        subprocess.run([python, "-m", "venv", "--without-pip", tools], check=True)
        pip = tools / "bin" / "pip"
        # pip is that of the tests, and works on the stage's environment unless it is told another.
        pip.write_text(
            f'#!/bin/sh\n[ "$1" = --python ] || set -- --python {tools}/bin/python "$@"\n'
            f'exec {sys.executable} -m pip --disable-pip-version-check -q "$@"\n'
        )
        pip.chmod(0o755)

    def _label(self, rest: str) -> None:
        self._image.labels |= dict(re.findall(r'(\S+?)="([^"]*)"', rest))

    def _workdir(self, rest: str) -> None:
        self._image.folder = rest
        Path(self._image.inside(rest)).mkdir(parents=True, exist_ok=True)

    def _copy(self, rest: str) -> None:
        flags, rest = _flags(rest)
        *sources, target = rest.split()
        start = self._stages[flags["from"]] if "from" in flags else self._context
        to = Path(self._image.inside(self._image.folder)) / self._image.inside(target)
        for source in sources:
            _copied(start / source.lstrip("/"), to)

    def _run(self, rest: str) -> None:
        if "useradd" in rest:
            return
        while rest.startswith("--mount="):
            mount, _, rest = rest.partition(" ")
            options = dict(each.split("=", 1) for each in mount.removeprefix("--mount=").split(","))
            if "from" in options:
                _copied(self._stages[options["from"]] / options["source"][1:], self._image.root / options["target"][1:])
        done = subprocess.run(
            ["sh", "-ec", self._image.inside(rest)],
            cwd=self._image.inside(self._image.folder),
            env={**_clean(os.environ), "PATH": f"{self._home}/tools-{self._name}/bin:/usr/bin:/bin", **QUICK},
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )
        assert done.returncode == 0, f"RUN {rest}\n{done.stdout[-4_000:]}{done.stderr[-4_000:]}"

    def _env(self, rest: str) -> None:
        for name, value in re.findall(r"(\w+)=(\S+)", rest):
            known = {"PATH": "/usr/bin:/bin"} | self._image.environment
            self._image.environment[name] = Template(self._image.inside(value)).substitute(known)

    def _volume(self, rest: str) -> None:
        self._image.volumes.append(rest)

    def _user(self, rest: str) -> None:
        self._image.user = rest

    def _expose(self, rest: str) -> None:
        assert all(port.isdigit() for port in rest.split())

    def _healthcheck(self, rest: str) -> None:
        self._image.health = json.loads(rest.partition(" CMD ")[2])

    def _entrypoint(self, rest: str) -> None:
        self._image.entrypoint = json.loads(rest)

    def _cmd(self, rest: str) -> None:
        self._image.command = json.loads(rest)


def _flags(rest: str) -> tuple[dict[str, str], str]:
    flags = {}
    while found := _FLAG.match(rest):
        flags[found[1]], rest = found[2], rest[found.end() :]
    return flags, rest


def _copied(source: Path, target: Path) -> None:
    if source.is_dir():
        shutil.copytree(source, target, symlinks=True, dirs_exist_ok=True)
    else:
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(source, target)


def _clean(environment: Mapping[str, str]) -> dict[str, str]:
    """Without what belongs to the environment that the tests run in."""
    return {
        name: value
        for name, value in environment.items()
        if not name.startswith(("SLACKWATER_", "PYTEST", "PYTHON", "VIRTUAL_ENV", "COV_"))
    }
