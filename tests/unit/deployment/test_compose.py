"""What a linter does not look for in deploy/compose.yaml: names lead somewhere, and nobody is let in by accident."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from streams.runtime.settings import Settings
from streams.runtime.stopping import SECONDS
from tests.unit.deployment.files import DEPLOY, ROOT, VERSION, compose, image_environment

SERVICES: dict[str, Any] = compose()["services"]
OWN = [name for name, service in SERVICES.items() if service["image"].startswith("slackwater:")]
MOUNTS = [(name, mount.split(":")) for name, service in SERVICES.items() for mount in service.get("volumes", ())]


def read(path: str) -> Any:
    """A file of the folder."""
    return yaml.safe_load((DEPLOY / path).read_text(encoding="utf-8"))


@pytest.mark.parametrize("name", SERVICES)
def test_what_a_service_waits_for_is_there_and_can_come_to_pass(name: str) -> None:
    for other, how in SERVICES[name].get("depends_on", {}).items():
        condition = how["condition"]
        assert other in SERVICES
        if condition == "service_healthy":
            assert "test" in SERVICES[other]["healthcheck"]
        ends_by_itself = SERVICES[other]["restart"] == "no"
        assert ends_by_itself == (condition == "service_completed_successfully")


@pytest.mark.parametrize(("name", "mount"), MOUNTS)
def test_what_is_mounted_is_in_the_repository_or_a_volume(name: str, mount: list[str]) -> None:
    source, *_, mode = mount
    if source.startswith("."):
        assert (DEPLOY / source).exists()
        assert mode == "ro"
    else:
        assert source in compose()["volumes"]


def test_volumes_and_secrets_are_all_used_and_all_declared() -> None:
    used = {secret for service in SERVICES.values() for secret in service.get("secrets", ())}
    assert used == set(compose()["secrets"])
    assert {source for _, (source, *_) in MOUNTS if not source.startswith(".")} == set(compose()["volumes"])
    for service in SERVICES.values():
        told = [value for value in service.get("environment", {}).values() if value.startswith("/run/secrets/")]
        assert {Path(path).name for path in told} == set(service.get("secrets", ()))


def test_secrets_are_in_a_folder_that_git_does_not_see() -> None:
    ignored = (ROOT / ".gitignore").read_text(encoding="utf-8").splitlines()
    assert all(secret["file"].startswith("./secrets/") for secret in compose()["secrets"].values())
    assert "deploy/secrets/" in ignored


def test_only_this_machine_reaches_the_ports() -> None:
    ports = [port for service in SERVICES.values() for port in service.get("ports", ())]
    assert len(ports) >= 4
    assert [port for port in ports if not port.startswith("127.0.0.1:")] == []


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_has_bounds_and_no_rights_that_it_does_not_need(name: str) -> None:
    service = SERVICES[name]
    assert set(service["deploy"]["resources"]["limits"]) == {"cpus", "memory"}
    assert service["cap_drop"] == ["ALL"]
    assert "no-new-privileges:true" in service["security_opt"]
    assert not {"privileged", "network_mode", "pid", "container_name"} & set(service)
    assert re.search(r":v?\d+\.\d+\.\d+$", service["image"]), "a version, not what is newest"


@pytest.mark.parametrize("name", OWN)
def test_slackwaters_own_are_built_from_the_root_and_write_nowhere(name: str) -> None:
    service = SERVICES[name]
    assert service["image"] == f"slackwater:{VERSION}"
    assert (DEPLOY / service["build"]["context"]).resolve() == ROOT
    assert (ROOT / service["build"]["dockerfile"]) == DEPLOY / "Dockerfile"
    assert service["read_only"] is True
    assert service.get("stop_grace_period", "15s") == "15s"
    assert SECONDS + 2 < 15


def test_a_process_is_where_the_ports_and_health_checks_look_for_it() -> None:
    settings = Settings()
    assert SERVICES["board"]["ports"] == [f"127.0.0.1:{settings.board_port}:{settings.board_port}"]
    assert f"'127.0.0.1', {settings.board_port}" in SERVICES["board"]["healthcheck"]["test"][-1]
    assert SERVICES["worker"]["expose"] == [str(settings.web_port)]
    assert "ports" not in SERVICES["worker"], "several would want the same one"
    assert image_environment()["SLACKWATER_WEB_HOST"] == "0.0.0.0"


def test_prometheus_finds_the_workers_and_the_rules() -> None:
    config = read("compose/prometheus.yml")
    (discovery,) = config["scrape_configs"][0]["dns_sd_configs"]
    assert discovery["names"] == ["worker"]
    assert discovery["port"] == Settings().web_port
    mounted = {mount[1] for name, mount in MOUNTS if name == "prometheus"}
    assert {f"/etc/prometheus/{file}" for file in config["rule_files"]} <= mounted
    plain = read("prometheus/prometheus.yml")
    assert (config["global"], config["rule_files"]) == (plain["global"], plain["rule_files"])


def test_grafana_is_given_the_data_source_and_the_dashboards_that_there_are() -> None:
    (source,) = read("compose/datasource.yml")["datasources"]
    (plain,) = read("grafana/provisioning/datasources/prometheus.yml")["datasources"]
    assert {key: value for key, value in source.items() if value != plain[key]} == {"url": "http://prometheus:9090"}
    (provider,) = read("grafana/provisioning/dashboards/slackwater.yml")["providers"]
    assert ("grafana", ["./grafana/dashboards", provider["options"]["path"], "ro"]) in MOUNTS


def test_kafka_is_the_one_that_the_tests_run_on() -> None:
    pom = (DEPLOY / "kafka" / "pom.xml").read_text(encoding="utf-8")
    version = SERVICES["kafka"]["image"].partition(":")[2]
    assert re.search(rf"<artifactId>kafka_2\.13</artifactId>\s*<version>{re.escape(version)}</version>", pom)
