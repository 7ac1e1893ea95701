"""When is nothing to be written? Intents against objects as the API server stores them."""

from copy import deepcopy
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headgate.kube.containment import differs
from headgate.kube.labels import Owner, TrafficRole
from headgate.kube.workloads import Workload, deployment, service

Fields = dict[str, Any]


@pytest.mark.parametrize(
    ("intent", "observed", "expected"),
    [
        ({"a": 1}, None, True),
        ({"a": 1}, {"a": 1, "b": 2}, False),
        ({"a": 1}, {"a": 2}, True),
        ({"a": {"b": 1}}, {"a": 1}, True),
        ({"a": [1, 2]}, {"a": [1, 2]}, False),
        ({"args": ["x"]}, {"args": ["x", "y"]}, True),
        ({"args": ["x", "y"]}, {"args": ["y", "x"]}, True),
        ({"args": []}, {"args": ["x"]}, True),
        ({"args": []}, {}, False),
        ({"replicas": 0}, {"replicas": 1}, True),
        ({"replicas": 0}, {"replicas": 0}, False),
        ({"securityContext": {}}, {"securityContext": {"runAsUser": 1}}, False),
        ({"hostNetwork": False}, {}, False),
        ({"hostNetwork": False}, {"hostNetwork": True}, True),
        ({"replicas": None}, {"replicas": 3}, False),
        ({"limits": {"cpu": "1000m"}}, {"limits": {"cpu": "1"}}, False),
        ({"limits": {"cpu": 1}}, {"limits": {"cpu": "1"}}, False),
        ({"limits": {"cpu": "0.5"}}, {"limits": {"cpu": "500m"}}, False),
        ({"limits": {"memory": "1024Mi"}}, {"limits": {"memory": "1Gi"}}, False),
        ({"limits": {"memory": "1e3"}}, {"limits": {"memory": "1k"}}, False),
        ({"limits": {"memory": "1G"}}, {"limits": {"memory": "1Gi"}}, True),
        ({"args": ["1000m"]}, {"args": ["1"]}, True),
        ({"containers": [{"name": "m"}]}, {"containers": [{"name": "injected"}, {"name": "m"}]}, False),
        ({"containers": [{"name": "m", "image": "a"}]}, {"containers": [{"name": "m", "image": "b"}]}, True),
        ({"containers": [{"name": "m"}]}, {"containers": [{"name": "n"}]}, True),
        ({"tolerations": [{"key": "a"}]}, {"tolerations": [{"key": "b"}, {"key": "a"}]}, True),
        ({"ports": [{"containerPort": 1}]}, {"ports": [{"containerPort": 2}, {"containerPort": 1, "protocol": "TCP"}]}, False),
        ({"ports": [{"port": 1, "protocol": "UDP"}]}, {"ports": [{"port": 1, "protocol": "TCP"}]}, True),
    ],
)
def test_differs(intent: Fields, observed: Fields | None, expected: bool) -> None:
    assert differs(intent, observed) is expected


WORDS = st.sampled_from(["a", "bb", "c-c"])
CONTAINERS = st.lists(
    st.fixed_dictionaries(
        {"name": WORDS, "image": st.sampled_from(["r/a@sha256:1", "r/b:latest"])},
        optional={
            "args": st.lists(WORDS, max_size=2),
            "env": st.lists(st.fixed_dictionaries({"name": WORDS, "value": WORDS}), max_size=2, unique_by=lambda item: item["name"]),
            "resources": st.fixed_dictionaries({"limits": st.fixed_dictionaries({"cpu": st.sampled_from(["500m", "2"])})}),
            "readinessProbe": st.just({"httpGet": {"port": 8080}}),
            "ports": st.just([{"containerPort": 8080}]),
            "lifecycle": st.just({"preStop": {"exec": {"command": ["sleep", "5"]}}}),
        },
    ),
    min_size=1,
    max_size=3,
    unique_by=lambda item: item["name"],
)
TEMPLATES = st.fixed_dictionaries(
    {"spec": st.fixed_dictionaries({"containers": CONTAINERS}, optional={"terminationGracePeriodSeconds": st.integers(1, 90)})},
    optional={"metadata": st.fixed_dictionaries({"annotations": st.just({"prometheus.io/scrape": "true"})})},
)
WORKLOADS = st.builds(
    Workload,
    model=st.just("credit"),
    namespace=st.just("lending"),
    revision=st.just("0a1b2c3d"),
    template=TEMPLATES,
    port=st.just(8080),
    replicas=st.none() | st.integers(0, 5),
    drain=st.sampled_from([0, 0.5, 30]),
    role=st.sampled_from(TrafficRole),
    attempt=st.just("1"),
    owner=st.none() | st.just(Owner("headgate.dev/v1alpha1", "AIModel", "credit", "u-1")),
)


