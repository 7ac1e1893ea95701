"""Deployment and Service of one revision, as complete intents for server-side apply."""

import math
from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any

from headgate.kube.interface import Object
from headgate.kube.labels import ATTEMPT, MODEL, REVISION, ROLE, Owner, TrafficRole, annotations_of, object_metadata, revision_name
from headgate.kube.resources import DEPLOYMENTS, SERVICES
from headgate.rollout.snapshot import Provenance

_DEFAULT_GRACE = 30
"""Kubernetes' own default of terminationGracePeriodSeconds."""


@dataclass(frozen=True, slots=True)
class Workload:
    """One revision of a model as it shall run.

    `template` is the user's pod template, opaque. `replicas` is None while an autoscaler sets it. `drain`: seconds for which a pod
    goes on serving after it was told to go. `role` and `attempt` are labels of the Deployment only, never of pods: a promotion
    restarts nothing.
    """

    model: str
    namespace: str
    revision: str
    template: Mapping[str, Any]
    port: int
    replicas: int | None
    drain: float
    role: TrafficRole
    attempt: str
    owner: Owner | None = None
    provenance: Provenance = field(default_factory=Provenance)

    @property
    def name(self) -> str:
        return revision_name(self.model, self.revision)

    @property
    def selector(self) -> dict[str, str]:
        """Labels that exactly the pods of this revision carry."""
        return {MODEL: self.model, REVISION: self.revision}


def deployment(workload: Workload) -> Object:
    """Never takes a serving pod away before its replacement is ready."""
    labels = {**workload.selector, ROLE: str(workload.role), ATTEMPT: workload.attempt}
    spec: dict[str, Any] = {
        "selector": {"matchLabels": workload.selector},
        "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": 0, "maxSurge": "25%"}},
        # A revision's earlier templates are never returned to: another revision is another Deployment.
        "revisionHistoryLimit": 1,
        "progressDeadlineSeconds": 600,
        "template": _pod_template(workload),
    }
    if workload.replicas is not None:
        spec["replicas"] = workload.replicas
    metadata = object_metadata(workload.name, workload.namespace, workload.owner, labels)
    metadata["annotations"] = {key: value for key, value in annotations_of(workload.provenance).items() if value}
    return {
        "apiVersion": DEPLOYMENTS.api_version,
        "kind": DEPLOYMENTS.kind,
        "metadata": metadata,
        "spec": spec,
    }


def service(workload: Workload) -> Object:
    """The Service port is the serving port, so that a backendRef names the number the user wrote."""
    return {
        "apiVersion": SERVICES.api_version,
        "kind": SERVICES.kind,
        "metadata": object_metadata(workload.name, workload.namespace, workload.owner, workload.selector),
        "spec": {
            "type": "ClusterIP",
            "selector": workload.selector,
            "ports": [{"name": "http", "port": workload.port, "targetPort": workload.port, "protocol": "TCP"}],
        },
    }


def _pod_template(workload: Workload) -> dict[str, Any]:
    template: dict[str, Any] = deepcopy(dict(workload.template))
    # Parts of the wrong shape are passed on as they are: the API server's refusal names them better than we could.
    metadata = template.setdefault("metadata", {})
    if isinstance(metadata, dict):
        # The user's labels stay, except where they would take the pod out of its own Service.
        metadata["labels"] = {**_mapping(metadata.get("labels")), **workload.selector}
    spec = _mapping(template.get("spec"))
    containers = [container for container in spec.get("containers") or () if isinstance(container, dict)]
    if containers:
        _default_readiness(containers[0], workload.port)
        _let_requests_finish(spec, containers, math.ceil(workload.drain))
    return template


def _mapping(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _default_readiness(container: dict[str, Any], port: int) -> None:
    """Without a probe a pod counts as ready before it listens, and a weight would rise towards refused connections."""
    if not container.get("readinessProbe"):
        container["readinessProbe"] = {"tcpSocket": {"port": port}, "periodSeconds": 2}


def _let_requests_finish(spec: dict[str, Any], containers: list[dict[str, Any]], drain: int) -> None:
    """Keeps each container that has no preStop hook of its own serving for `drain` seconds after its pod began to terminate.

    Endpoints and gateways learn of a termination while it already runs, and many model servers stop at once on SIGTERM. All
    containers wait, as one that stops first would fail the requests that the first one still answers. The grace period is prolonged
    by the same time, since the hook runs inside it; an author with hooks in all containers keeps every number.
    """
    if drain == 0:
        return
    waiting = [container for container in containers if not _mapping(container.get("lifecycle")).get("preStop")]
    for container in waiting:
        container["lifecycle"] = {**_mapping(container.get("lifecycle")), "preStop": {"sleep": {"seconds": drain}}}
    grace = spec.get("terminationGracePeriodSeconds")
    if waiting and (grace is None or isinstance(grace, int)):
        spec["terminationGracePeriodSeconds"] = drain + (_DEFAULT_GRACE if grace is None else grace)
    elif grace is None:
        spec["terminationGracePeriodSeconds"] = max(_DEFAULT_GRACE, drain)
