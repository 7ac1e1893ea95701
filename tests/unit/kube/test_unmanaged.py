"""A look through the cluster for AI without an AIModel: whose is what, and what could not be looked at."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from prometheus_client import CollectorRegistry
from tests.unit.kube.fake_api import FakeApi

from headgate.kube.errors import Forbidden, Gone, KubeError, NotFound, Unavailable
from headgate.kube.interface import Object
from headgate.kube.resources import (
    AIMODELS,
    CONFIG_MAPS,
    CRON_JOBS,
    DEPLOYMENTS,
    INFERENCE_SERVICES,
    JOBS,
    PODS,
    SERVICE_ENTRIES,
    STATEFUL_SETS,
    Resource,
)
from headgate.kube.unmanaged import Sighting, UnmanagedSearch, UnusableSignatures
from headgate.monitor.unmanaged import UnmanagedWatch

POD = {"containers": [{"name": "server", "image": "vllm/vllm-openai:v0.6"}]}
TEMPLATE = {"template": {"spec": POD}}
OURS = {"app.kubernetes.io/managed-by": "headgate", "headgate.dev/model": "credit-scorer"}


class Cluster(FakeApi):
    """`refused`: by plural, what the API server says instead of a list. Each is said once if `passing`."""

    def __init__(self, *, passing: bool = False) -> None:
        super().__init__()
        self.refused: dict[str, KubeError] = {}
        self.passing = passing

    def put(self, resource: Resource, name: str, spec: Any, namespace: str = "lending", **metadata: Any) -> None:
        made = {"name": name, "namespace": namespace, "resourceVersion": str(len(self.calls)), **metadata}
        body = {"metadata": made, "data": spec} if resource is CONFIG_MAPS else {"metadata": made, "spec": spec}
        self.objects[resource.plural, namespace, name] = body

    async def pages(self, resource: Resource, namespace: str | None = None, *, labels: str = "") -> AsyncIterator[tuple[Object, ...]]:
        async for page in super().pages(resource, namespace):
            yield page
            if resource.plural in self.refused:
                raise self.refused.pop(resource.plural) if self.passing else self.refused[resource.plural]


def search(cluster: Cluster, within: str | None = None) -> UnmanagedSearch:
    return UnmanagedSearch(cluster, "headgate-system", within)  # type: ignore[arg-type]


def look(cluster: Cluster, within: str | None = None) -> Sighting:
    return asyncio.run(search(cluster, within).look())


def found(cluster: Cluster) -> list[tuple[str, str, str]]:
    return [(one.namespace, one.kind, one.name) for one in look(cluster).found]


def owner(kind: str, name: str, *, controls: bool = True) -> dict[str, Any]:
    return {"ownerReferences": [{"kind": kind, "name": name, "controller": controls}]}


def test_every_kind_of_workload_is_found_once_through_who_made_it() -> None:
    cluster = Cluster()
    cluster.put(DEPLOYMENTS, "chat", TEMPLATE)
    cluster.put(STATEFUL_SETS, "store", TEMPLATE, namespace="search")
    cluster.put(CRON_JOBS, "nightly", {"jobTemplate": {"spec": TEMPLATE}})
    cluster.put(JOBS, "nightly-1", TEMPLATE, **owner("CronJob", "nightly"))
    cluster.put(JOBS, "once", TEMPLATE)
    cluster.put(INFERENCE_SERVICES, "iris", {})
    cluster.put(DEPLOYMENTS, "iris-predictor", TEMPLATE, **owner("InferenceService", "iris"))
    cluster.put(PODS, "bare", POD)
    cluster.put(PODS, "chat-1", POD, labels={"pod-template-hash": "x"}, **owner("ReplicaSet", "chat-x"))
    cluster.put(PODS, "store-0", POD, **owner("StatefulSet", "store"))
    cluster.put(PODS, "once-1", POD, **owner("Job", "once"))
    for number in range(3):
        cluster.put(PODS, f"ray-{number}", POD, **owner("RayCluster", "ray"))
    cluster.put(PODS, "rs-1", POD, **owner("ReplicaSet", "alone"))
    cluster.put(DEPLOYMENTS, "shop", {"template": {"spec": {"containers": [{"name": "a", "image": "shop"}]}}})
    assert found(cluster) == [
        ("lending", "CronJob", "nightly"),
        ("lending", "Deployment", "chat"),
        ("lending", "InferenceService", "iris"),
        ("lending", "Job", "once"),
        ("lending", "Pod", "bare"),
        ("lending", "RayCluster", "ray"),
        ("lending", "ReplicaSet", "alone"),
        ("search", "StatefulSet", "store"),
    ]


def test_what_an_aimodel_owns_is_managed_and_a_label_alone_owns_nothing() -> None:
    cluster = Cluster()
    cluster.put(AIMODELS, "credit-scorer", {})
    cluster.put(DEPLOYMENTS, "credit-scorer-1", TEMPLATE, labels=OURS)
    cluster.put(INFERENCE_SERVICES, "iris", {}, **owner("AIModel", "credit-scorer", controls=False))
    assert found(cluster) == []
    cluster.put(DEPLOYMENTS, "elsewhere", TEMPLATE, namespace="search", labels=OURS)
    cluster.put(DEPLOYMENTS, "gone", TEMPLATE, labels=OURS | {"headgate.dev/model": "gone"})
    cluster.put(DEPLOYMENTS, "half", TEMPLATE, labels={"headgate.dev/model": "credit-scorer"})
    cluster.put(STATEFUL_SETS, "labelled", TEMPLATE, labels=OURS)
    assert [name for _, _, name in found(cluster)] == ["gone", "half", "labelled", "elsewhere"]


def test_egress_is_told_apart_from_workloads() -> None:
    cluster = Cluster()
    cluster.put(SERVICE_ENTRIES, "openai", {"hosts": ["api.openai.com"]})
    sighting = look(cluster)
    assert ([one.name for one in sighting.egress], sighting.workloads) == (["openai"], ())


def test_one_namespace_alone() -> None:
    cluster = Cluster()
    cluster.put(DEPLOYMENTS, "chat", TEMPLATE)
    cluster.put(DEPLOYMENTS, "other", TEMPLATE, namespace="search")
    assert [one.name for one in look(cluster, "search").found] == ["other"]


def test_a_kind_that_is_not_there_is_no_fault_and_one_that_is_forbidden_is_told() -> None:
    cluster = Cluster()
    for name in ("chat", "chat-2", "chat-3"):
        cluster.put(DEPLOYMENTS, name, TEMPLATE)
    cluster.refused = {INFERENCE_SERVICES.plural: NotFound("no kind", status=404), PODS.plural: Forbidden("pods is forbidden", status=403)}
    sighting = look(cluster)
    assert len(sighting.found) == 3
    assert sighting.unseen == ("pods: pods is forbidden",)
    assert max(sum(call == ("page", "deployments") for call in cluster.calls), 0) == 2, "a page at a time"


@pytest.mark.parametrize("error", [Unavailable("down", status=503), Forbidden("no", status=403)])
def test_without_the_aimodels_nothing_is_said(error: KubeError) -> None:
    cluster = Cluster()
    cluster.put(DEPLOYMENTS, "chat", TEMPLATE)
    cluster.refused = {AIMODELS.plural: error}
    with pytest.raises(KubeError):
        look(cluster)


@pytest.mark.parametrize(("passing", "unseen"), [(True, 0), (False, 1)])
def test_a_list_that_the_server_forgot_is_begun_again(passing: bool, unseen: int) -> None:
    cluster = Cluster(passing=passing)
    for number in range(5):
        cluster.put(DEPLOYMENTS, f"chat-{number}", TEMPLATE)
    cluster.refused = {DEPLOYMENTS.plural: Gone("too old", status=410)}
    sighting = look(cluster)
    assert len(sighting.unseen) == unseen
    assert len(sighting.found) == (5 if passing else 2)


def test_an_own_table_of_signatures_is_in_force_until_it_is_deleted() -> None:
    cluster = Cluster()
    cluster.put(DEPLOYMENTS, "chat", TEMPLATE)
    looking = search(cluster)
    assert asyncio.run(looking.look()).signatures == "2026-11"
    own = "version: bank-1\nproducts: {Oracle: {images: [bank/oracle]}}"
    cluster.put(CONFIG_MAPS, "headgate-ai-signatures", {"signatures.yaml": own}, namespace="headgate-system")
    sighting = asyncio.run(looking.look())
    assert (sighting.signatures, sighting.found) == ("bank-1", ())
    for broken in ({"signatures.yaml": "version: [1]"}, {}):
        cluster.put(CONFIG_MAPS, "headgate-ai-signatures", broken, namespace="headgate-system")
        for _ in range(2):
            with pytest.raises(UnusableSignatures, match="headgate-system/headgate-ai-signatures"):
                asyncio.run(looking.look())
    del cluster.objects[CONFIG_MAPS.plural, "headgate-system", "headgate-ai-signatures"]
    assert len(asyncio.run(looking.look()).found) == 1


def gauges(registry: CollectorRegistry) -> dict[str, float]:
    return {
        sample.labels.get("namespace", sample.name.removeprefix("headgate_unmanaged_")): sample.value
        for family in registry.collect()
        for sample in family.samples
    }


def test_the_metric_goes_with_what_it_counts_and_stands_while_nobody_can_look() -> None:
    cluster, registry = Cluster(), CollectorRegistry()
    watch = UnmanagedWatch(search(cluster), registry, lambda: 1000.0)
    cluster.put(DEPLOYMENTS, "chat", TEMPLATE)
    cluster.put(DEPLOYMENTS, "chat-2", TEMPLATE)
    cluster.put(PODS, "bare", POD, namespace="search")
    asyncio.run(watch.look())
    assert gauges(registry) == {"lending": 2, "search": 1, "unseen": 0, "last_success_timestamp_seconds": 1000.0}
    cluster.refused = {PODS.plural: Forbidden("no", status=403)}
    del cluster.objects[PODS.plural, "search", "bare"]
    asyncio.run(watch.look())
    assert gauges(registry) == {"lending": 2, "search": 1, "unseen": 1, "last_success_timestamp_seconds": 1000.0}
    cluster.failure = Unavailable("down", status=503)
    assert asyncio.run(watch.look()) is None
    assert gauges(registry)["lending"] == 2
    cluster.failure, cluster.refused = None, {}
    del cluster.objects[DEPLOYMENTS.plural, "lending", "chat"]
    asyncio.run(watch.look())
    assert gauges(registry) == {"lending": 1, "unseen": 0, "last_success_timestamp_seconds": 1000.0}
