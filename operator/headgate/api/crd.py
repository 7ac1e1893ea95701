"""The CustomResourceDefinitions, generated from the pydantic models: `python -m headgate.api.crd REPOSITORY`."""

import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel

from headgate.api.aimodel import AIMODEL_RULES, AIModelSpec
from headgate.api.approval import GovernanceApprovalSpec, GovernanceApprovalStatus
from headgate.api.base import GROUP, VERSION
from headgate.api.crd_schema import Defaults, Schema, structural_schema
from headgate.api.policy import RolloutPolicySpec
from headgate.api.status import AIModelStatus
from headgate.api.trust_store import TRUST_STORE_RULES, TrustStoreSpec

SIZE_LIMIT = 180_000
"""Bytes of one file. `kubectl apply` keeps a copy in an annotation of at most 256 kB, and Helm all of them in one Secret."""

_GENERATED = "# Generated from operator/headgate/api by `make crds`: edits are lost.\n"
_CATEGORY = "mlops"


@dataclass(frozen=True, slots=True)
class Column:
    """What `kubectl get` shows. Wide columns appear with `-o wide` only."""

    name: str
    path: str
    type: str = "string"
    wide: bool = False

    def manifest(self) -> dict[str, Any]:
        return {"name": self.name, "type": self.type, "jsonPath": self.path} | ({"priority": 1} if self.wide else {})


@dataclass(frozen=True, slots=True)
class Resource:
    """One kind and everything a definition says about it besides its fields."""

    kind: str
    plural: str
    short: str
    description: str
    spec: type[BaseModel]
    columns: tuple[Column, ...]
    status: type[BaseModel] | None = None
    selectable: tuple[str, ...] = ()
    rules: dict[str, Any] | None = None

    @property
    def file_name(self) -> str:
        return f"{GROUP}_{self.plural}.yaml"

    def schema(self, defaults: Defaults = Defaults.FILLED) -> Schema:
        """The schema of the whole object, with `defaults` in its spec. Raises NotStructuralError when the models cannot be published."""
        properties: Schema = {
            "apiVersion": {"type": "string"},
            "kind": {"type": "string"},
            "metadata": {"type": "object"},
            "spec": structural_schema(self.spec, defaults),
        }
        if self.status is not None:
            properties["status"] = structural_schema(self.status, Defaults.LEFT_OUT)
        return {"description": self.description, "type": "object", "required": ["spec"], "properties": properties} | (self.rules or {})

    def manifest(self) -> dict[str, Any]:
        """The CustomResourceDefinition."""
        version: dict[str, Any] = {
            "name": VERSION,
            "served": True,
            "storage": True,
            "schema": {"openAPIV3Schema": self.schema()},
            "additionalPrinterColumns": [column.manifest() for column in (*self.columns, _AGE)],
        }
        if self.selectable:
            version["selectableFields"] = [{"jsonPath": path} for path in self.selectable]
        if self.status is not None:
            version["subresources"] = {"status": {}}
        names = {
            "kind": self.kind,
            "listKind": f"{self.kind}List",
            "plural": self.plural,
            "singular": self.kind.lower(),
            "shortNames": [self.short],
            "categories": [_CATEGORY],
        }
        definition = {
            "apiVersion": "apiextensions.k8s.io/v1",
            "kind": "CustomResourceDefinition",
            "metadata": {"name": f"{self.plural}.{GROUP}", "labels": {"app.kubernetes.io/name": "headgate"}},
            "spec": {"group": GROUP, "scope": "Namespaced", "names": names, "versions": [version]},
        }
        return dict(json.loads(json.dumps(definition)))  # one copy of everything: YAML would write shared parts as aliases


_AGE = Column("Age", ".metadata.creationTimestamp", "date")

