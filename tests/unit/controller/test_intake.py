"""Events and lists: everything is read once before anything is decided, what watches lose is found, and a dead watch is told."""

import asyncio
from copy import deepcopy
from typing import Any

import pytest
from tests.simulation.clock import run
from tests.unit.controller.fake_cluster import FakeCluster
from tests.unit.controller.operator_world import KEY, OperatorWorld, in_canary, model_spec

from headgate.controller.cache import Cache
from headgate.controller.facts import ModelKey
from headgate.controller.intake import Intake
from headgate.controller.queue import Priority, Queue
from headgate.kube.errors import Forbidden, KubeError
from headgate.kube.interface import Listing
from headgate.kube.resources import AIMODELS, GATEWAYS, GOVERNANCE_APPROVALS, PODS, Resource


class Listed(FakeCluster):
    """`deny` answers lists of a kind with an error; `lists` tells what was listed."""

    def __init__(self, world: OperatorWorld) -> None:
        super().__init__()
        self.objects = world.api.objects
        self._version = 10_000
        self.deny: dict[str, KubeError] = {}
        self.lists: list[tuple[str, str | None, str]] = []

    async def list(self, resource: Resource, namespace: str | None = None, *, labels: str = "", fields: str = "") -> Listing:
        self.lists.append((resource.plural, namespace, labels))
        if resource.plural in self.deny:
            raise self.deny[resource.plural]
        return await super().list(resource, namespace, labels=labels, fields=fields)


class Bench:
    """An intake on an empty cache. Made inside a running loop, whose clock it uses."""

    def __init__(self, world: OperatorWorld, **options: Any) -> None:
        self.api = Listed(world)
        self.cache = Cache(policy_namespace="platform", wall=world.clock)
        self.queue: Queue[ModelKey] = Queue()
        self.intake = Intake(self.api, self.cache, self.queue, monotonic=asyncio.get_running_loop().time, **options)

    def drain(self) -> list[ModelKey]:
        found = []
        while (key := self.queue._next(Priority.STABLE)) is not None:
            self.queue.done(key)
            found.append(key)
        return found


@pytest.fixture
def world() -> OperatorWorld:
    return in_canary()


def test_everything_is_listed_before_anything_counts_as_known(world: OperatorWorld) -> None:
    async def scene() -> None:
        bench = Bench(world)
        assert not bench.intake.filled
        assert bench.intake.age == float("inf")
        await bench.intake.fill()
        assert bench.intake.filled
        assert bench.cache.moving == {KEY}
        assert (PODS.plural, None, "headgate.dev/model") in bench.api.lists
        await asyncio.sleep(30)
        assert bench.intake.age == 30

    run(scene())


def test_a_kind_that_cannot_be_listed_is_named_and_tried_until_it_can(world: OperatorWorld) -> None:
    async def scene() -> None:
        bench = Bench(world)
        bench.api.deny[PODS.plural] = Forbidden("pods is forbidden", status=403)
        filling = asyncio.create_task(bench.intake.fill())
        await asyncio.sleep(12)
        assert not bench.intake.filled
        assert "forbidden" in bench.intake.faults[PODS.plural]
        assert [kind for kind, _, _ in bench.api.lists].count(AIMODELS.plural) == 1, "what is known is not listed again"
        bench.api.deny.clear()
        await filling
        assert bench.intake.faults == {}

    run(scene())


def test_gateways_are_a_help_not_a_need(world: OperatorWorld) -> None:
    async def scene() -> None:
        bench = Bench(world)
        bench.api.deny[GATEWAYS.plural] = Forbidden("no", status=403)
        await bench.intake.fill()
        gateways = asyncio.create_task(bench.intake.run_gateways())
        await asyncio.sleep(20)
        assert bench.intake.filled
        assert GATEWAYS.plural not in bench.cache.complete
        bench.api.deny.clear()
        await asyncio.sleep(20)
        assert GATEWAYS.plural in bench.cache.complete
        gateways.cancel()

    run(scene())


def test_gateways_are_not_asked_for_where_the_answer_would_not_be_used(world: OperatorWorld) -> None:
    """A Gateway may be in any namespace: with named ones, one cannot tell which exist, and has no right to ask."""

    async def scene() -> set[str]:
        bench = Bench(world, namespaces=("lending", "platform"))
        gateways = asyncio.create_task(bench.intake.run_gateways())
        await asyncio.sleep(60)
        assert not gateways.done(), "the operator ends with any of its tasks"
        gateways.cancel()
        return {kind for kind, _, _ in bench.api.lists}

    assert run(scene()) == set()


def test_only_the_named_namespaces_are_listed(world: OperatorWorld) -> None:
    async def scene() -> set[str | None]:
        bench = Bench(world, namespaces=("lending", "platform"))
        await bench.intake.fill()
        return {namespace for _, namespace, _ in bench.api.lists}

    assert run(scene()) == {"lending", "platform"}


def test_a_deletion_that_the_watch_lost_is_found_by_the_next_list(world: OperatorWorld) -> None:
    async def scene() -> None:
        bench = Bench(world, period=300.0)
        await bench.intake.fill()
        bench.drain()
        lists = asyncio.create_task(bench.intake.run())
        await asyncio.sleep(60)
        del bench.api.objects[(AIMODELS.plural, "lending", "credit")]
        await asyncio.sleep(260)
        assert KEY in bench.cache.models
        await asyncio.sleep(20)
        assert KEY not in bench.cache.models
        assert bench.drain() == [KEY]
        lists.cancel()

    run(scene())


