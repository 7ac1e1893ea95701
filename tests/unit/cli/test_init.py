"""init: what it writes passes lint, and says what a Deployment says."""

import json
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.unit.cli.cluster_in_memory import ClusterInMemory, headgate

from headgate.api.approval import GovernanceApprovalSpec
from headgate.api.vocabulary import DecisionKind
from headgate.cli.starting.scaffold import APPROVAL_EXAMPLE, NO_DIGEST
from headgate.cli.starting.taken import Surroundings, taken_from
from headgate.kube.errors import Forbidden
from headgate.kube.resources import DEPLOYMENTS, HORIZONTAL_POD_AUTOSCALERS, HTTP_ROUTES, PODS, SERVICES

DIGEST = "sha256:" + "cd" * 32
DEPLOYMENT: dict[str, Any] = {
    "metadata": {"name": "scorer", "namespace": "lending"},
    "spec": {
        "replicas": 4,
        "selector": {"matchLabels": {"app": "scorer"}},
        "template": {
            "metadata": {
                "creationTimestamp": None,
                "labels": {"app": "scorer", "team": "credit-ml"},
                "annotations": {"prometheus.io/scrape": "true", "kubectl.kubernetes.io/restartedAt": "2026-11-01T00:00:00Z"},
            },
            "spec": {
                "dnsPolicy": "ClusterFirst",
                "restartPolicy": "Always",
                "schedulerName": "default-scheduler",
                "securityContext": {},
                "terminationGracePeriodSeconds": 45,
                "serviceAccount": "scorer",
                "serviceAccountName": "scorer",
                "containers": [
                    {
                        "name": "server",
                        "image": "registry.example/scorer:v7",
                        "ports": [{"name": "metrics", "containerPort": 9090}, {"name": "http", "containerPort": 8000}],
                        "terminationMessagePath": "/dev/termination-log",
                        "terminationMessagePolicy": "File",
                        "resources": {},
                    }
                ],
            },
        },
    },
}
SERVICE: dict[str, Any] = {
    "metadata": {"name": "scorer-svc", "namespace": "lending"},
    "spec": {"selector": {"app": "scorer"}, "ports": [{"port": 80, "targetPort": "http"}]},
}
AUTOSCALER: dict[str, Any] = {
    "metadata": {"name": "scorer", "namespace": "lending"},
    "spec": {"scaleTargetRef": {"kind": "Deployment", "name": "scorer"}, "minReplicas": 2, "maxReplicas": 9},
}
ROUTE: dict[str, Any] = {
    "metadata": {"name": "scorer-route", "namespace": "lending"},
    "spec": {
        "parentRefs": [{"group": "gateway.networking.k8s.io", "kind": "Gateway", "name": "edge", "namespace": "infra"}],
        "hostnames": ["scorer.bank.example"],
        "rules": [
            {"matches": [{"path": {"type": "PathPrefix", "value": "/"}}], "backendRefs": [{"name": "scorer-svc", "port": 80}]},
            {"backendRefs": [{"name": "another", "port": 80}]},
        ],
    },
}
POD: dict[str, Any] = {
    "metadata": {"name": "scorer-1", "namespace": "lending", "labels": {"app": "scorer"}},
    "status": {"containerStatuses": [{"name": "server", "imageID": f"registry.example/scorer@{DIGEST}"}]},
}


def linted(directory: Path) -> list[dict[str, Any]]:
    done = headgate("lint", str(directory), "-o", "json")
    assert done.exit_code == 0, done.stdout
    found: list[dict[str, Any]] = json.loads(done.stdout)["findings"]
    return found