AIMODEL = Resource(
    kind="AIModel",
    plural="aimodels",
    short="aim",
    description="A served model: what is served and how it is reached, who owns it, how much harm it can do.",
    spec=AIModelSpec,
    status=AIModelStatus,
    rules=AIMODEL_RULES,
    selectable=(".spec.policy.name",),
    columns=(
        Column("Live", ".status.live"),
        Column("Candidate", ".status.candidateVersion"),
        Column("Phase", ".status.phase"),
        Column("Stage", ".status.stage"),
        Column("Traffic", ".status.trafficSummary"),
        Column("Verdict", ".status.verdict"),
        Column("Tier", ".status.tier"),
        Column("Ready", '.status.conditions[?(@.type=="Ready")].status'),
        Column("Reason", '.status.conditions[?(@.type=="Ready")].reason', wide=True),
        Column("Policy", ".spec.policy.name", wide=True),
    ),
)

ROLLOUT_POLICY = Resource(
    kind="RolloutPolicy",
    plural="rolloutpolicies",
    short="rop",
    description="How far and how fast a new version goes, what stops it, and who must agree.",
    spec=RolloutPolicySpec,
    columns=(
        Column("Profile", ".spec.metrics.profile"),
        Column("Interval", ".spec.analysis.interval"),
        Column("Alpha", ".spec.analysis.alpha"),
        Column("Deadline", ".spec.analysis.onDeadline"),
    ),
)

GOVERNANCE_APPROVAL = Resource(
    kind="GovernanceApproval",
    plural="governanceapprovals",
    short="gap",
    description="One identified, immutable, expiring decision of one person about one exact subject.",
    spec=GovernanceApprovalSpec,
    status=GovernanceApprovalStatus,
    selectable=(".spec.model", ".spec.decision"),
    columns=(
        Column("Model", ".spec.model"),
        Column("Decision", ".spec.decision"),
        Column("Role", ".spec.role"),
        Column("Approver", ".spec.approver"),
        Column("State", ".status.state"),
        Column("Expires", ".spec.expiresAt"),
        Column("Message", ".status.message", wide=True),
    ),
)

TRUST_STORE = Resource(
    kind="TrustStore",
    plural="truststores",
    short="gts",
    description="Who stands behind which user name, what they may decide, and with which keys they sign.",
    spec=TrustStoreSpec,
    rules=TRUST_STORE_RULES,
    columns=(),
)

RESOURCES = (AIMODEL, ROLLOUT_POLICY, GOVERNANCE_APPROVAL, TRUST_STORE)


def plain_yaml(resource: Resource) -> str:
    """The file under crds/, for `kubectl apply`. Raises ValueError when it outgrows SIZE_LIMIT."""
    text = _GENERATED + yaml.safe_dump(resource.manifest(), sort_keys=False, width=140)
    if len(text.encode()) > SIZE_LIMIT:
        raise ValueError(f"{resource.file_name} has {len(text.encode())} bytes, more than {SIZE_LIMIT}")
    return text


def chart_yaml(resource: Resource) -> str:
    """The chart's template of the same definition: upgraded with the chart, and kept by `helm uninstall` unless told otherwise."""
    text = plain_yaml(resource)
    if "{{" in text:
        raise ValueError(f"{resource.file_name}: Helm would read {{{{ in a description as a template")
    keep = "  {{- if .Values.crds.keep }}\n  annotations:\n    helm.sh/resource-policy: keep\n  {{- end }}\n"
    head, metadata, rest = text.partition("metadata:\n")
    return f"{{{{- if .Values.crds.enabled }}}}\n{head}{metadata}{keep}{rest}{{{{- end }}}}\n"


def generated(repository: Path) -> dict[Path, str]:
    """Every generated file of the repository with its content."""
    plain = {repository / "crds" / resource.file_name: plain_yaml(resource) for resource in RESOURCES}
    charts = repository / "charts" / "headgate" / "templates" / "crds"
    return plain | {charts / resource.file_name: chart_yaml(resource) for resource in RESOURCES}


def main(arguments: list[str]) -> None:
    """Writes crds/ and the chart's copy below the repository given (default: the working directory)."""
    for path, text in generated(Path(arguments[0] if arguments else ".")).items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
