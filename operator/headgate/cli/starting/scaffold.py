"""The files of a new model: manifests that pass `headgate lint`, with a word on each thing to fill in. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import yaml

from headgate.cli.starting.taken import Taken
from headgate.kube.resources import AIMODELS, GOVERNANCE_APPROVALS, ROLLOUT_POLICIES

NO_DIGEST = "sha256:" + "0" * 64
"""Stands for a digest that is not known yet."""
APPROVAL_EXAMPLE = "approvals/approval.yaml.example"
"""Neither kubectl nor a GitOps tool takes a file of this name: a decision is a person's own, and never applied by the way."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the files are for. `policy`: of the platform; empty to write one beside the model."""

    name: str
    namespace: str
    owner: str
    policy: str = ""
    policy_namespace: str = "headgate-system"

    @property
    def policy_name(self) -> str:
        return self.policy or self.name


def model_of(wanted: Wanted, taken: Taken | None) -> dict[str, Any]:
    """The AIModel as a plain document."""
    return {
        "apiVersion": AIMODELS.api_version,
        "kind": AIMODELS.kind,
        "metadata": {"name": wanted.name, "namespace": wanted.namespace},
        "spec": {
            "version": "1.0.0",
            "policy": {"name": wanted.policy_name},
            "artifact": {"uri": f"s3://models/{wanted.name}/1.0.0/", "digest": NO_DIGEST},
            "serving": {
                "deployment": taken.deployment if taken else _deployment(wanted),
                "sideEffects": "None",
                "drain": "30s",
            },
            "traffic": (taken.traffic if taken else None) or _traffic(wanted),
            "owners": {"technical": {"user": wanted.owner}},
            "classification": {"declaredTier": "Medium"},
        },
    }


def files_of(wanted: Wanted, taken: Taken | None) -> Mapping[str, str]:
    """Each file by its path below the directory."""
    written = {
        "model.yaml": _model_file(wanted, taken),
        "approvals/README.md": _approvals(wanted),
        APPROVAL_EXAMPLE: _approval_example(wanted),
    }
    return written if wanted.policy else {**written, "policy.yaml": _policy_file(wanted)}


def _deployment(wanted: Wanted) -> dict[str, Any]:
    container = {
        "name": "model",
        "image": f"registry.example/{wanted.name}@{NO_DIGEST}",
        "ports": [{"name": "http", "containerPort": 8080}],
        "readinessProbe": {"httpGet": {"path": "/readyz", "port": 8080}},
        "resources": {"requests": {"cpu": "100m", "memory": "256Mi"}, "limits": {"memory": "256Mi"}},
    }
    annotations = {"prometheus.io/scrape": "true", "prometheus.io/port": "8080"}
    return {"replicas": 3, "port": 8080, "template": {"metadata": {"annotations": annotations}, "spec": {"containers": [container]}}}


def _traffic(wanted: Wanted) -> dict[str, Any]:
    return {"parentRefs": [{"name": "public", "namespace": "gateways"}], "hostnames": [f"{wanted.name}.models.example"]}


def _model_file(wanted: Wanted, taken: Taken | None) -> str:
    notes = taken.notes if taken else ()
    return "".join(
        (
            "# What is served, how users reach it, and who answers for it. Fill in what is marked with (*), then:\n",
            "#   kubectl headgate lint . && kubectl apply -f .\n",
            *(f"# {note}\n" for note in notes),
            "# (*) version and artifact.digest: a new version is a change of these, of an image, or of the configuration.\n",
            *(() if taken else ("# (*) image: by digest, so that what people approve is what runs.\n",)),
            "# (*) sideEffects: None says that answering changes nothing outside. Copies of requests are executed.\n",
            *(() if taken and taken.traffic else ("# (*) traffic: the Gateway and the hosts by which users reach it.\n",)),
            "# (*) owners: add business, who accepts the risk, and operations, who runs it.\n",
            "# (*) classification: declaredTier Low, Medium or High says who must approve; or let the table say it, by domain,\n",
            "#     decisions, affectedRights, practices and regions (kubectl headgate classify -f model.yaml).\n",
            "# Later: spec.valueCase says what it is meant to be worth, spec.monitoring what is watched of it once it is live.\n",
            yaml.safe_dump(model_of(wanted, taken), sort_keys=False, width=120, allow_unicode=True),
        )
    )


