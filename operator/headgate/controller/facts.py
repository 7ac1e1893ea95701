"""What decisions read of each kind of object, and nothing else: ten thousand models must fit into memory."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

from headgate.api.approval import GovernanceApprovalSpec, GovernanceApprovalStatus
from headgate.kube.autoscalers import METRICS_DIGEST
from headgate.kube.labels import ATTEMPT, MODEL, REVISION, ROLE, is_copy_name, provenance_of
from headgate.kube.resources import AIMODELS
from headgate.rollout.configuration import Reference, references
from headgate.rollout.snapshot import ESTABLISHED, Provenance

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


@dataclass(frozen=True, slots=True)
class DeploymentFacts:
    """A revision's Deployment. `refused` is what the cluster says when it will not make the pods (quota, admission)."""

    uid: str
    replicas: int
    role: str
    attempt: str
    refused: str = ""
    created: datetime | None = None
    provenance: Provenance = field(default_factory=Provenance)
    copies: tuple[str, ...] = ()
    """Copies of ConfigMaps that its pods need to start."""


@dataclass(frozen=True, slots=True)
class AutoscalerFacts:
    """A revision's HorizontalPodAutoscaler. `metrics` is the digest that it was written with."""

    least: int
    most: int
    metrics: str


@dataclass(frozen=True, slots=True)
class PodFacts:
    """One pod of a revision. `waiting` and `message` are the kubelet's words about the container that keeps it from being ready."""

    uid: str
    revision: str
    ready: bool
    leaving: bool
    restarts: int
    last_exit: datetime | None = None
    exit_words: str = ""
    running_since: datetime | None = None
    """When the last of its containers started; None while one does not run."""
    waiting: str = ""
    message: str = ""
    image: str = ""
    unschedulable: str = ""


def compact(value: Any) -> bytes:
    """JSON without white space."""
    return _encode(value).encode()


_encode = json.JSONEncoder(separators=(",", ":")).encode


def name_of(body: Body) -> ModelKey:
    """Namespace and name of any object (the namespace is empty for a cluster-scoped one)."""
    metadata = body["metadata"]
    return ModelKey(metadata.get("namespace") or "", metadata["name"])


def model_of(body: Body) -> ModelKey | None:
    """The model that one of our objects belongs to, by label."""
    metadata = body["metadata"]
    model = (metadata.get("labels") or {}).get(MODEL)
    return ModelKey(metadata["namespace"], model) if model else None


def owner_of(body: Body) -> str:
    """The uid of the AIModel whose deletion takes the object along; empty without one."""
    references = body["metadata"].get("ownerReferences") or ()
    return next((str(one.get("uid") or "") for one in references if one.get("kind") == AIMODELS.kind), "")


def revision_label(body: Body) -> str:
    return (body["metadata"].get("labels") or {}).get(REVISION) or ""