def test_a_deletion_before_the_watch_began_is_found_soon(world: OperatorWorld) -> None:
    """The watch's own first list does not tell of what it does not hold."""

    async def scene() -> None:
        bench = Bench(world, period=300.0)
        await bench.intake.fill()
        bench.drain()
        lists = asyncio.create_task(bench.intake.run())
        del bench.api.objects[(AIMODELS.plural, "lending", "credit")]
        await asyncio.sleep(40)
        assert KEY not in bench.cache.models
        assert bench.drain() == [KEY]
        lists.cancel()

    run(scene())


def test_a_watch_that_does_not_bring_what_a_list_has_is_dead_until_it_speaks_again(world: OperatorWorld) -> None:
    async def scene() -> None:
        bench = Bench(world, period=300.0)
        await bench.intake.fill()
        lists = asyncio.create_task(bench.intake.run())
        body = {"metadata": {"name": "other", "namespace": "lending"}, "spec": model_spec("v1")}
        bench.api.put(AIMODELS, body)
        await asyncio.sleep(310)
        assert bench.intake.dead == {AIMODELS.plural}
        assert ModelKey("lending", "other") in bench.cache.models, "the list brings it all the same"
        bench.intake.take(AIMODELS, {"type": "MODIFIED", "object": bench.api.put(AIMODELS, body)})
        assert bench.intake.dead == set()
        lists.cancel()

    run(scene())


def test_a_watch_that_is_a_moment_behind_is_alive(world: OperatorWorld) -> None:
    async def scene() -> None:
        bench = Bench(world, period=300.0)
        await bench.intake.fill()
        lists = asyncio.create_task(bench.intake.run())
        await asyncio.sleep(60)
        made = bench.api.put(AIMODELS, {"metadata": {"name": "other", "namespace": "lending"}, "spec": model_spec("v1")})
        await asyncio.sleep(271)
        bench.intake.take(AIMODELS, {"type": "ADDED", "object": deepcopy(made)})
        await asyncio.sleep(20)
        assert bench.intake.dead == set()
        lists.cancel()

    run(scene())


def test_models_on_the_move_come_first_and_a_halt_before_them(world: OperatorWorld) -> None:
    async def scene() -> list[Priority]:
        bench = Bench(world)
        ranks = []
        bench.queue.add = lambda key, priority=Priority.STABLE: ranks.append(priority)  # type: ignore[method-assign]
        await bench.intake.fill()
        ranks.clear()
        halt = {
            "decision": "Halt",
            "model": "credit",
            "target": {"revision": "0a1b2c3d", "attempt": 1},
            "approver": "a@b",
            "rationale": "r",
        }
        metadata = {"name": "halt", "namespace": "lending", "uid": "h", "resourceVersion": "9", "creationTimestamp": "2026-03-01T00:00:00Z"}
        bench.intake.take(GOVERNANCE_APPROVALS, {"type": "ADDED", "object": {"metadata": metadata, "spec": halt}})
        metadata = metadata | {"name": "pause", "uid": "p"}
        bench.intake.take(GOVERNANCE_APPROVALS, {"type": "ADDED", "object": {"metadata": metadata, "spec": halt | {"decision": "Pause"}}})
        at_rest = {"metadata": {"name": "new", "namespace": "lending", "uid": "n", "generation": 1}, "status": {"observedGeneration": 1}}
        bench.intake.take(AIMODELS, {"type": "ADDED", "object": at_rest})
        return ranks

    assert run(scene()) == [Priority.HARM, Priority.ROLLOUT, Priority.STABLE]


@pytest.mark.parametrize(
    ("change", "rank"), [("fails", Priority.HARM), ("leaves", Priority.HARM), ("goes", Priority.HARM), ("talks", Priority.ROLLOUT)]
)
def test_a_pod_that_answers_no_more_comes_before_models_that_only_go_on(world: OperatorWorld, change: str, rank: Priority) -> None:
    async def scene() -> list[Priority]:
        bench = Bench(world)
        ranks = []
        bench.queue.add = lambda key, priority=Priority.STABLE: ranks.append(priority)  # type: ignore[method-assign]
        await bench.intake.fill()
        pod = deepcopy(next(body for body in (await bench.api.list(PODS)).items if _ready(body)["status"] == "True"))
        pod["metadata"]["resourceVersion"] = "99999"
        if change == "fails":
            _ready(pod)["status"] = "False"
        elif change == "leaves":
            pod["metadata"]["deletionTimestamp"] = "2026-03-01T00:00:00Z"
        elif change == "talks":
            pod["status"]["containerStatuses"] = [{"name": "model", "restartCount": 1, "state": {"running": {}}}]
        ranks.clear()
        bench.intake.take(PODS, {"type": "DELETED" if change == "goes" else "MODIFIED", "object": pod})
        return ranks

    assert run(scene()) == [rank]


def _ready(pod: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = next(one for one in pod["status"]["conditions"] if one["type"] == "Ready")
    return found
