"""The dashboards are what the code makes, ask for metrics that there are, and keep to what one owes its reader."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from prometheus_client.exposition import generate_latest
from prometheus_client.parser import text_string_to_metric_families

from deploy.grafana.money import amount
from deploy.grafana.written import written
from streams.runtime.metrics import Metrics
from tests.unit.monitoring.files import DASHBOARDS, dashboards, metrics_in, panels, rules, run

BOARDS = dashboards()
PANELS = [(uid, panel) for uid, board in BOARDS.items() for panel in panels(board)]
QUERIES = [(uid, panel, target) for uid, panel in PANELS for target in panel.get("targets", ())]
LEFT_OUT = {
    "slackwater_alert_precision",  # a share, of one worker: made anew over all
    "slackwater_alert_recall",
    "slackwater_loss_reason_known_ratio",  # likewise; the losses by reason say it
    "slackwater_events_rejected_total",  # the dead letters without the commands
    "slackwater_wall_clock",  # for alerts
}
_SELECTOR = re.compile(r"\b(?:slackwater_|process_)\w+(\{[^}]*\})?")


def on_the_page() -> set[str]:
    """Names of samples as Prometheus gets them."""
    names: set[str] = set()
    for family in text_string_to_metric_families(generate_latest(Metrics().registry).decode()):
        name = family.name
        ends = {"counter": ("_total",), "histogram": ("_bucket", "_sum", "_count")}.get(family.type, ("",))
        names.update(name + end for end in ends)
    return names


def test_the_files_are_what_the_code_makes() -> None:
    there = {file.name: file.read_text(encoding="utf-8") for file in DASHBOARDS.glob("*.json")}
    made = written()
    assert there.keys() == made.keys()
    different = [name for name, content in made.items() if there[name] != content]
    assert different == [], "run `make dashboards`"


def test_dashboards_and_rules_ask_for_metrics_that_there_are() -> None:
    asked = {name for _, _, target in QUERIES for name in metrics_in(target["expr"])}
    asked |= {
        name for file in ("recording.yml", "alerts.yml") for rule in rules(file) for name in metrics_in(rule["expr"])
    }
    assert asked - on_the_page() == set()


def test_every_metric_is_on_a_dashboard() -> None:
    asked = {
        re.sub(r"_(bucket|sum|count)$", "", name) for _, _, target in QUERIES for name in metrics_in(target["expr"])
    }
    told = {re.sub(r"_(bucket|sum|count)$", "", name) for name in on_the_page() if name.startswith("slackwater_")}
    assert {name for name in told - asked if not name.endswith("_created")} == LEFT_OUT


@pytest.mark.parametrize(("uid", "panel"), PANELS, ids=[f"{uid}-{panel['title']}" for uid, panel in PANELS])
def test_a_panel_says_what_it_shows_and_in_which_unit(uid: str, panel: dict[str, Any]) -> None:
    assert panel["title"]
    assert panel["description"].endswith((".", ")"))
    if panel["type"] != "text":
        assert panel["fieldConfig"]["defaults"]["unit"]
        assert panel["datasource"] == {"type": "prometheus", "uid": "$datasource"}
        assert panel["targets"]


@pytest.mark.parametrize(
    ("uid", "panel", "target"), QUERIES, ids=[f"{u}-{p['title']}-{t['refId']}" for u, p, t in QUERIES]
)
def test_a_query_keeps_to_the_chosen_job_and_instances(uid: str, panel: dict[str, Any], target: dict[str, Any]) -> None:
    selectors = list(_SELECTOR.finditer(target["expr"]))
    for selector in selectors:
        assert 'job=~"$job", instance=~"$instance"' in (selector[1] or ""), selector[0]
    assert selectors or 'ALERTS{job=~"$job|"' in target["expr"]
    assert set(re.findall(r"\[([^]]+)]", target["expr"])) <= {"$__rate_interval", "$__range"}
    assert target["datasource"] == {"type": "prometheus", "uid": "$datasource"}
    for label in re.findall(r"{{(\w+)}}", target["legendFormat"]):
        assert label in target["expr"]


def test_amounts_are_whole_units_of_their_currency(promtool: str, tmp_path: Path) -> None:
    query = amount("mrr_active_minor", "currency").replace("$job", ".+").replace("$instance", ".+")
    series = 'slackwater_mrr_active_minor{{job="j", instance="i", currency="{}"}}'
    story = {
        "input_series": [{"series": series.format(each), "values": "5000"} for each in ("EUR", "JPY", "KWD", "CLF")],
        "promql_expr_test": [
            {
                "expr": query,
                "eval_time": "0m",
                "exp_samples": [
                    {"labels": f'{{currency="{currency}"}}', "value": value}
                    for currency, value in (("EUR", 50), ("JPY", 5000), ("KWD", 5), ("CLF", 0.5))
                ],
            }
        ],
    }
    (tmp_path / "amounts.yml").write_text(yaml.safe_dump({"tests": [story]}), encoding="utf-8")
    run(promtool, "test", "rules", "amounts.yml", cwd=tmp_path)


def test_alerts_are_counted_also_where_no_worker_is_left_to_name_a_job(promtool: str, tmp_path: Path) -> None:
    (query,) = {target["expr"] for _, _, target in QUERIES if "ALERTS{" in target["expr"]}
    jobs = ("", ', job="sw"', ', job="other"')
    story = {
        "input_series": [
            {"series": f'ALERTS{{alertname="Slackwater{n}", alertstate="firing"{job}}}', "values": "1"}
            for n, job in enumerate(jobs)
        ],
        "promql_expr_test": [
            {
                "expr": query.replace("$job", chosen),
                "eval_time": "0m",
                "exp_samples": [
                    {"labels": f'{{alertname="Slackwater{n}", alertstate="firing"}}', "value": 1} for n in seen
                ],
            }
            for chosen, seen in ((".+", (0, 1, 2)), ("sw", (0, 1)))
        ],
    }
    (tmp_path / "alerts.yml").write_text(yaml.safe_dump({"tests": [story]}), encoding="utf-8")
    run(promtool, "test", "rules", "alerts.yml", cwd=tmp_path)


def test_a_zero_for_nothing_stands_beside_no_series() -> None:
    stands_in = [target["expr"] for _, _, target in QUERIES if "vector(0)" in target["expr"]]
    assert stands_in
    for expr in stands_in:
        assert expr.endswith(" or on () vector(0)"), expr


def test_panels_have_numbers_of_their_own_and_do_not_lie_on_each_other() -> None:
    for uid, board in BOARDS.items():
        assert len({panel["id"] for panel in board["panels"]}) == len(board["panels"]), uid
        cells: set[tuple[int, int]] = set()
        for panel in board["panels"]:
            at = panel["gridPos"]
            own = {(x, y) for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])}
            assert at["x"] + at["w"] <= 24, (uid, panel["title"])
            assert not cells & own, (uid, panel["title"])
            cells |= own


def test_links_lead_to_dashboards_that_there_are() -> None:
    for board in BOARDS.values():
        assert [link["tags"] for link in board["links"]] == [["slackwater"]]
        assert board["tags"] == ["slackwater"]
    links = [link["url"] for _, panel in PANELS for link in panel.get("links", ())]
    assert {url.split("/d/")[1].split("?")[0] for url in links} == set(BOARDS)


def test_one_chooses_data_source_job_and_instances() -> None:
    for uid, board in BOARDS.items():
        names = [variable["name"] for variable in board.get("templating", {}).get("list", ())]
        assert names == ([] if uid == "slackwater-runbook" else ["datasource", "job", "instance"])
