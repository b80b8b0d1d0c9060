"""What Grafana is provisioned with fits together."""

from __future__ import annotations

from typing import Any

import yaml

from tests.unit.monitoring.files import DEPLOY, RULES, dashboards

FOLDER = DEPLOY / "grafana" / "provisioning"


def read(path: str) -> dict[str, Any]:
    """A file of it."""
    found: dict[str, Any] = yaml.safe_load((FOLDER / path).read_text(encoding="utf-8"))
    return found


def test_the_data_source_is_the_one_that_dashboards_choose_and_knows_how_often_prometheus_asks() -> None:
    (source,) = read("datasources/prometheus.yml")["datasources"]
    scraped = yaml.safe_load((RULES / "prometheus.yml").read_text(encoding="utf-8"))["global"]["scrape_interval"]
    assert (source["type"], source["jsonData"]["timeInterval"]) == ("prometheus", scraped)
    chosen = {
        variable["current"]["value"]
        for board in dashboards().values()
        for variable in board["templating"].get("list", ())
        if variable["type"] == "datasource"
    }
    assert chosen == {source["uid"]}


def test_the_guide_copies_the_rules_and_no_configuration_over_the_readers_own() -> None:
    rules = yaml.safe_load((RULES / "prometheus.yml").read_text(encoding="utf-8"))["rule_files"]
    guide = (DEPLOY / "guide" / "operations.md").read_text(encoding="utf-8")
    (copied,) = (line for line in guide.splitlines() if line.endswith(" /etc/prometheus/"))
    assert set(copied.split()[1:-1]) == {f"deploy/prometheus/{name}" for name in rules}


def test_dashboards_are_read_from_where_the_guide_puts_them() -> None:
    (provider,) = read("dashboards/slackwater.yml")["providers"]
    assert provider["type"] == "file"
    guide = (DEPLOY / "guide" / "operations.md").read_text(encoding="utf-8")
    assert f"cp deploy/grafana/dashboards/*.json {provider['options']['path']}/" in guide