def test_an_empty_scaffold_passes_lint_but_for_what_is_to_be_filled_in(tmp_path: Path) -> None:
    done = headgate("init", "credit-scorer", "-n", "lending", "-o", str(tmp_path / "new"))
    assert done.exit_code == 0, done.output
    assert sorted(Path(line).name for line in done.stdout.splitlines()) == [
        "README.md",
        "approval.yaml.example",
        "model.yaml",
        "policy.yaml",
    ]
    assert {(one["severity"], one["rule"]) for one in linted(tmp_path / "new")} == {("warning", "placeholder")}
    model = yaml.safe_load((tmp_path / "new/model.yaml").read_text())
    policy = yaml.safe_load((tmp_path / "new/policy.yaml").read_text())
    assert model["metadata"] == {"name": "credit-scorer", "namespace": "lending"}
    assert model["spec"]["policy"]["name"] == policy["metadata"]["name"] == "credit-scorer"


def test_an_example_of_an_approval_is_written_where_nobody_applies_it_by_the_way(tmp_path: Path) -> None:
    assert headgate("init", "credit-scorer", "-n", "lending", "-o", str(tmp_path)).exit_code == 0
    example = tmp_path / APPROVAL_EXAMPLE
    applied = [path for path in tmp_path.rglob("*") if path.suffix in (".yaml", ".yml", ".json")]
    assert example.is_file()
    assert sorted(path.name for path in applied) == ["model.yaml", "policy.yaml"], "what kubectl apply -R, Argo CD and Flux take"
    text = example.read_text()
    approval = yaml.safe_load(text)
    assert (approval["kind"], approval["metadata"]["namespace"]) == ("GovernanceApproval", "lending")
    spec = GovernanceApprovalSpec.model_validate(approval["spec"])
    assert (spec.model, spec.subject, spec.decision) == ("credit-scorer", NO_DIGEST, DecisionKind.APPROVE)
    marked = [line for line in text.splitlines() if "(*)" in line]
    assert all(any(name in line for line in marked) for name in ("gate", "role", "approver", "subject", "rationale", "expiresAt"))
    (tmp_path / "approvals/mine.yaml").write_text(text)
    assert [one["rule"] for one in linted(tmp_path) if one["file"].endswith("mine.yaml")] == ["placeholder"], "nothing was filled in"


def test_a_policy_of_the_platform_is_named_and_not_written(tmp_path: Path) -> None:
    assert headgate("init", "credit-scorer", "-n", "lending", "-o", str(tmp_path), "--policy", "standard").exit_code == 0
    assert not (tmp_path / "policy.yaml").exists()
    assert yaml.safe_load((tmp_path / "model.yaml").read_text())["spec"]["policy"]["name"] == "standard"


@pytest.fixture
def served(memory: ClusterInMemory) -> ClusterInMemory:
    for resource, body in (
        (DEPLOYMENTS, DEPLOYMENT),
        (SERVICES, SERVICE),
        (HORIZONTAL_POD_AUTOSCALERS, AUTOSCALER),
        (HTTP_ROUTES, ROUTE),
        (PODS, POD),
    ):
        memory.put(resource, deepcopy(body))
    return memory


def test_from_a_deployment_template_port_size_and_route_are_taken(served: ClusterInMemory, tmp_path: Path) -> None:
    done = headgate("init", "--from", "deployment/scorer", "-n", "lending", "-o", str(tmp_path / "taken"), "--policy", "standard")
    assert done.exit_code == 0, done.output
    model = yaml.safe_load((tmp_path / "taken/model.yaml").read_text())
    spec = model["spec"]
    assert model["metadata"]["name"] == "scorer"
    assert spec["owners"] == {"technical": {"user": "dana@bank.example"}}
    assert spec["serving"]["deployment"] == {
        "port": 8000,
        "template": {
            "metadata": {"labels": {"team": "credit-ml"}, "annotations": {"prometheus.io/scrape": "true"}},
            "spec": {
                "terminationGracePeriodSeconds": 45,
                "serviceAccountName": "scorer",
                "containers": [
                    {
                        "name": "server",
                        "image": f"registry.example/scorer:v7@{DIGEST}",
                        "ports": [{"name": "metrics", "containerPort": 9090}, {"name": "http", "containerPort": 8000}],
                    }
                ],
            },
        },
        "autoscaling": {"minReplicas": 2, "maxReplicas": 9},
    }
    assert spec["traffic"] == {
        "parentRefs": [{"name": "edge", "namespace": "infra"}],
        "hostnames": ["scorer.bank.example"],
        "rules": [{"matches": [{"path": {"type": "PathPrefix", "value": "/"}}]}],
    }
    assert {one["rule"] for one in linted(tmp_path / "taken")} == {"placeholder", "policy-unread"}
    for words in ("app=scorer were left out", "HTTPRoute scorer-route, which goes on answering", "pinned to the digest that runs now"):
        assert words in done.stderr
    assert not [call for call in served.calls if call[0] not in ("get", "list", "create")]


