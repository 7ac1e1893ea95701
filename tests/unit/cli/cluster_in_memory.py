"""A cluster with one model, and the command line pointed at it."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import pytest
from tests.unit.kube.fake_api import FakeApi
from typer.testing import CliRunner, Result

from headgate.api.policy import RolloutPolicySpec
from headgate.api.vocabulary import Metric, Tier, Verdict
from headgate.cli import cluster
from headgate.cli.main import app
from headgate.evidence.readings import encode
from headgate.evidence.view import CheckReading, Evidence, GuardReading
from headgate.governance.subjects import deployment_statement, subject_of
from headgate.kube.errors import KubeError, NotFound
from headgate.kube.interface import Listing, Object
from headgate.kube.resources import AIMODELS, CONFIG_MAPS, GOVERNANCE_APPROVALS, Resource
from headgate.rollout.decision import POLICY_KEY

CONTENT = "sha256:" + "ab" * 32
POLICY = RolloutPolicySpec.model_validate(
    {
        "stages": [
            {"name": "shadow", "mirrorPercent": 100, "minDuration": "14d", "maxDuration": "28d"},
            {"name": "canary", "trafficPercent": 5, "minDuration": "7d", "maxDuration": "14d"},
            {"name": "full", "holdbackPercent": 1, "minDuration": "1d", "maxDuration": "3d"},
        ]
    }
)
STATEMENT = deployment_statement(
    environment="production", namespace="lending", name="credit-scorer", content=CONTENT, tier=Tier.MEDIUM, policy=POLICY
)
SUBJECT = subject_of(STATEMENT)
SUBJECT8 = SUBJECT.removeprefix("sha256:")[:8]
T0 = "2026-11-20T08:00:00.000000Z"

GATE: dict[str, Any] = {
    "subject": SUBJECT,
    "environment": "production",
    "tier": "Medium",
    "required": ["technical-validation", "fairness-audit", "automated-checks"],
    "missing": ["fairness-audit: nobody has approved yet", "automated-checks: the shadow stage has not passed"],
    "counted": ["technical-validation: chen@bank.example until 2027-02-01 12:00 UTC"],
}
STABLE: dict[str, Any] = {"revision": "11111111", "version": "2.3.0", "content": CONTENT, "liveSince": T0}
CANDIDATE: dict[str, Any] = {
    "revision": "22222222",
    "version": "2.3.1",
    "content": CONTENT,
    "attempt": 3,
    "kind": "Rollout",
    "started": T0,
    "policy": "standard",
    "policyCopy": "credit-scorer-policy-3",
    "stage": {"index": 1, "name": "canary", "entered": T0, "effective": T0},
    "gate": GATE,
    "verdict": "Inconclusive",
}
IN_CANARY: dict[str, Any] = {
    "phase": "Canary",
    "live": "2.3.0",
    "candidateVersion": "2.3.1",
    "stage": "canary",
    "trafficSummary": "95/5",
    "verdict": "Inconclusive",
    "tier": "Medium",
    "stable": STABLE,
    "candidate": CANDIDATE,
    "attempts": 3,
    "traffic": {"slots": [{"revision": "11111111", "weight": 950, "since": T0}, {"revision": "22222222", "weight": 50, "since": T0}]},
    "conditions": [
        {"type": "Ready", "status": "False", "reason": "WaitingForApproval", "message": "waits", "lastTransitionTime": T0},
        {"type": "Reconciling", "status": "True", "reason": "InProgress", "message": "2.3.1 in Canary", "lastTransitionTime": T0},
    ],
}
LIVE: dict[str, Any] = {
    "phase": "Live",
    "live": "2.3.0",
    "stable": STABLE,
    "attempts": 2,
    "traffic": {"slots": [{"revision": "11111111", "weight": 1000, "since": T0}]},
}
ROLLED_BACK = LIVE | {
    "phase": "RolledBack",
    "attempts": 3,
    "blocked": [
        {
            "revision": "22222222",
            "version": "2.3.1",
            "content": CONTENT,
            "attempt": 3,
            "cause": "Guard",
            "at": T0,
            "message": "30 of 30 requests (100%) failed in 2 s",
        }
    ],
}
READINGS = Evidence(
    attempt="3",
    stage=1,
    verdict=Verdict.INCONCLUSIVE,
    checks=(
        CheckReading(
            Metric.ERRORS,
            Verdict.INCONCLUSIVE,
            harm=36.4,
            candidate_requests=600,
            candidate_events=17,
            stable_requests=11_400,
            stable_events=57,
            difference=0.023,
            limit=0.005,
        ),
    ),
    candidate_guards=(GuardReading(Metric.ERRORS, fired=False, max_rate=0.2),),
    stage_fresh_seconds=420.0,
    stage_requests=600,
)


class ClusterInMemory(FakeApi):
    """`user` is who the API server takes the caller for; `denied` are plurals it forbids."""

    def __init__(self) -> None:
        super().__init__()
        self.user = "dana@bank.example"
        self.accesses: list[cluster.Access] = []
        self.denied: dict[str, KubeError] = {}

    async def __aenter__(self) -> "ClusterInMemory":
        return self

    async def __aexit__(self, *_: object) -> None:
        return None

    async def get(self, resource: Resource, name: str, namespace: str | None = None) -> Object:
        if resource.plural in self.denied:
            raise self.denied[resource.plural]
        if (resource.plural, namespace or "", name) not in self.objects:
            raise NotFound(f"{resource.qualified} {name!r} not found", status=404, reason="NotFound")
        return await super().get(resource, name, namespace)

    async def list(self, resource: Resource, namespace: str | None = None, *, labels: str = "", fields: str = "") -> Listing:
        listing = await super().list(resource)
        wanted = dict(label.split("=") for label in labels.split(",") if label)
        inside = (item for item in listing.items if namespace in (None, item["metadata"]["namespace"]))
        labelled = (item for item in inside if wanted.items() <= item["metadata"].get("labels", {}).items())
        return Listing(tuple(labelled), listing.resource_version)

    async def create(self, resource: Resource, body: Mapping[str, Any], *, field_manager: str, dry_run: bool = False) -> Object:
        if resource.plural in self.denied:
            raise self.denied[resource.plural]
        if resource is cluster.SELF_SUBJECT_REVIEWS:
            return {"status": {"userInfo": {"username": self.user}}}
        return await super().create(resource, body, field_manager=field_manager)

    def put(self, resource: Resource, body: Object) -> None:
        metadata = body["metadata"]
        self.objects[(resource.plural, metadata["namespace"], metadata["name"])] = body

    def model(self, status: Mapping[str, Any], name: str = "credit-scorer", namespace: str = "lending", version: str = "2.3.1") -> None:
        spec = {
            "version": version,
            "artifact": {"uri": "s3://models/credit/2.3.1/"},
            "owners": {"technical": {"user": "chen@bank.example"}},
        }
        created = datetime(2026, 11, 1, tzinfo=UTC).isoformat()
        metadata = {"name": name, "namespace": namespace, "creationTimestamp": created}
        self.put(AIMODELS, {"metadata": metadata, "spec": spec, "status": dict(status)})

    def copy_policy(self, policy: RolloutPolicySpec = POLICY) -> None:
        """As the operator writes it."""
        self.policy_text(policy.model_dump_json(by_alias=True, exclude_none=True))

    def policy_text(self, text: str) -> None:
        metadata = {"name": CANDIDATE["policyCopy"], "namespace": "lending"}
        self.put(CONFIG_MAPS, {"metadata": metadata, "immutable": True, "data": {POLICY_KEY: text}})

    def publish(self, **data: str) -> None:
        self.put(CONFIG_MAPS, {"metadata": {"name": "credit-scorer-evidence", "namespace": "lending"}, "data": data})

    def readings(self, evidence: Evidence = READINGS) -> None:
        self.publish(**{"readings.json": encode(evidence)})

    def decided(self) -> tuple[Object, ...]:
        return tuple(self.of(GOVERNANCE_APPROVALS))


def pointed_at(memory: ClusterInMemory, monkeypatch: pytest.MonkeyPatch) -> None:
    async def opened(access: cluster.Access) -> ClusterInMemory:
        memory.accesses.append(access)
        return memory

    monkeypatch.setattr(cluster, "open_client", opened)
    monkeypatch.setenv("KUBECONFIG", "/nonexistent")


def headgate(*arguments: str, typed: str = "") -> Result:
    return CliRunner().invoke(app, list(arguments), input=typed)
