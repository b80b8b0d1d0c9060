"""What the guides list is all that there is, and nothing that there is not: settings, metrics, topics."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

from streams.runtime import topics
from streams.runtime.metrics import PREFIX, Metrics
from streams.runtime.settings import Settings

ROOT: Final = Path(__file__).parents[2]
GUIDE: Final = ROOT / "deploy/guide"
_FOREIGN: Final = {".venv", "node_modules", "build"}
SLACK: Final = "T0SECRET01/B0SECRET02/x0SecretToken0x0SecretX"
KEY: Final = "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="
_SECRETS: Final = re.compile(
    r"hooks\.slack\.com/services/T\w{8,}/B\w{8,}/\w{20,}|xox[a-z]-\d{4,}[\w-]+|xapp-\d[\w-]{8,}|whsec_[\w+/]{24,}"
)


def test_the_table_of_settings_has_each_of_them_once() -> None:
    rows = re.findall(r"^\| (`[^|]*`) \|", (GUIDE / "settings.md").read_text(encoding="utf-8"), re.MULTILINE)
    told = [name.lower() for row in rows for name in re.findall(r"`(\w+)`", row)]
    assert sorted(told) == sorted(Settings.model_fields)


def test_the_guide_to_operations_names_each_metric_once() -> None:
    text = (GUIDE / "operations.md").read_text(encoding="utf-8")
    listed = text.partition("The metrics, all with the prefix `slackwater_`")[2].partition("\n\n")[0]
    ends = {"counter": "_total", "info": "_info"}
    there = {
        family.name.removeprefix(f"{PREFIX}_") + ends.get(family.type, "")
        for family in Metrics().registry.collect()
        if family.name.startswith(PREFIX)
    }
    told = re.findall(r"`([a-z_]+)`", listed)
    assert sorted(told) == sorted(there)


def test_the_guide_to_topics_names_each_of_slackwaters_own() -> None:
    settings = Settings()
    text = (GUIDE / "topics.md").read_text(encoding="utf-8")
    plans = [*topics.plan(settings), topics.of_replays(settings)]
    assert set(re.findall(r"`(slackwater-[a-z-]+)`", text)) == {each.name for each in plans if each.role == "internal"}
    assert [each.name for each in plans if f"`{each.name}`" not in text] == []


def test_no_guide_shows_what_could_be_a_secret() -> None:
    pages = [path for path in ROOT.rglob("*.md") if not _FOREIGN & set(path.relative_to(ROOT).parts)]
    assert GUIDE / "messages.md" in pages
    found = {str(path): _SECRETS.findall(path.read_text(encoding="utf-8")) for path in pages}
    assert {path: secrets for path, secrets in found.items() if secrets} == {}
    assert (
        len(_SECRETS.findall(f"https://hooks.slack.com/services/{SLACK} xoxb-123456789012-AbCdEfGh whsec_{KEY}")) == 3
    )