def test_what_may_not_be_read_is_left_out(served: ClusterInMemory, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    listed = served.list

    async def some(resource: Any, namespace: str | None = None, *, labels: str = "", fields: str = "") -> Any:
        if resource is not SERVICES:
            raise Forbidden("no", status=403)
        return await listed(resource, namespace, labels=labels, fields=fields)

    monkeypatch.setattr(served, "list", some)
    done = headgate("init", "credit-scorer", "--from", "deploy/scorer", "-n", "lending", "-o", str(tmp_path), "--owner", "zoe@bank.example")
    assert done.exit_code == 0, done.output
    spec = yaml.safe_load((tmp_path / "model.yaml").read_text())["spec"]
    assert spec["serving"]["deployment"]["replicas"] == 4
    assert spec["owners"]["technical"]["user"] == "zoe@bank.example"
    assert "no HTTPRoute leads to it" in done.stderr
    assert "is not pinned by digest" in done.stderr


@pytest.mark.parametrize(
    ("ports", "services", "expected"),
    [
        ([{"containerPort": 9000}], [], 9000),
        ([], [], 8080),
        ([{"containerPort": 9000}], [{"port": 80}], 80),
        ([{"containerPort": 9000}], [{"port": 80, "targetPort": 7000}], 7000),
        ([{"containerPort": 9000}], [{"port": 80, "targetPort": "unknown"}], 9000),
    ],
)
def test_where_the_model_listens(ports: list[Any], services: list[Any], expected: int) -> None:
    deployment = deepcopy(DEPLOYMENT)
    deployment["spec"]["template"]["spec"]["containers"][0]["ports"] = ports
    service = {**SERVICE, "spec": {**SERVICE["spec"], "ports": services}}
    assert taken_from(Surroundings(deployment, [service])).deployment["port"] == expected


def test_pods_that_run_different_digests_pin_nothing() -> None:
    other = deepcopy(POD)
    other["status"]["containerStatuses"][0]["imageID"] = "registry.example/scorer@sha256:" + "ef" * 32
    taken = taken_from(Surroundings(DEPLOYMENT, pods=[POD, other]))
    assert taken.deployment["template"]["spec"]["containers"][0]["image"] == "registry.example/scorer:v7"


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        ((), 2, "say how the model is called"),
        (("Credit_Scorer",), 2, "at most 50 lower-case letters"),
        (("--from", "statefulset/scorer"), 2, "name a Deployment"),
        (("--from", "deployment/none"), 1, "there is no Deployment none in namespace lending"),
    ],
)
def test_what_cannot_be_begun_is_said(served: ClusterInMemory, arguments: tuple[str, ...], code: int, words: str) -> None:
    done = headgate("init", *arguments, "-n", "lending")
    assert done.exit_code == code
    assert words in " ".join(done.stderr.replace("│", " ").split())


def test_nothing_is_written_over(tmp_path: Path) -> None:
    (tmp_path / "model.yaml").write_text("mine")
    done = headgate("init", "credit-scorer", "-n", "lending", "-o", str(tmp_path))
    assert done.exit_code == 1
    assert "is there already" in done.stderr
    assert (tmp_path / "model.yaml").read_text() == "mine"
    assert not (tmp_path / "policy.yaml").exists()
