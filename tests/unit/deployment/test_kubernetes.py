"""The manifests are valid, meet the profile "restricted", and their names, ports and keys lead somewhere."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import yaml

from streams.runtime.settings import Settings
from streams.runtime.stopping import SECONDS
from streams.runtime.web import STUCK_SECONDS
from tests.unit.deployment.files import KUBERNETES, SECRETS, VERSION, containers, dockerfile, manifest, manifests, pods

VALIDATE = Path(sys.executable).parent / "kubernetes-validate"
PODS = pods()
CONTAINERS = [(name, each) for name, pod in PODS.items() for each in containers(pod)]
FILES = sorted(file for file in KUBERNETES.glob("*.yaml") if file.name != "kustomization.yaml")
WORKERS = {"app.kubernetes.io/name": "slackwater", "app.kubernetes.io/component": "worker"}


def validated(*files: Path) -> subprocess.CompletedProcess[str]:
    """What kubernetes-validate says."""
    return subprocess.run([VALIDATE, "--strict", *files], capture_output=True, text=True, check=False)


def test_they_are_valid_to_the_last_key_and_one_that_is_not_is_seen(tmp_path: Path) -> None:
    sound = validated(*FILES)
    assert sound.returncode == 0, sound.stdout + sound.stderr
    wrong = tmp_path / "worker.yaml"
    wrong.write_text((KUBERNETES / "worker.yaml").read_text().replace("automountServiceAccountToken", "automount"))
    assert validated(wrong).returncode != 0


def test_all_of_them_are_applied() -> None:
    told = yaml.safe_load((KUBERNETES / "kustomization.yaml").read_text())
    assert sorted(told["resources"]) == [file.name for file in FILES]
    assert told["namespace"] == manifest("Namespace", "slackwater")["metadata"]["name"]


@pytest.mark.parametrize("name", PODS)
def test_a_pod_meets_the_profile_restricted(name: str) -> None:
    """https://kubernetes.io/docs/concepts/security/pod-security-standards/#restricted"""
    pod = PODS[name]
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert not {"hostNetwork", "hostPID", "hostIPC"} & set(pod)
    assert all({"configMap", "secret", "emptyDir"} & set(volume) for volume in pod["volumes"])
    for each in containers(pod):
        context = each["securityContext"]
        assert context["allowPrivilegeEscalation"] is False
        assert context["capabilities"] == {"drop": ["ALL"]}
        assert context["readOnlyRootFilesystem"] is True
        assert not {"privileged", "runAsUser", "procMount"} & set(context)
        assert all("hostPort" not in port for port in each.get("ports", ()))


@pytest.mark.parametrize("name", PODS)
def test_a_pod_is_told_of_no_service_by_variables_that_look_like_settings(name: str) -> None:
    assert PODS[name]["enableServiceLinks"] is False
    assert PODS[name]["automountServiceAccountToken"] is False


@pytest.mark.parametrize("name", PODS)
def test_a_pod_runs_as_the_images_user_and_has_the_time_that_an_end_takes(name: str) -> None:
    (user,) = (rest for instruction, rest in dockerfile() if instruction == "USER")
    context = PODS[name]["securityContext"]
    assert f"{context['runAsUser']}:{context['runAsGroup']}" == user
    assert context["fsGroup"] == context["runAsGroup"], "the files of a Secret are the group's to read"
    assert PODS[name]["terminationGracePeriodSeconds"] > SECONDS + 2


@pytest.mark.parametrize(("name", "container"), CONTAINERS)
def test_a_container_has_what_it_mounts_and_is_of_this_version(name: str, container: dict[str, Any]) -> None:
    assert container["image"] == f"slackwater:{VERSION}"
    volumes = {volume["name"]: volume for volume in PODS[name]["volumes"]}
    mounts = {mount["name"]: mount["mountPath"] for mount in container["volumeMounts"]}
    assert set(mounts) <= set(volumes)
    *_, where_settings_are = (rest for instruction, rest in dockerfile() if instruction == "WORKDIR")
    assert mounts["settings"] == where_settings_are
    assert "memory" in container["resources"]["limits"]
    for pair in container.get("env", ()):
        folder, _, file = pair["value"].rpartition("/")
        assert mounts["secrets"] == folder
        assert file in {item["path"] for item in volumes["secrets"]["secret"]["items"]}


