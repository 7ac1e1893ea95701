"""Against a real API server: errors, server-side apply, no needless writes, routes that a real gateway judges, leases and events."""

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any
from uuid import uuid4

import pytest

from headgate.kube.client import KubeClient
from headgate.kube.containment import differs
from headgate.kube.errors import Conflict, Forbidden, Invalid, NotFound
from headgate.kube.events import EventRecorder, Happening, Regarding
from headgate.kube.interface import Object
from headgate.kube.labels import FIELD_MANAGER, MANAGED_BY, MANAGED_BY_HEADGATE, Owner, TrafficRole
from headgate.kube.lease import Elector, LeaseName
from headgate.kube.manifests import Manifest, read, stored
from headgate.kube.resources import CONFIG_MAPS, CONTROLLER_REVISIONS, DEPLOYMENTS, EVENTS, GATEWAYS, LEASES, NAMESPACES, SERVICES, Resource
from headgate.kube.routes import Mirror, ObservedRoute, Slot, WantedRoute, gateway
from headgate.kube.wire import Impersonation
from headgate.kube.workloads import Workload, deployment, service

pytestmark = pytest.mark.cluster

STABLE, CANDIDATE = "0a1b2c3d", "ffee0011"
GATEWAY = {"name": "public", "namespace": "gateways"}

Test = Callable[[KubeClient, str], Awaitable[None]]


@pytest.fixture(autouse=True)
def kubeconfig() -> str:
    path = os.environ.get("KUBECONFIG", "")
    if not path:
        pytest.fail('cluster tests need a cluster: run `make cluster-up`, then `eval "$(hack/cluster/env.sh)"`, which sets KUBECONFIG')
    return path


@asynccontextmanager
async def namespace(client: KubeClient) -> AsyncIterator[str]:
    name = f"headgate-test-{uuid4().hex[:8]}"
    await client.create(NAMESPACES, {"metadata": {"name": name}}, field_manager="test")
    try:
        yield name
    finally:
        await client.delete(NAMESPACES, name)


OPERATOR = Impersonation("system:serviceaccount:headgate-system:headgate", ("system:masters",))
"""Where the chart is installed, its policies let nobody else write objects with Headgate's labels."""


def run(test: Test) -> None:
    async def inside() -> None:
        async with await KubeClient.connect(impersonation=OPERATOR) as client, namespace(client) as name, asyncio.timeout(60):
            await test(client, name)

    asyncio.run(inside())


async def owner(client: KubeClient, name: str) -> Owner:
    """A real one: the garbage collector deletes objects whose owner does not exist."""
    made = await client.create(CONFIG_MAPS, {"metadata": {"name": "owner", "namespace": name}}, field_manager="test")
    return Owner("v1", "ConfigMap", "owner", made["metadata"]["uid"])


def workload(name: str, owned_by: Owner | None = None, **changes: Any) -> Workload:
    container = {
        "name": "model",
        "image": "registry.example/credit:latest",
        "args": ["--fast"],
        "env": [{"name": "EMPTY", "value": ""}, {"name": "NODE", "valueFrom": {"fieldRef": {"fieldPath": "spec.nodeName"}}}],
        "ports": [{"containerPort": 8080}],
        "resources": {"requests": {"cpu": "0.5", "memory": "1024Mi"}, "limits": {"cpu": 1}},
        "volumeMounts": [{"name": "scratch", "mountPath": "/tmp"}],
        "securityContext": {"privileged": False},
    }
    spec = {"containers": [container], "volumes": [{"name": "scratch", "emptyDir": {"sizeLimit": "2048Mi"}}], "hostNetwork": False}
    made = Workload(
        model="credit",
        namespace=name,
        revision=STABLE,
        template={"metadata": {"creationTimestamp": None, "annotations": {"prometheus.io/scrape": "true"}}, "spec": spec},
        port=8080,
        replicas=0,
        drain=30,
        role=TrafficRole.STABLE,
        attempt="1",
        owner=owned_by,
    )
    return replace(made, **changes)


def route(name: str, weight: int = 50, **changes: Any) -> WantedRoute:
    filters = [{"type": "RequestHeaderModifier", "requestHeaderModifier": {"set": [{"name": "x-a", "value": "b"}]}}]
    made = WantedRoute(
        name="credit",
        namespace=name,
        owner=None,
        parent_refs=(GATEWAY,),
        hostnames=(f"{name}.models.example",),
        rules=({"matches": [{"path": {"value": "/v1"}, "headers": [{"name": "x-t", "value": "a"}]}], "filters": filters}, {}),
        slots=(Slot(f"credit-{STABLE}", 8080, 1000 - weight, STABLE), Slot(f"credit-{CANDIDATE}", 8080, weight, CANDIDATE)),
        mirror=Mirror(f"credit-{CANDIDATE}", 8080, 0.5),
        attempt="1",
    )
    return replace(made, **changes)


