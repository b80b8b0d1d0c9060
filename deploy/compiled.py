"""Compiles the pure core with mypyc while a wheel is built: `HATCH_BUILD_HOOKS_ENABLE=true pip wheel .` (`make wheel`).

The sources are compiled as they are and stay in the wheel beside what is made of them, so that there is one
implementation, and a machine without a C compiler runs it uncompiled.
"""

import shutil
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

PACKAGES = ("schemas", "streams", "alerting")


class CompiledBuildHook(BuildHookInterface):  # type: ignore[type-arg]
    """Puts extension modules into the wheel. `modules` in pyproject.toml are the patterns of what is compiled."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """See hatchling. Raises `CalledProcessError` when the compiler does not like something: it has said what."""
        root = Path(self.root)
        self._directory = TemporaryDirectory()
        copy = Path(self._directory.name)
        for package in PACKAGES:
            shutil.copytree(root / package, copy / package, ignore=shutil.ignore_patterns("__pycache__", "*.so"))
        modules = sorted({path for pattern in self.config["modules"] for path in copy.glob(pattern)})
        excluded = {path for pattern in self.config["interpreted"] for path in copy.glob(pattern)}
        chosen = [str(path.relative_to(copy)) for path in modules if path not in excluded]
        mypyc = [sys.executable, "-m", "mypyc", "--config-file", str(root / "pyproject.toml"), *chosen]
        subprocess.run(mypyc, cwd=copy, check=True, stdout=subprocess.DEVNULL)
        build_data["pure_python"] = False
        build_data["infer_tag"] = True
        shutil.rmtree(copy / "build")
        build_data["force_include"] |= {str(made): str(made.relative_to(copy)) for made in copy.rglob("*.so")}

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:
        """See hatchling."""
        self._directory.cleanup()
