"""The Job that compares answers: no rights, no endpoint, nothing that the kubelet would change."""

import json
from typing import Any

import pytest

from headgate.api.replay import ReplayPlan
from headgate.kube.labels import Owner
from headgate.kube.replays import RunnerImage, replay_job

OWNER = Owner("headgate.dev/v1alpha1", "AIModel", "credit", "u-1")
IMAGE = RunnerImage("registry.example/headgate@sha256:9c", "Always", ("pull",))


def plan(**golden: Any) -> ReplayPlan:
    replay = {"goldenSet": golden or {"configMap": {"name": "golden"}}, "compare": [{"pointer": "/$(HOME)"}]}
    return ReplayPlan.model_validate({"stable": "http://s", "candidate": "http://c", "replay": replay, "limits": {"minAgreement": "0.9"}})


def job(image: RunnerImage = IMAGE, **golden: Any) -> dict[str, Any]:
    return replay_job("credit-replay-0a1b2c3d", "lending", "credit", 4, plan(**golden), image, OWNER)


def test_it_belongs_to_its_model_and_is_no_endpoint_of_any_version() -> None:
    made = job()
    assert made["metadata"]["labels"] == {
        "app.kubernetes.io/managed-by": "headgate",
        "headgate.dev/model": "credit",
        "headgate.dev/replay": "credit-replay-0a1b2c3d",
        "headgate.dev/attempt": "4",
    }
    assert made["metadata"]["ownerReferences"][0]["uid"] == "u-1"
    assert made["spec"]["template"]["metadata"]["labels"] == {
        "headgate.dev/model": "credit",
        "headgate.dev/replay": "credit-replay-0a1b2c3d",
    }
    assert made["spec"]["activeDeadlineSeconds"] > 1800


def test_what_has_to_be_repaired_first_is_not_tried_again() -> None:
    made = job()["spec"]
    (rule,) = made["podFailurePolicy"]["rules"]
    assert rule == {"action": "FailJob", "onExitCodes": {"operator": "In", "values": [3]}}
    assert made["template"]["spec"]["restartPolicy"] == "Never", "the API server asks for it beside such a rule"


def test_its_pod_has_no_rights_and_meets_the_restricted_standard() -> None:
    pod = job()["spec"]["template"]["spec"]
    assert pod["automountServiceAccountToken"] is False
    assert "serviceAccountName" not in pod
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    (container,) = pod["containers"]
    assert (container["image"], container["imagePullPolicy"], container["args"]) == (IMAGE.name, "Always", ["replay"])
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert pod["imagePullSecrets"] == [{"name": "pull"}]
    assert "imagePullSecrets" not in job(RunnerImage("i"))["spec"]["template"]["spec"]


def test_the_plan_arrives_as_it_was_made() -> None:
    """The kubelet reads $$ as one $, and would replace $(HOME)."""
    (variable,) = job()["spec"]["template"]["spec"]["containers"][0]["env"]
    assert variable["name"] == "HEADGATE_REPLAY_PLAN"
    assert "$$(HOME)" in variable["value"]
    assert ReplayPlan.model_validate(json.loads(variable["value"].replace("$$", "$"))) == plan()


@pytest.mark.parametrize(
    ("golden", "volume"),
    [
        ({"configMap": {"name": "set"}}, {"configMap": {"name": "set", "optional": True}}),
        ({"persistentVolumeClaim": {"claimName": "disk"}}, {"persistentVolumeClaim": {"claimName": "disk", "readOnly": True}}),
        ({"http": {"url": "http://logs/set.jsonl"}}, None),
    ],
)
def test_a_set_in_the_cluster_is_mounted_read_only(golden: dict[str, Any], volume: dict[str, Any] | None) -> None:
    pod = job(**golden)["spec"]["template"]["spec"]
    if volume is None:
        assert "volumes" not in pod
        assert "volumeMounts" not in pod["containers"][0]
        return
    assert pod["volumes"] == [{"name": "golden", **volume}]
    assert pod["containers"][0]["volumeMounts"] == [{"name": "golden", "mountPath": "/golden", "readOnly": True}]