def test_the_secret_has_the_keys_that_the_readme_makes_and_each_pod_sees_its_own() -> None:
    keys = {
        name: [item["key"] for volume in pod["volumes"] if "secret" in volume for item in volume["secret"]["items"]]
        for name, pod in PODS.items()
    }
    assert keys == {"slackwater-worker": ["slack-webhook-url"], "slackwater-board": ["board-tokens"]}
    assert {key for of_pod in keys.values() for key in of_pod} == set(SECRETS)


@pytest.mark.parametrize(("name", "port"), [("worker", Settings().web_port), ("board", Settings().board_port)])
def test_probes_ask_pages_that_there_are(name: str, port: int) -> None:
    (container,) = PODS[f"slackwater-{name}"]["containers"]
    assert container["ports"] == [{"name": "http", "containerPort": port}]
    probes = {key: container[f"{key}Probe"] for key in ("startup", "liveness", "readiness")}
    assert {probe["httpGet"]["port"] for probe in probes.values()} == {"http"}
    ready = "/readyz" if name == "worker" else "/healthz"
    assert [probe["httpGet"]["path"] for probe in probes.values()] == ["/healthz", "/healthz", ready]
    liveness = probes["liveness"]
    assert liveness["periodSeconds"] * liveness["failureThreshold"] < STUCK_SECONDS, "the page itself is patient"


def test_workers_are_never_of_two_versions() -> None:
    worker = manifest("Deployment", "slackwater-worker")["spec"]
    assert worker["strategy"] == {"type": "Recreate"}
    settings = tomllib.loads(manifest("ConfigMap", "slackwater")["data"]["slackwater.toml"])
    assert 1 < worker["replicas"] <= settings["partitions"]


def test_every_selector_finds_its_pods() -> None:
    templates = [each["spec"]["template"]["metadata"]["labels"] for each in manifests() if each["kind"] == "Deployment"]
    selectors = {
        f"{each['kind']} {each['metadata']['name']}": each["spec"].get("selector", each["spec"].get("podSelector"))
        for each in manifests()
        if each["kind"] in {"Deployment", "PodDisruptionBudget", "Service", "NetworkPolicy"}
    }
    found = {
        name: sum((selector.get("matchLabels", selector)).items() <= labels.items() for labels in templates)
        for name, selector in selectors.items()
    }
    assert found.pop("NetworkPolicy slackwater") == len(templates)
    assert set(found.values()) == {1}
    budget = manifest("PodDisruptionBudget", "slackwater-worker")["spec"]
    assert budget["selector"]["matchLabels"] == WORKERS


def test_the_network_lets_workers_reach_the_kafka_of_the_settings() -> None:
    settings = tomllib.loads(manifest("ConfigMap", "slackwater")["data"]["slackwater.toml"])
    host, _, port = settings["brokers"].partition(":")
    (rule,) = (
        rule
        for rule in manifest("NetworkPolicy", "slackwater")["spec"]["egress"]
        if {"protocol": "TCP", "port": int(port)} in rule["ports"]
    )
    (peer,) = rule["to"]
    assert peer["namespaceSelector"]["matchLabels"] == {"kubernetes.io/metadata.name": host.split(".")[1]}


def test_the_optional_ones_speak_of_the_same_workers() -> None:
    monitor, scaled = manifests(optional=True)
    assert monitor["spec"]["selector"]["matchLabels"] == WORKERS
    assert [(each["port"], each["path"]) for each in monitor["spec"]["podMetricsEndpoints"]] == [("http", "/metrics")]
    worker = manifest("Deployment", "slackwater-worker")
    assert scaled["spec"]["scaleTargetRef"]["name"] == worker["metadata"]["name"]
    settings = tomllib.loads(manifest("ConfigMap", "slackwater")["data"]["slackwater.toml"])
    bounds = [scaled["spec"]["minReplicaCount"], scaled["spec"]["maxReplicaCount"], settings["partitions"]]
    assert all(low <= high for low, high in pairwise(bounds))
    assert {each["metadata"]["namespace"] for each in (monitor, scaled)} == {"slackwater"}
