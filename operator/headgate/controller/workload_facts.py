"""What decisions read of a revision's workload: its Deployment, autoscaler, Service and pods."""

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache

from headgate.controller.facts import Body, revision_label
from headgate.kube.autoscalers import METRICS_DIGEST
from headgate.kube.labels import ATTEMPT, ROLE, is_copy_name, provenance_of
from headgate.rollout.configuration import references
from headgate.rollout.snapshot import Provenance


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
    ready_since: datetime | None = None
    """None while it is not ready, and where the kubelet does not say it."""
    running_since: datetime | None = None
    """When the last of its containers started; None while one does not run."""
    waiting: str = ""
    message: str = ""
    image: str = ""
    unschedulable: str = ""
    labels: frozenset[str] = frozenset()
    """As selectors see them, each as `key=value`."""


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
    scheduled, readiness = conditions.get("PodScheduled") or {}, conditions.get("Ready") or {}
    ready, turned = readiness.get("status") == "True", readiness.get("lastTransitionTime")
    return PodFacts(
        uid=metadata.get("uid") or "",
        revision=revision_label(body),
        ready=ready,
        leaving=bool(metadata.get("deletionTimestamp")),
        restarts=sum(int(c.get("restartCount") or 0) for c in containers),
        last_exit=datetime.fromisoformat(last[1]["finishedAt"]) if last and last[1].get("finishedAt") else None,
        exit_words=_exit_words(*last) if last else "",
        ready_since=datetime.fromisoformat(turned) if ready and turned else None,
        running_since=_running_since(status.get("containerStatuses") or ()),
        waiting=waiting.get("reason") or "",
        message=waiting.get("message") or "",
        image=stuck.get("image") or "" if stuck else "",
        unschedulable=scheduled.get("message") or "" if scheduled.get("reason") == "Unschedulable" else "",
        labels=_shared(label_set(metadata.get("labels") or {})),
    )


def label_set(labels: Mapping[str, str]) -> frozenset[str]:
    """Labels, or what a selector asks for: one that selects is a part of the other."""
    return frozenset(sys.intern(f"{key}={value}") for key, value in labels.items())


@lru_cache(maxsize=4096)
def _shared(labels: frozenset[str]) -> frozenset[str]:
    """The same object for all pods of one ReplicaSet."""
    return labels


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