async def applied(client: KubeClient, resource: Resource, intent: Object) -> Object:
    return await client.apply(resource, intent, field_manager=FIELD_MANAGER, force=True)


def test_what_was_applied_is_not_applied_again_and_repeating_it_changes_nothing() -> None:
    async def test(client: KubeClient, name: str) -> None:
        owned_by = await owner(client, name)
        intents = [
            (DEPLOYMENTS, deployment(workload(name, owned_by)), differs),
            (SERVICES, service(workload(name, owned_by)), differs),
            (gateway.RESOURCE, gateway.render(route(name, owner=owned_by)), gateway.differs),
        ]
        for resource, intent, compare in intents:
            first = await applied(client, resource, intent)
            assert not compare(intent, first), resource.plural
            again = await applied(client, resource, intent)
            # Controllers may have written status meanwhile, so that the resourceVersion says nothing.
            assert again["metadata"].get("generation") == first["metadata"].get("generation")
            assert again["spec"] == first["spec"]
            found = await client.list(resource, name, labels=f"{MANAGED_BY}={MANAGED_BY_HEADGATE}", page=1)
            assert [item["kind"] for item in found.items] == [resource.kind]

    run(test)


def test_an_edit_of_somebody_else_is_seen_and_repaired() -> None:
    async def test(client: KubeClient, name: str) -> None:
        wanted = route(name)
        intent = gateway.render(wanted)
        stored = await applied(client, gateway.RESOURCE, intent)
        rules = stored["spec"]["rules"]
        for rule in rules:
            rule["backendRefs"][1]["weight"] = 950
        edited = await client.patch(gateway.RESOURCE, "credit", name, {"spec": {"rules": rules}}, field_manager="kubectl-edit")
        observed = gateway.read(edited)
        assert gateway.differs(intent, edited)
        assert observed.weights == {STABLE: 500, CANDIDATE: 500}
        assert observed.foreign_managers == ("kubectl-edit",)
        repaired = gateway.read(await applied(client, gateway.RESOURCE, intent))
        assert repaired.weights == {STABLE: 950, CANDIDATE: 50}
        assert repaired.mirror_percent == 0.5

    run(test)


def test_a_write_that_raises_weight_on_an_old_view_conflicts_and_a_retry_without_view_does_not() -> None:
    async def test(client: KubeClient, name: str) -> None:
        stale = (await applied(client, gateway.RESOURCE, gateway.render(route(name, 50))))["metadata"]["resourceVersion"]
        await applied(client, gateway.RESOURCE, gateway.render(route(name, 0)))
        raising = gateway.render(route(name, 250))
        raising["metadata"]["resourceVersion"] = stale
        with pytest.raises(Conflict):
            await applied(client, gateway.RESOURCE, raising)
        lowered = await applied(client, gateway.RESOURCE, gateway.render(route(name, 0)))
        assert gateway.read(lowered).weights == {STABLE: 1000}

    run(test)


def test_weight_can_be_taken_away_though_the_users_new_rules_are_invalid() -> None:
    async def test(client: KubeClient, name: str) -> None:
        last = await applied(client, gateway.RESOURCE, gateway.render(route(name, 50)))
        broken = route(name, 0, mirror=None, rules=({"matches": [{"path": {"type": "PathPrefix", "value": "no-slash"}}]},))
        with pytest.raises(Invalid, match="must be an absolute path"):
            await applied(client, gateway.RESOURCE, gateway.render(broken))
        observed = gateway.read(await applied(client, gateway.RESOURCE, gateway.with_weights(last, broken)))
        assert observed.weights == {STABLE: 1000}
        assert observed.mirror_percent == 0

    run(test)


def test_a_real_gateway_accepts_and_names_what_it_cannot_resolve() -> None:
    async def test(client: KubeClient, name: str) -> None:
        await applied(client, gateway.RESOURCE, gateway.render(route(name, mirror=None)))

        async def judged() -> ObservedRoute:
            observed = gateway.read(await client.get(gateway.RESOURCE, "credit", name))
            while not observed.generation_current:
                await asyncio.sleep(0.2)
                observed = gateway.read(await client.get(gateway.RESOURCE, "credit", name))
            return observed

        dangling = await judged()
        assert (dangling.accepted, dangling.resolved, dangling.reason) == (True, False, "BackendNotFound")
        assert f"credit-{STABLE}" in dangling.message
        assert gateway.read_gateway(await client.get(GATEWAYS, GATEWAY["name"], GATEWAY["namespace"])).programmed is True

    run(test)


