"""What decisions read of models, policies and approvals, and nothing else: ten thousand models must fit into memory.

Also how an object of any kind is named, and whose it is.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from headgate.api.approval import GovernanceApprovalSpec, GovernanceApprovalStatus
from headgate.kube.labels import MODEL, REVISION, made_for
from headgate.kube.resources import AIMODELS
from headgate.rollout.configuration import Reference, references
from headgate.rollout.snapshot import ESTABLISHED

Body = Mapping[str, Any]


class ModelKey(NamedTuple):
    """One AIModel. Everything that concerns it is found by this."""

    namespace: str
    name: str


@dataclass(frozen=True, slots=True)
class ModelFacts:
    """An AIModel. `spec` and `status` stay JSON: a stable model is read once an hour, and bytes are a quarter of the size of objects."""

    uid: str
    generation: int
    resource_version: str
    policy: str
    moving: bool
    """A candidate is on its way, traffic is being taken back, or the spec changed since the last decision."""
    leaving: bool
    """Being deleted: what was made for it goes as well, and must not be made again."""
    spec: bytes
    status: bytes
    established: bool = False
    """Annotated as live elsewhere."""
    references: tuple[tuple[Reference, bool], ...] = ()
    """ConfigMaps and Secrets that the pod template names, and whether it needs them."""
    finalizers: tuple[str, ...] = ()
    """What keeps a model that is being deleted; not read before."""


@dataclass(frozen=True, slots=True)
class PolicyFacts:
    """A RolloutPolicy of the policy namespace."""

    uid: str
    spec: bytes


@dataclass(frozen=True, slots=True)
class ApprovalFacts:
    """A GovernanceApproval, read completely: it is small and immutable. `spec` is None if it cannot be read; `problem` says why."""

    name: str
    uid: str
    model: ModelKey
    created: datetime
    spec: GovernanceApprovalSpec | None
    status: GovernanceApprovalStatus
    problem: str = ""
    arrived: int = 0
    """`Cache.sequence` when it was first taken in: before that number it may not have been made."""


def compact(value: Any) -> bytes:
    """JSON without white space."""
    return _encode(value).encode()


_encode = json.JSONEncoder(separators=(",", ":")).encode


def name_of(body: Body) -> ModelKey:
    """Namespace and name of any object (the namespace is empty for a cluster-scoped one)."""
    metadata = body["metadata"]
    return ModelKey(metadata.get("namespace") or "", metadata["name"])


def model_of(body: Body) -> ModelKey | None:
    """The model that Headgate made the object for. None for an object of anybody else."""
    metadata = body["metadata"]
    return ModelKey(metadata["namespace"], model) if (model := made_for(metadata)) else None


def served_by(pod: Body) -> ModelKey | None:
    """The model that a pod belongs to. The cluster makes pods from templates that Headgate wrote, and admission keeps everybody else from
    making some with the labels of a revision or of a Job that compares answers."""
    metadata = pod["metadata"]
    model = (metadata.get("labels") or {}).get(MODEL)
    return ModelKey(metadata["namespace"], model) if model else None


def owner_of(body: Body) -> str:
    """The uid of the AIModel whose deletion takes the object along; empty without one."""
    references = body["metadata"].get("ownerReferences") or ()
    return next((str(one.get("uid") or "") for one in references if one.get("kind") == AIMODELS.kind), "")


def is_leaving(body: Body) -> bool:
    """Whether the object was deleted, and is there only as long as its finalizers keep it."""
    return bool(body["metadata"].get("deletionTimestamp"))


def revision_label(body: Body) -> str:
    return (body["metadata"].get("labels") or {}).get(REVISION) or ""


def model_facts(body: Body) -> ModelFacts:
    metadata, spec, status = body["metadata"], body.get("spec") or {}, body.get("status") or {}
    policy = spec.get("policy")
    generation, leaving = int(metadata.get("generation") or 0), is_leaving(body)
    return ModelFacts(
        uid=metadata.get("uid") or "",
        generation=generation,
        resource_version=metadata.get("resourceVersion") or "",
        policy=str(policy.get("name") or "") if isinstance(policy, Mapping) else "",
        moving=bool(status.get("candidate")) or status.get("phase") == "RollingBack" or status.get("observedGeneration", 0) != generation,
        leaving=leaving,
        spec=compact(spec),
        status=compact(status),
        established=(metadata.get("annotations") or {}).get(ESTABLISHED) == "true",
        references=_references(spec),
        finalizers=tuple(metadata.get("finalizers") or ()) if leaving else (),
    )


def _references(spec: Any) -> tuple[tuple[Reference, bool], ...]:
    """Of the pod template and of the baseline's; what either of them needs is needed."""
    found: dict[Reference, bool] = {}
    for path in (("serving", "deployment", "template"), ("serving", "baseline", "deployment", "template")):
        template = spec
        for part in path:
            template = template.get(part) if isinstance(template, Mapping) else None
        for reference, required in references(template).items() if isinstance(template, Mapping) else ():
            found[reference] = found.get(reference, False) or required
    return tuple(sorted(found.items()))


def policy_facts(body: Body) -> PolicyFacts:
    return PolicyFacts(body["metadata"].get("uid") or "", compact(body.get("spec") or {}))


def approval_facts(body: Body) -> ApprovalFacts:
    metadata, raw = body["metadata"], body.get("spec") or {}
    spec, problem = None, ""
    try:
        spec = GovernanceApprovalSpec.model_validate(raw)
    except ValueError as error:
        problem = str(error)[:500]
    return ApprovalFacts(
        name=metadata["name"],
        uid=metadata.get("uid") or "",
        model=ModelKey(metadata["namespace"], str(raw.get("model") or "")),
        created=datetime.fromisoformat(metadata["creationTimestamp"]),
        spec=spec,
        status=GovernanceApprovalStatus.model_validate(body.get("status") or {}),
        problem=problem,
    )
