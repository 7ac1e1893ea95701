"""list, history, doctor and init on the test bed, as a person types them."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from tests.e2e.conftest import ROOT

from demo import people
from demo.kubectl import HEADGATE, apply, kubectl

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(600)]

PLACE = (people.MODEL, "-n", people.NAMESPACE)
TOLERATED = {
    # The test bed has no trust store, and its people are impersonated by the one who runs the tests.
    "trust store",
    "wildcards",
    "impersonate",
    "escalate and bind",
    "admission",
    "gateway features",
}
"""Checks that may warn here."""


def run(*arguments: str, code: int = 0) -> str:
    """Standard output of the command line."""
    done = subprocess.run([HEADGATE, *arguments], capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == code, f"{arguments}: {done.stdout[-3000:]} {done.stderr[-3000:]}"
    return done.stdout


def document(*arguments: str, code: int = 0) -> Any:
    return json.loads(run(*arguments, "-o", "json", code=code))


@pytest.mark.usefixtures("model_to_ask_about")
def test_list_and_history_tell_of_a_model_that_is_live() -> None:
    (listed,) = document("list", "-n", people.NAMESPACE)
    assert (listed["name"], listed["status"]["phase"]) == (people.MODEL, "Live")
    assert run("list", "-n", people.NAMESPACE, "--phase", "Live", "-o", "name") == f"aimodel.headgate.dev/{people.MODEL}\n"
    assert document("list", "-n", people.NAMESPACE, "--phase", "RolledBack") == []
    everywhere = run("list", "-A", "-o", "wide").splitlines()
    assert everywhere[0].split()[0] == "NAMESPACE"
    assert any(people.MODEL in line for line in everywhere[1:])

    told = document("history", *PLACE)
    assert told["complete"] is True
    # The audit outlives the models that other tests had under this name.
    first = told["attempts"][-1]
    assert (first["version"], first["outcome"], first["until"], first["reachedPermille"]) == ("v1", "Live", None, 1000)
    assert any("technical-validation" in words for words in first["approvedBy"])
    assert "v1" in run("history", *PLACE, "-o", "wide")


def examined(*, code: int = 0) -> dict[str, dict[str, str]]:
    """The worst check of each topic."""
    where = ("-n", people.NAMESPACE, "--prometheus", os.environ["HEADGATE_PROMETHEUS_URL"])
    levels = ["OK", "WARN", "FAIL"]
    checks = sorted(document("doctor", *where, code=code), key=lambda check: levels.index(check["level"]))
    return {check["check"]: check for check in checks}


@pytest.mark.long
@pytest.mark.usefixtures("users")
def test_doctor_finds_the_test_bed_in_order_and_says_what_is_taken_away() -> None:
    # How far apart scrapes are is told by two minutes of them.
    until = time.monotonic() + 240
    while True:
        checks = examined()
        odd = {topic: check for topic, check in checks.items() if check["level"] != "OK" and topic not in TOLERATED}
        if not odd:
            break
        assert time.monotonic() < until, odd
        time.sleep(5)
    assert checks["scrape interval"]["message"].startswith("1.")

    policy = "headgate-approvals"
    binding = json.loads(kubectl("get", "validatingadmissionpolicybinding", policy, "-o", "json"))
    metadata = {key: binding["metadata"][key] for key in ("name", "labels", "annotations") if key in binding["metadata"]}
    kubectl("delete", "validatingadmissionpolicybinding", policy)
    try:
        without = examined(code=1)
    finally:
        apply({"apiVersion": binding["apiVersion"], "kind": binding["kind"], "metadata": metadata, "spec": binding["spec"]})
    assert without["admission policies"]["level"] == "FAIL"
    assert policy in without["admission policies"]["message"]


def test_init_from_a_deployment_writes_manifests_that_the_api_server_takes(tmp_path: Path) -> None:
    namespace = "begun"
    container = {"name": "server", "image": "headgate.local/model-server:dev", "ports": [{"name": "http", "containerPort": 8080}]}
    labels = {"app": "scorer"}
    place = {"namespace": namespace}
    apply(
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}},
        {
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": {"name": "scorer", **place},
            "spec": {
                "replicas": 2,
                "selector": {"matchLabels": labels},
                "template": {"metadata": {"labels": labels | {"team": "credit-ml"}}, "spec": {"containers": [container]}},
            },
        },
        {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": {"name": "scorer", **place},
            "spec": {"selector": labels, "ports": [{"port": 80, "targetPort": "http"}]},
        },
        {
            "apiVersion": "gateway.networking.k8s.io/v1",
            "kind": "HTTPRoute",
            "metadata": {"name": "scorer", **place},
            "spec": {
                "parentRefs": [{"name": "public", "namespace": "gateways"}],
                "hostnames": ["begun.models.example"],
                "rules": [{"backendRefs": [{"name": "scorer", "port": 80}]}],
            },
        },
    )
    try:
        made = tmp_path / "scorer"
        run("init", "--from", "deployment/scorer", "-n", namespace, "-o", str(made), "--owner", "chen@bank.example")
        found = document("lint", str(made))
        assert (found["errors"], found["objects"]) == (0, 2)
        kubectl("apply", "--server-side", "--dry-run=server", "-f", str(made / "model.yaml"))
        kubectl("apply", "--server-side", "--dry-run=server", "-f", str(made / "policy.yaml"))
        text = (made / "model.yaml").read_text()
        for words in ("team: credit-ml", "begun.models.example", "replicas: 2", "port: 8080"):
            assert words in text
        assert "app: scorer" not in text
    finally:
        kubectl("delete", "namespace", namespace, "--wait=false")


@pytest.mark.usefixtures("model_to_ask_about")
def test_names_of_models_are_completed_for_kubectl() -> None:
    plugin = Path(HEADGATE).with_name("kubectl_complete-headgate")
    line = [str(plugin)] if plugin.exists() else [sys.executable, "-c", "from headgate.cli.main import complete_plugin; complete_plugin()"]
    done = subprocess.run([*line, "status", "-n", people.NAMESPACE, ""], capture_output=True, text=True, timeout=60, check=True, cwd=ROOT)
    *offers, directive = done.stdout.splitlines()
    assert [offer.partition("\t")[0] for offer in offers] == [people.MODEL]
    assert directive == ":4"
