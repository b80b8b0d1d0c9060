"""`python -m deploy.grafana`: writes the dashboards."""

from pathlib import Path
from typing import Final

from deploy.grafana.written import written

FOLDER: Final = Path(__file__).parent / "dashboards"


def main() -> None:
    """Write all of them, and remove those that are no more."""
    made = written()
    for old in FOLDER.glob("*.json"):
        if old.name not in made:
            old.unlink()
    for name, content in made.items():
        (FOLDER / name).write_text(content, encoding="utf-8")


if __name__ == "__main__":
    main()