def stored_deployment(intent: Fields) -> Fields:
    """What kube-apiserver 1.36 makes of it: defaults of apps/v1 and core/v1, system metadata, status."""
    result = deepcopy(intent)
    result["metadata"] |= {"uid": "d-1", "generation": 1, "resourceVersion": "5", "managedFields": [{"manager": "headgate"}]}
    result["status"] = {"observedGeneration": 1}
    result["spec"].setdefault("replicas", 1)
    pod = result["spec"]["template"]["spec"]
    defaults = {"dnsPolicy": "ClusterFirst", "restartPolicy": "Always", "securityContext": {}, "schedulerName": "default-scheduler"}
    pod |= {key: value for key, value in {**defaults, "terminationGracePeriodSeconds": 30}.items() if key not in pod}
    for container in pod["containers"]:
        container.setdefault("resources", {})
        container |= {"terminationMessagePath": "/dev/termination-log", "terminationMessagePolicy": "File"}
        container["imagePullPolicy"] = "Always" if container["image"].endswith(":latest") else "IfNotPresent"
        for port in container.get("ports", ()):
            port.setdefault("protocol", "TCP")
        for empty in [key for key, value in container.items() if value == [] and key != "resources"]:
            del container[empty]
        if "readinessProbe" in container:
            probe = container["readinessProbe"]
            probe |= {key: value for key, value in PROBE.items() if key not in probe}
            if "httpGet" in probe:
                probe["httpGet"] |= {"path": "/", "scheme": "HTTP"}
    return result


PROBE = {"timeoutSeconds": 1, "periodSeconds": 10, "successThreshold": 1, "failureThreshold": 3}


def leaves(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Paths to all values of an intent that are no containers."""
    if isinstance(value, dict):
        return [leaf for key, each in value.items() for leaf in leaves(each, (*path, key))]
    if isinstance(value, list):
        return [leaf for index, each in enumerate(value) for leaf in leaves(each, (*path, index))]
    return [path]


def meddled(stored: Fields, path: tuple[Any, ...]) -> Fields:
    result = deepcopy(stored)
    place: Any = result
    for key in path[:-1]:
        place = place[key]
    old = place[path[-1]]
    place[path[-1]] = (not old) if isinstance(old, bool) else old + 1 if isinstance(old, int) else "7"
    return result


@settings(max_examples=150)
@given(WORKLOADS)
def test_a_deployment_that_was_applied_is_not_applied_again(workload: Workload) -> None:
    intent = deployment(workload)
    assert differs(intent, None)
    assert not differs(intent, stored_deployment(intent))


@settings(max_examples=150)
@given(WORKLOADS, st.data())
def test_a_change_to_anything_we_said_is_noticed(workload: Workload, data: st.DataObject) -> None:
    intent = deployment(workload)
    path = data.draw(st.sampled_from(leaves(intent)))
    assert differs(intent, meddled(stored_deployment(intent), path)), path


@given(WORKLOADS, st.data())
def test_a_service_is_written_once_and_repaired_when_changed(workload: Workload, data: st.DataObject) -> None:
    intent = service(workload)
    stored = deepcopy(intent)
    stored["spec"] |= {"clusterIP": "10.96.0.9", "clusterIPs": ["10.96.0.9"], "sessionAffinity": "None", "ipFamilies": ["IPv4"]}
    assert not differs(intent, stored)
    path = data.draw(st.sampled_from(leaves(intent)))
    assert differs(intent, meddled(stored, path)), path
