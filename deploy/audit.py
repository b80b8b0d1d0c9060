"""Is a vulnerability known of what an installation holds? Asks by pip-audit, and says what could not be asked.

    python -m deploy.audit     # 0: none, or nobody to ask; 1: there are, or some packages are unknown to the service

pip-audit itself says that nothing was found where the service knows no package at all, as behind a mirror.
"""

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Final, NamedTuple

from deploy.runtime_pins import requirements

_ASK: Final = ("-m", "pip_audit", "--require-hashes", "--disable-pip", "--progress-spinner=off", "--format=json")


class Verdict(NamedTuple):
    """An exit status, and what there is to say."""

    status: int
    lines: list[str]


def verdict(answer: str, trouble: str = "") -> Verdict:
    """What pip-audit's answer comes to (JSON, or nothing where it broke off), and its `trouble` on stderr.

    >>> verdict('{"dependencies": [{"name": "foo", "version": "1", "vulns": []}]}')
    Verdict(status=0, lines=['1 packages, and no vulnerability is known'])
    """
    try:
        packages = json.loads(answer)["dependencies"]
    except ValueError:
        return Verdict(0, ["SKIPPED: the service cannot be asked", *trouble.strip().splitlines()[-1:]])
    unknown = [each["name"] for each in packages if "skip_reason" in each]
    if len(unknown) == len(packages):
        return Verdict(0, [f"SKIPPED: the service knows none of {len(packages)} packages; it is perhaps not reachable"])
    found = [
        f"{each['name']} {each['version']}: {vulnerability['id']}, mended in "
        + (", ".join(vulnerability["fix_versions"]) or "no version")
        for each in packages
        for vulnerability in each.get("vulns", ())
    ]
    if unknown:
        found.append(f"unknown to the service: {', '.join(unknown)}")
    return Verdict(1, found) if found else Verdict(0, [f"{len(packages)} packages, and no vulnerability is known"])


def main() -> int:
    """Ask, and say what there is to say."""
    with tempfile.TemporaryDirectory() as folder:
        listed = Path(folder) / "runtime.txt"
        listed.write_text(requirements(), encoding="utf-8")
        asked = subprocess.run(
            [sys.executable, *_ASK, "-r", str(listed)], capture_output=True, text=True, check=False, timeout=600
        )
    found = verdict(asked.stdout, asked.stderr)
    for line in found.lines:
        print(f"audit: {line}")  # noqa: T201
    return found.status


if __name__ == "__main__":
    sys.exit(main())