def _policy_file(wanted: Wanted) -> str:
    return f"""\
# How far and how fast a new version goes, what stops it, and who must agree. Platform and risk team apply it in the operator's policy
# namespace; a model's team cannot loosen it. If there is one already, delete this file and name it in model.yaml (spec.policy.name).
apiVersion: {ROLLOUT_POLICIES.api_version}
kind: {ROLLOUT_POLICIES.kind}
metadata:
  name: {wanted.policy_name}
  namespace: {wanted.policy_namespace}
spec:
  metrics: {{profile: envoy-gateway}}
  stages:
  - {{name: shadow, mirrorPercent: 100, minDuration: 1d, maxDuration: 7d, minRequests: 1000}}
  - {{name: canary, trafficPercent: 5, minDuration: 1d, maxDuration: 7d, minRequests: 1000}}
  - {{name: half, trafficPercent: 50, minDuration: 1d, maxDuration: 3d}}
  - {{name: full, holdbackPercent: 1, minDuration: 1d, maxDuration: 3d}}
  checks:
  - {{metric: errors, maxIncrease: 0.5pp, weight: 4}}
  - {{metric: rejections, maxIncrease: 1pp, weight: 2}}
  - {{metric: latency, quantile: "0.95", maxIncrease: 50ms, weight: 3}}
  guards:
  - {{metric: errors, maxRate: 20pp, minRequests: 30}}
  gates:
    deployment:
      low: [{{role: technical-validation}}, {{role: automated-checks}}]
      medium: [{{role: technical-validation}}, {{role: fairness-audit}}, {{role: security-review}}]
      high:
      - role: technical-validation
      - role: fairness-audit
      - role: security-review
      - role: legal-approval
      - role: executive-sponsor
"""


def _approvals(wanted: Wanted) -> str:
    place = f"{wanted.name} -n {wanted.namespace}"
    return f"""\
# Approvals of {wanted.name}

A new version reaches users as far as its approvals and its measured behaviour allow. Each approval is one GovernanceApproval: one person,
one role, one exact subject, until a date.

```console
$ kubectl headgate gates {place}                # who is missing
$ kubectl headgate subject {place}              # what exactly is decided on
$ kubectl headgate approve {place} --role fairness-audit --rationale "…"
```

`approval.yaml.example` shows what that writes. Approvals that come through Git lie here, each signed by the person who gives it:

```console
$ kubectl headgate approve {place} --role fairness-audit --rationale "…" --sign key.pem -o yaml > approvals/fairness-audit-1.0.0.yaml
$ kubectl headgate lint .
```
"""


def _approval_example(wanted: Wanted) -> str:
    place = f"{wanted.name} -n {wanted.namespace}"
    return f"""\
# One person approves one exact subject in one role. This is what `kubectl headgate approve {place}` writes, with all
# values filled in; by hand, take a copy whose name ends in .yaml and fill in what is marked with (*).
# (*) metadata.name, gate and role: kubectl headgate gates {place} says which are missing.
# (*) approver: who creates it, or signs it. Nobody approves in the name of another.
# (*) subject: kubectl headgate subject {place} prints it. Of another subject it counts for nothing.
# (*) rationale and expiresAt: why, and until when.
apiVersion: {GOVERNANCE_APPROVALS.api_version}
kind: {GOVERNANCE_APPROVALS.kind}
metadata:
  name: {wanted.name}-deployment-technical-validation-1.0.0
  namespace: {wanted.namespace}
spec:
  model: {wanted.name}
  decision: Approve
  gate: Deployment
  role: technical-validation
  approver: approver@example.com
  subject: {NO_DIGEST}
  rationale: why this version may serve
  expiresAt: "2030-01-01T00:00:00Z"
"""