def test_refusals_carry_the_servers_words() -> None:
    async def test(client: KubeClient, name: str) -> None:
        with pytest.raises(NotFound, match=r'deployments\.apps "absent" not found'):
            await client.get(DEPLOYMENTS, "absent", name)
        misspelt = workload(name, template={"spec": {"containers": [{"name": "m", "image": "a", "redinessProbe": {}}]}})
        with pytest.raises(Invalid, match="redinessProbe"):
            await client.apply(DEPLOYMENTS, deployment(misspelt), field_manager=FIELD_MANAGER, dry_run=True)
        incomplete = workload(name, template={"spec": {"containers": [{"name": "m"}]}})
        with pytest.raises(Invalid, match=r"containers\[0\]\.image: Required value"):
            await client.apply(DEPLOYMENTS, deployment(incomplete), field_manager=FIELD_MANAGER, dry_run=True)
        shapeless = workload(name, template={"spec": {"containers": ["x"]}})
        with pytest.raises(Invalid, match="containers"):
            await client.apply(DEPLOYMENTS, deployment(shapeless), field_manager=FIELD_MANAGER, dry_run=True)

    run(test)


def test_a_dry_run_writes_nothing_and_a_deletion_hits_only_the_object_meant() -> None:
    async def test(client: KubeClient, name: str) -> None:
        intent = service(workload(name))
        await client.apply(SERVICES, intent, field_manager=FIELD_MANAGER, dry_run=True)
        assert (await client.list(SERVICES, name)).items == ()
        made = await applied(client, SERVICES, intent)
        with pytest.raises(Conflict):
            await client.delete(SERVICES, made["metadata"]["name"], name, uid=str(uuid4()))
        await client.delete(SERVICES, made["metadata"]["name"], name, uid=made["metadata"]["uid"])
        with pytest.raises(NotFound):
            await client.get(SERVICES, made["metadata"]["name"], name)

    run(test)


def test_an_impersonated_user_has_only_their_own_rights() -> None:
    async def test(_: KubeClient, name: str) -> None:
        async with await KubeClient.connect(impersonation=Impersonation("dana@bank.example", ("system:authenticated",))) as dana:
            with pytest.raises(Forbidden, match=r"dana@bank\.example"):
                await dana.list(DEPLOYMENTS, name)

    run(test)


def test_a_lease_is_won_released_and_won_by_the_next() -> None:
    async def test(client: KubeClient, name: str) -> None:
        for identity in ("first", "second"):
            acquired = asyncio.Event()
            elector = Elector(client, LeaseName(name, "headgate", identity), on_acquired=acquired.set, on_lost=lambda: None)
            task = asyncio.create_task(elector.run())
            await asyncio.wait_for(acquired.wait(), 5)
            assert elector.leading
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            await elector.release()
        spec = (await client.get(LEASES, "headgate", name))["spec"]
        assert spec["leaseTransitions"] == 1
        assert not spec.get("holderIdentity")

    run(test)


def test_events_are_accepted_and_counted_on() -> None:
    async def test(client: KubeClient, name: str) -> None:
        recorder = EventRecorder(client, "headgate-0")
        regarding = Regarding("headgate.dev/v1alpha1", "AIModel", name, "credit", str(uuid4()))
        for _ in range(3):
            await recorder.record(regarding, Happening("RollBack", "Guard", "é" * 2000))
        (event,) = (await client.list(EVENTS, name)).items
        assert event["series"]["count"] == 3
        assert event["note"].startswith("éé")

    run(test)


def test_the_owner_of_a_stored_manifest_can_change_although_its_data_cannot() -> None:
    manifest = Manifest(STABLE, "v1", "sha256:0", {"uri": "s3://credit/1/"}, 8080, 30, {"spec": {"z": "a <b> & c", "a": [1, 2]}})

    async def test(client: KubeClient, where: str) -> None:
        made = await client.apply(CONTROLLER_REVISIONS, stored(manifest, "credit", where, None, 1), field_manager=FIELD_MANAGER)
        name = made["metadata"]["name"]
        again = {"metadata": {"ownerReferences": None, "labels": {"seen": "yes"}}}
        await client.patch(CONTROLLER_REVISIONS, name, where, again, field_manager=FIELD_MANAGER)
        changed = stored(replace(manifest, port=80), "credit", where, None, 1)
        with pytest.raises(Invalid, match="immutable"):
            await client.apply(CONTROLLER_REVISIONS, changed, field_manager=FIELD_MANAGER, force=True)
        assert read(await client.get(CONTROLLER_REVISIONS, name, where), "credit", STABLE) == manifest

    run(test)
