"""The compiled core, where `make bench` has built it: the workers of a benchmark run it."""

from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
_COMPILED = ROOT / "build" / "compiled"


def is_there() -> bool:
    """Whether it has been built, and of the sources as they are now."""
    built = _COMPILED / "ready"
    sources = (path for package in ("schemas", "streams", "alerting") for path in (ROOT / package).rglob("*.py"))
    return built.exists() and built.stat().st_mtime >= max(path.stat().st_mtime for path in sources)


def environment() -> dict[str, str]:
    """What a worker's environment needs to run it; nothing where it has not been built."""
    # Without PYTHONSAFEPATH the working directory would come first.
    return {"PYTHONPATH": str(_COMPILED), "PYTHONSAFEPATH": "1"} if is_there() else {}
