"""examples/gitops as a GitOps tool builds it, and the approvals in it: `python -m tests.unit.gitops.repository` signs them anew.

Their keys are made from names, so that anybody can sign the example again when what is approved changes. Never do so elsewhere.
"""

import hashlib
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from tests.resources import ROOT
from tests.unit.rollout.world import World

from headgate.api.aimodel import AIModelSpec
from headgate.api.approval import GovernanceApprovalSpec
from headgate.api.policy import RolloutPolicySpec
from headgate.api.trust_store import TrustStoreSpec
from headgate.governance.approvals import Approval, short
from headgate.governance.signatures import signed
from headgate.governance.trust import Trust
from headgate.kube.resources import GOVERNANCE_APPROVALS
from headgate.rollout.snapshot import Snapshot

REPOSITORY = ROOT / "examples/gitops"
MODEL = "models/credit-scorer"
NOW = datetime(2026, 11, 25, 9, tzinfo=UTC)
SIGNED_AT = datetime(2026, 11, 24, 16, 30, tzinfo=UTC)
EXPIRES_AT = datetime(2027, 2, 22, tzinfo=UTC)
APPROVALS = (
    ("chen", "technical-validation", "Same preprocessing as 2.3.0, shadow latency within limits; 41 of 41 acceptance tests passed."),
    ("dana", "fairness-audit", "Parity 0.91 on 40k decisions, equal opportunity 0.93."),
    ("sam", "security-review", "Image scanned, no finding above low; runs without privileges, reads the artifact by digest."),
    ("lena", "legal-approval", "Impact assessment 2026-17 covers the use; applicants are told, and can ask for a person."),
    ("victor", "executive-sponsor", "The gain over 2.3.0 is worth the remaining risk, which is owned by retail lending."),
)


@cache
def built(folder: str) -> tuple[dict[str, Any], ...]:
    """The objects of a folder. Needs kubectl; raises CalledProcessError for what does not build."""
    done = subprocess.run(["kubectl", "kustomize", str(REPOSITORY / folder)], check=True, capture_output=True, text=True, timeout=60)
    return tuple(yaml.safe_load_all(done.stdout))


def has_kustomize() -> bool:
    return shutil.which("kubectl") is not None


def spec_of(kind: str, folder: str) -> Any:
    """spec of the only object of a kind."""
    (found,) = (one["spec"] for one in built(folder) if one["kind"] == kind)
    return found


def key_of(name: str) -> Ed25519PrivateKey:
    return Ed25519PrivateKey.from_private_bytes(hashlib.sha256(f"headgate example: {name}".encode()).digest())


@dataclass
class Environment(World):
    """One cluster of the example, which follows the repository."""

    environment: str = ""

    def snapshot(self) -> Snapshot:
        return replace(super().snapshot(), environment=self.environment, name="credit-scorer")


def environment(name: str) -> Environment:
    """The model with the policy and trust store of that environment, and none of its approvals yet. Nothing is live in it."""
    trust = Trust(name, TrustStoreSpec.model_validate(spec_of("TrustStore", f"platform/{name}")))
    return Environment(
        spec=AIModelSpec.model_validate(spec_of("AIModel", f"{MODEL}/{name}")),
        policy=RolloutPolicySpec.model_validate(spec_of("RolloutPolicy", f"platform/{name}")),
        trust=trust,
        now=NOW,
        environment=name,
    )


def as_applied(document: Mapping[str, Any]) -> Approval:
    """A GovernanceApproval as the operator sees it right after the GitOps tool brought it, in whose name admission proves nothing."""
    metadata, spec = document["metadata"], GovernanceApprovalSpec.model_validate(document["spec"])
    return Approval(metadata["name"], metadata["namespace"], metadata["name"], NOW, spec, enforced=False)


def approvals() -> dict[str, dict[str, Any]]:
    """What there is to approve in production, signed by everybody whom the policy asks; by file name."""
    world = environment("prod")
    world.settle()
    assert world.status.candidate
    assert world.status.candidate.gate
    subject = world.status.candidate.gate.subject
    found = {}
    for person, role, rationale in APPROVALS:
        decided = {
            "model": "credit-scorer",
            "decision": "Approve",
            "gate": "Deployment",
            "role": role,
            "subject": subject,
            "approver": f"{person}@bank.example",
            "rationale": rationale,
            "expiresAt": EXPIRES_AT,
        }
        unsigned = GovernanceApprovalSpec.model_validate(decided)
        spec = signed(unsigned, namespace="lending", environment="prod", at=SIGNED_AT, key=key_of(person))
        name = f"credit-scorer-deployment-{role}-{short(subject)}"
        found[f"2.4.0-{role}.yaml"] = {
            "apiVersion": GOVERNANCE_APPROVALS.api_version,
            "kind": GOVERNANCE_APPROVALS.kind,
            "metadata": {"name": name, "namespace": "lending"},
            "spec": spec.model_dump(mode="json", by_alias=True, exclude_none=True, exclude_defaults=True)
            | {"signature": spec.signature.model_dump(mode="json", by_alias=True) if spec.signature else None},
        }
    return found


def write(folder: Path) -> None:
    for file, document in approvals().items():
        (folder / file).write_text(yaml.safe_dump(document, sort_keys=False, width=140, allow_unicode=True))


if __name__ == "__main__":
    write(REPOSITORY / MODEL / "prod/approvals")