def model_facts(body: Body) -> ModelFacts:
    metadata, spec, status = body["metadata"], body.get("spec") or {}, body.get("status") or {}
    policy = spec.get("policy")
    generation = int(metadata.get("generation") or 0)
    return ModelFacts(
        uid=metadata.get("uid") or "",
        generation=generation,
        resource_version=metadata.get("resourceVersion") or "",
        policy=str(policy.get("name") or "") if isinstance(policy, Mapping) else "",
        moving=bool(status.get("candidate")) or status.get("phase") == "RollingBack" or status.get("observedGeneration", 0) != generation,
        leaving=bool(metadata.get("deletionTimestamp")),
        spec=compact(spec),
        status=compact(status),
        established=(metadata.get("annotations") or {}).get(ESTABLISHED) == "true",
        references=_references(spec),
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


def deployment_facts(body: Body) -> DeploymentFacts:
    metadata, spec = body["metadata"], body.get("spec") or {}
    labels = metadata.get("labels") or {}
    conditions = (body.get("status") or {}).get("conditions") or ()
    failure = next((c for c in conditions if c["type"] == "ReplicaFailure" and c["status"] == "True"), None)
    return DeploymentFacts(
        uid=metadata.get("uid") or "",
        replicas=int(spec.get("replicas", 1)),
        role=labels.get(ROLE) or "",
        attempt=labels.get(ATTEMPT) or "",
        refused=(failure.get("message") or failure.get("reason") or "") if failure else "",
        created=datetime.fromisoformat(metadata["creationTimestamp"]) if metadata.get("creationTimestamp") else None,
        provenance=provenance_of(metadata.get("annotations") or {}),
        copies=tuple(one.name for one in references(spec.get("template") or {}) if is_copy_name(metadata["name"], one.name)),
    )


def spec_managers(body: Body) -> list[dict[str, Any]]:
    """Of managedFields, who wrote into the spec: what they wrote is of no use, and large."""
    entries = [e for e in body["metadata"].get("managedFields") or () if not e.get("subresource") and "f:spec" in (e.get("fieldsV1") or {})]
    return [{"manager": entry.get("manager", ""), "fieldsV1": {"f:spec": {}}} for entry in entries]


def autoscaler_facts(body: Body) -> AutoscalerFacts:
    spec = body.get("spec") or {}
    digest = (body["metadata"].get("annotations") or {}).get(METRICS_DIGEST) or ""
    return AutoscalerFacts(int(spec.get("minReplicas", 1)), int(spec.get("maxReplicas", 1)), digest)


def service_port(body: Body) -> int:
    """The port users' requests go to."""
    ports = (body.get("spec") or {}).get("ports") or ()
    return int(ports[0]["port"]) if ports else 0


def pod_facts(body: Body) -> PodFacts:
    metadata, status = body["metadata"], body.get("status") or {}
    conditions = {c["type"]: c for c in status.get("conditions") or ()}
    containers = [*(status.get("initContainerStatuses") or ()), *(status.get("containerStatuses") or ())]
    stuck = next((c for c in containers if (c.get("state") or {}).get("waiting", {}).get("reason") not in _HARMLESS_WAITS), None)
    waiting = stuck["state"]["waiting"] if stuck else {}
    ended = [(c, t) for c in containers if (t := _last_end(c)) is not None]
    last = max(ended, key=lambda pair: pair[1].get("finishedAt") or "", default=None)
    scheduled = conditions.get("PodScheduled") or {}
    return PodFacts(
        uid=metadata.get("uid") or "",
        revision=revision_label(body),
        ready=(conditions.get("Ready") or {}).get("status") == "True",
        leaving=bool(metadata.get("deletionTimestamp")),
        restarts=sum(int(c.get("restartCount") or 0) for c in containers),
        last_exit=datetime.fromisoformat(last[1]["finishedAt"]) if last and last[1].get("finishedAt") else None,
        exit_words=_exit_words(*last) if last else "",
        running_since=_running_since(status.get("containerStatuses") or ()),
        waiting=waiting.get("reason") or "",
        message=waiting.get("message") or "",
        image=stuck.get("image") or "" if stuck else "",
        unschedulable=scheduled.get("message") or "" if scheduled.get("reason") == "Unschedulable" else "",
    )


_LAST_WORDS = 200
"""Characters of what a container said at its end: a stack trace names its cause last."""
_HARMLESS_WAITS = (None, "ContainerCreating", "PodInitializing")


def _last_end(container: Body) -> Body | None:
    """How the container ended last: now, or before its present run. An init container that is done did not fail."""
    now = (container.get("state") or {}).get("terminated")
    if now is not None and now.get("exitCode") == 0 and now.get("reason") == "Completed" and not container.get("restartCount"):
        return None
    before: Body | None = (container.get("lastState") or {}).get("terminated")
    return now or before


def _running_since(containers: Sequence[Body]) -> datetime | None:
    starts = [str(((c.get("state") or {}).get("running") or {}).get("startedAt") or "") for c in containers]
    return datetime.fromisoformat(max(starts)) if starts and all(starts) else None


def _exit_words(container: Body, end: Body) -> str:
    told = (end.get("message") or "").strip()
    told = f": {told if len(told) <= _LAST_WORDS else '…' + told[-_LAST_WORDS:]}" if told else ""
    return f"container {container['name']} exited with code {end.get('exitCode')} ({end.get('reason') or 'no reason'}){told}"
