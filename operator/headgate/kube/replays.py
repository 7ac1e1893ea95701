"""The Job that compares answers, and what its pod says at its end."""

from dataclasses import dataclass
from typing import Any

from headgate.api.replay import GOLDEN_MOUNT, PLAN_VARIABLE, UNUSABLE_EXIT, GoldenSet, ReplayPlan
from headgate.kube.interface import Object
from headgate.kube.labels import ATTEMPT, MODEL, PREFIX, Owner, object_metadata
from headgate.kube.resources import JOBS

REPLAY = PREFIX + "replay"
"""Label of the Job and its pod, with the Job's name. Admission lets only the Job controller make such pods: what they say is believed."""

_STARTING = 300
"""Seconds beyond the plan's own limit: for an image to be pulled, a volume to be mounted, and the report to be written."""
_RETRIES = 2
_USER = 65532


@dataclass(frozen=True, slots=True)
class RunnerImage:
    """The operator's own image, as its chart names it; empty where nobody said."""

    name: str = ""
    pull_policy: str = "IfNotPresent"
    pull_secrets: tuple[str, ...] = ()


def replay_job(name: str, namespace: str, model: str, attempt: int, plan: ReplayPlan, image: RunnerImage, owner: Owner) -> Object:
    """Runs without rights: no token is mounted, whatever the namespace's default account may do. Within the restricted Pod Security
    Standard. Always belongs to the AIModel: nobody reads it without."""
    labels = {MODEL: model, REPLAY: name}
    pod: dict[str, Any] = {
        "restartPolicy": "Never",
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "securityContext": {
            "runAsNonRoot": True,
            "runAsUser": _USER,
            "runAsGroup": _USER,
            "fsGroup": _USER,
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "containers": [_container(plan, image)],
    }
    if image.pull_secrets:
        pod["imagePullSecrets"] = [{"name": secret} for secret in image.pull_secrets]
    if (volume := _volume(plan.replay.golden_set)) is not None:
        pod["volumes"] = [{"name": "golden", **volume}]
    return {
        "apiVersion": JOBS.api_version,
        "kind": JOBS.kind,
        "metadata": object_metadata(name, namespace, owner, {**labels, ATTEMPT: str(attempt)}),
        "spec": {
            "backoffLimit": _RETRIES,
            "podFailurePolicy": {"rules": [{"action": "FailJob", "onExitCodes": {"operator": "In", "values": [UNUSABLE_EXIT]}}]},
            "activeDeadlineSeconds": int(plan.limits.timeout) + _STARTING,
            "template": {"metadata": {"labels": labels}, "spec": pod},
        },
    }


def _container(plan: ReplayPlan, image: RunnerImage) -> dict[str, Any]:
    # The kubelet would replace $(…) in a value; $$ stands for one $.
    said = plan.model_dump_json(by_alias=True, exclude_none=True).replace("$", "$$")
    container: dict[str, Any] = {
        "name": "replay",
        "image": image.name,
        "imagePullPolicy": image.pull_policy,
        "args": ["replay"],
        "env": [{"name": PLAN_VARIABLE, "value": said}],
        "resources": {"requests": {"cpu": "50m", "memory": "128Mi"}, "limits": {"memory": "512Mi"}},
        "securityContext": {"allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True, "capabilities": {"drop": ["ALL"]}},
        "terminationMessagePolicy": "File",
    }
    if plan.replay.golden_set.http is None:
        container["volumeMounts"] = [{"name": "golden", "mountPath": GOLDEN_MOUNT, "readOnly": True}]
    return container


def _volume(golden: GoldenSet) -> dict[str, Any] | None:
    if golden.config_map is not None:
        # A pod that waits for a ConfigMap says nothing; one that misses it says what is missing.
        return {"configMap": {"name": golden.config_map.name, "optional": True}}
    if golden.persistent_volume_claim is not None:
        return {"persistentVolumeClaim": {"claimName": golden.persistent_volume_claim.claim_name, "readOnly": True}}
    return None
