"""The Job that asks for a new version of a model. What it runs is the model's team's; Headgate only starts it."""

from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

from headgate.api.base import GROUP
from headgate.kube.interface import Object
from headgate.kube.labels import MODEL, PREFIX, Owner, object_metadata
from headgate.kube.resources import JOBS

RETRAINING = PREFIX + "retraining"
"""Label of the Job, with its name."""
PRIORITY = PREFIX + "priority"
"""Label of the Job, for systems that queue Jobs: urgent, high or normal."""

_KEPT_FOR = 7 * 86_400
"""Seconds that a finished Job is kept, unless its template says otherwise."""
_NAME_LIMIT = 63


@dataclass(frozen=True, slots=True)
class Request:
    """Why a new version is asked for. `name` is the same for one drift, so that it is asked for once."""

    name: str
    namespace: str
    model: str
    revision: str
    priority: str
    severity: str
    why: str


def request_name(model: str, digest: str) -> str:
    """Within what a Job's name, and the label that its pods carry, may have."""
    return f"{model[: _NAME_LIMIT - 18]}-retrain-{digest[:8]}"


def retraining_job(request: Request, template: Mapping[str, Any], owner: Owner) -> Object:
    """`template` as in a CronJob. Labels of Headgate in it are left out: they would make its pods part of a version."""
    given = deepcopy(dict(template))
    metadata, spec = given.get("metadata") or {}, given.get("spec") or {}
    pods = spec.setdefault("template", {})
    pod = pods.setdefault("spec", {})
    if isinstance(pods.get("metadata"), dict):
        pods["metadata"]["labels"] = _foreign(pods["metadata"].get("labels"))
    pod.setdefault("restartPolicy", "Never")
    spec.setdefault("ttlSecondsAfterFinished", _KEPT_FOR)
    for container in (*(pod.get("containers") or ()), *(pod.get("initContainers") or ())):
        if isinstance(container, dict):
            container["env"] = [*(container.get("env") or ()), *_said(request)]
    labels = _foreign(metadata.get("labels")) | {MODEL: request.model, RETRAINING: request.name, PRIORITY: request.priority.lower()}
    made = object_metadata(request.name, request.namespace, owner, labels)
    made["annotations"] = _foreign(metadata.get("annotations")) | {PREFIX + "why": request.why}
    return {"apiVersion": JOBS.api_version, "kind": JOBS.kind, "metadata": made, "spec": spec}


def is_open(job: Object) -> bool:
    """Whether it has neither finished nor failed."""
    conditions = (job.get("status") or {}).get("conditions") or ()
    return not any(one.get("type") in ("Complete", "Failed") and one.get("status") == "True" for one in conditions)


def _said(request: Request) -> list[dict[str, str]]:
    values = {
        "HEADGATE_NAMESPACE": request.namespace,
        "HEADGATE_MODEL": request.model,
        "HEADGATE_REVISION": request.revision,
        "HEADGATE_PRIORITY": request.priority,
        "HEADGATE_SEVERITY": request.severity,
        "HEADGATE_REASON": request.why,
        "HEADGATE_REQUEST": request.name,
    }
    # The kubelet would replace $(…) in a value; $$ stands for one $.
    return [{"name": name, "value": value.replace("$", "$$")} for name, value in values.items()]


def _foreign(marks: Any) -> dict[str, str]:
    return {key: value for key, value in marks.items() if not str(key).startswith(f"{GROUP}/")} if isinstance(marks, dict) else {}
