"""ConfigMaps and Secrets as part of a revision, and what was deleted of a live version, with real pods.

The chart is installed for one namespace here, and may read Secrets there.
"""

import base64
import json
import time
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

import pytest
from tests.e2e.conftest import Bed
from tests.e2e.installing import install, upgrade

from demo import people
from demo.kubectl import ROOT, apply, get, headgate, kubectl, remove
from demo.people import APPROVERS, MODEL
from demo.release import manifest
from demo.versions import FIRST

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(480)]

NAMESPACE = "configured"
Object = dict[str, Any]
Found = TypeVar("Found")


def eventually(what: str, ask: Callable[[], Found | None], seconds: float = 40) -> Found:
    """What `ask` gives as soon as it is not None."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if (found := ask()) is not None:
            return found
        time.sleep(0.2)
    raise AssertionError(f"{what}: {headgate('explain', MODEL, '-n', NAMESPACE)}")


def write_limits(value: str) -> None:
    apply({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "limits", "namespace": NAMESPACE}, "data": {"LIMIT": value}})


def write_password(value: str) -> None:
    metadata = {"name": "store", "namespace": NAMESPACE}
    apply({"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "stringData": {"password": value}})


def model(version: str) -> Object:
    """The example, which mounts the ConfigMap limits and takes a variable from it, and one from the Secret store."""
    body = manifest(FIRST)
    body["metadata"]["namespace"] = NAMESPACE
    spec = body["spec"]
    spec["version"], spec["traffic"]["hostnames"] = version, ["configured.models.example"]
    pod = spec["serving"]["deployment"]["template"]["spec"]
    pod["volumes"] = [{"name": "limits", "configMap": {"name": "limits"}}]
    pod["containers"][0]["volumeMounts"] = [{"name": "limits", "mountPath": "/etc/limits"}]
    pod["containers"][0]["env"] += [
        {"name": "LIMIT", "valueFrom": {"configMapKeyRef": {"name": "limits", "key": "LIMIT"}}},
        {"name": "PASSWORD", "valueFrom": {"secretKeyRef": {"name": "store", "key": "password"}}},
        {"name": "RELEASED", "value": version},
    ]
    return body


def status() -> Object:
    return (get("aimodel", MODEL, NAMESPACE) or {}).get("status") or {}


def candidate_waiting(version: str, *, other_than: str = "") -> str | None:
    """Its revision, once it waits for approvals."""
    candidate = status().get("candidate") or {}
    ready = (candidate.get("gate") or {}).get("missing") and candidate.get("version") == version
    return candidate["revision"] if ready and candidate["revision"] != other_than else None


def live() -> str | None:
    stable = status().get("stable") or {}
    return stable.get("revision")


def pods(revision: str) -> dict[str, Object]:
    """Ready pods by uid."""
    listed = json.loads(kubectl("get", "pods", "-n", NAMESPACE, "-l", f"headgate.dev/revision={revision}", "-o", "json"))["items"]
    ready = {"type": "Ready", "status": "True"}
    return {
        pod["metadata"]["uid"]: pod
        for pod in listed
        if any(ready.items() <= condition.items() for condition in pod["status"].get("conditions", ()))
    }


def copy_read_by(pod: Object) -> str:
    names = {volume["configMap"]["name"] for volume in pod["spec"]["volumes"] if volume["name"] == "limits"}
    names |= {
        variable["valueFrom"]["configMapKeyRef"]["name"]
        for variable in pod["spec"]["containers"][0]["env"]
        if "configMapKeyRef" in variable.get("valueFrom", {})
    }
    (name,) = names
    return str(name)


@pytest.fixture
def narrow(bed: Bed) -> Iterator[None]:
    """The operator looks after one namespace, where the roles of people are as well, and a changed Secret is a new version."""
    remove(NAMESPACE)
    elsewhere = json.dumps(list(people.objects())).replace(f'"{people.NAMESPACE}"', f'"{NAMESPACE}"')
    apply(*json.loads(elsewhere.replace('"ClusterRole"', '"Role"')))
    try:
        upgrade("revisions.hashSecrets=true", f"watchNamespaces={{{NAMESPACE}}}")
        yield
    finally:
        install()
        kubectl("delete", "namespace", NAMESPACE, "--wait=false")


@pytest.fixture
def first_live(narrow: None) -> str:
    """The revision of v1, live, whose pods read limits and store."""
    kubectl("apply", "-f", str(ROOT / "examples/policies/fast.yaml"))
    write_limits("1")
    write_password("rose-garden")
    apply(model("v1"))
    # The rights of the process before went before it did, so its lease has to run out.
    eventually("v1 waits for approval", lambda: candidate_waiting("v1"), 90)
    return eventually("v1 is live", lambda: live() or _approve_what_is_missing(), 90)


def _approve_what_is_missing() -> None:
    """Also again: the chart has just written its admission policies, and what is approved before the next look at them proves nothing."""
    missing = ((status().get("candidate") or {}).get("gate") or {}).get("missing") or ()
    for role, person in APPROVERS.items():
        if any(words.startswith(f"{role}:") and ("nobody has approved" in words or "approve again" in words) for words in missing):
            headgate("approve", MODEL, "-n", NAMESPACE, "--role", role, "--as", person, "--yes", "--rationale", "the first version")


def test_pods_read_a_copy_an_edit_is_a_new_version_and_what_is_deleted_comes_back(first_live: str) -> None:
    before = eventually("the pods of v1 are ready", lambda: pods(first_live) if len(pods(first_live)) == 3 else None)
    (copy,) = {copy_read_by(pod) for pod in before.values()}
    assert copy.startswith(f"{MODEL}-{first_live}-")

    write_limits("2")
    second = eventually("the edit is a new version", lambda: _on_its_way({first_live}))
    assert (get("configmap", copy, NAMESPACE) or {})["data"] == {"LIMIT": "1"}
    shadow = eventually("the new version's pods are ready", lambda: pods(second) or None)
    (other,) = {copy_read_by(pod) for pod in shadow.values()}
    assert (get("configmap", other, NAMESPACE) or {})["data"] == {"LIMIT": "2"}

    write_password("tulip-garden")
    # Secrets are read every five minutes, and when the spec changes, also where that alone is no new version.
    again = model("v1")
    again["spec"]["traffic"]["hostnames"].append("also.configured.models.example")
    apply(again)
    eventually("another password is a new version as well", lambda: _on_its_way({first_live, second}), 60)
    stored = kubectl("get", "aimodels,deployments,configmaps,controllerrevisions,events", "-n", NAMESPACE, "-o", "json")
    assert not any(plain in stored for plain in ("tulip-garden", base64.b64encode(b"tulip-garden").decode()))

    apply(model("v2"))
    eventually("the spec has moved on", lambda: status().get("candidateVersion") == "v2" or None)
    assert pods(first_live).keys() == before.keys(), "no pod of the live version was touched"
    kubectl("delete", "deployment", f"{MODEL}-{first_live}", "-n", NAMESPACE, "--cascade=foreground", timeout=90)
    after = eventually("the live version's pods are back", lambda: pods(first_live) if len(pods(first_live)) == 3 else None)
    assert not after.keys() & before.keys()
    assert {copy_read_by(pod) for pod in after.values()} == {copy}


def _on_its_way(known: set[str]) -> str | None:
    """The candidate's revision, if it is none of those."""
    revision = (status().get("candidate") or {}).get("revision")
    return revision if revision and revision not in known else None
