"""Workers: one model's trouble is its own, nothing is written without the lease, and each model is looked at again when it should be."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import pytest
from tests.simulation.clock import run
from tests.unit.controller.operator_world import KEY, OperatorWorld, in_canary, live, model_spec

from headgate.api.vocabulary import Metric, Verdict
from headgate.controller.queue import Priority
from headgate.evidence.view import CheckReading
from headgate.kube.client import KubeClient
from headgate.kube.errors import Conflict, Forbidden, Invalid, KubeError, Unavailable
from headgate.kube.fence import NotLeading, fenced
from headgate.kube.resources import AIMODELS, CONFIG_MAPS
from headgate.kube.wire import Reply
from headgate.rollout.decision import Decision
from headgate.rollout.snapshot import Snapshot

OTHER = KEY._replace(name="other")


def result_of(world: OperatorWorld) -> str:
    world.list_all()
    return asyncio.run(world.reconciler.handle(KEY))


@pytest.mark.parametrize(
    ("error", "result"),
    [(Conflict("newer", status=409), "conflict"), (Unavailable("down", status=503), "failed"), (RuntimeError("a bug"), "error")],
)
def test_a_failure_is_retried_with_growing_pauses_and_never_ends_the_worker(error: Any, result: str) -> None:
    world = live()
    world.release("v2")
    world.api.refuse = lambda write: error if write.verb == "status" else None
    assert result_of(world) == result
    assert world.queue._failures[KEY] == 1
    assert result_of(world) == result
    assert world.queue._failures[KEY] == 2
    world.api.refuse = lambda write: None
    assert result_of(world) == "done"
    assert KEY not in world.queue._failures


def test_one_models_bug_does_not_stop_another_model() -> None:
    world = live()
    body = {"metadata": {"name": "other", "namespace": "lending"}, "spec": model_spec("v1")}
    world.api.put(AIMODELS, body)
    world.release("v2")
    world.list_all()
    honest = world.reconciler._decide

    def decide(snapshot: Snapshot) -> Decision:
        if snapshot.name == KEY.name:
            raise RuntimeError("a bug")
        return honest(snapshot)

    world.reconciler._decide = decide

    async def scene() -> None:
        working = asyncio.create_task(world.reconciler.run())
        for key in (KEY, OTHER):
            world.queue.add(key)
        await asyncio.sleep(1)
        world.queue.close()
        await working

    run(scene())
    assert (world.api.find(AIMODELS, "other") or {})["status"]["phase"] == "Preparing"
    assert world.status.phase == "Live"


def test_closing_the_queue_lets_what_is_being_written_finish() -> None:
    world = live()
    world.release("v2")
    world.list_all()
    started, go_on = asyncio.Event(), asyncio.Event()
    apply = world.applier.apply

    async def slow(*args: Any) -> Any:
        started.set()
        await go_on.wait()
        return await apply(*args)

    world.applier.apply = slow  # type: ignore[method-assign]

    async def scene() -> None:
        working = asyncio.create_task(world.reconciler.run())
        world.queue.add(KEY)
        await started.wait()
        world.queue.close()
        await asyncio.sleep(1)
        assert not working.done()
        go_on.set()
        await working

    run(scene())
    assert world.status.candidate is not None


def test_one_worker_is_free_for_harm_however_slow_the_rest_is() -> None:
    world = live()
    keys = [KEY._replace(name=f"slow-{number}") for number in range(20)]
    seen: list[str] = []

    async def handle(key: Any) -> str:
        seen.append(key.name)
        if key.name.startswith("slow"):
            await asyncio.sleep(1000)
        return "done"

    world.reconciler.handle = handle  # type: ignore[method-assign]

    async def scene() -> None:
        working = asyncio.create_task(world.reconciler.run())
        for key in keys:
            world.queue.add(key, Priority.ROLLOUT)
        await asyncio.sleep(1)
        world.queue.add(KEY, Priority.HARM)
        await asyncio.sleep(1)
        assert KEY.name in seen
        working.cancel()

    run(scene())


def test_a_pass_that_hangs_is_ended_and_tried_again() -> None:
    world = live()
    world.list_all()

    async def hang(*_: Any) -> Any:
        await asyncio.sleep(3600)

    world.applier.apply = hang  # type: ignore[method-assign]

    async def scene() -> tuple[str, float]:
        result = await world.reconciler.handle(KEY)
        return result, asyncio.get_running_loop().time()

    assert run(scene()) == ("failed", 30.0)


class DeafWire:
    """Counts what is sent, and lets `sent` know; never answers."""

    host = "https://deaf"

    def __init__(self, sent: Callable[[str], None] = lambda method: None) -> None:
        self.methods: list[str] = []
        self._sent = sent

    async def send(
        self, method: str, path: str, query: Mapping[str, str], body: Mapping[str, Any] | None, content: str, accept: str
    ) -> Reply:
        self.methods.append(method)
        self._sent(method)
        raise ConnectionResetError("connection reset by peer")

    async def close(self) -> None:
        pass


WRITES: dict[str, Callable[[KubeClient], Awaitable[Any]]] = {
    "create": lambda api: api.create(CONFIG_MAPS, {"metadata": {"name": "x", "namespace": "n"}}, field_manager="m"),
    "apply": lambda api: api.apply(CONFIG_MAPS, {"metadata": {"name": "x", "namespace": "n"}}, field_manager="m"),
    "patch": lambda api: api.patch(CONFIG_MAPS, "x", "n", {}, field_manager="m"),
    "patch_status": lambda api: api.patch_status(AIMODELS, "x", "n", {}, field_manager="m"),
    "delete": lambda api: api.delete(CONFIG_MAPS, "x", "n"),
}


@pytest.mark.parametrize("verb", WRITES)
def test_no_write_without_the_lease(verb: str) -> None:
    wire = DeafWire()

    async def scene() -> None:
        with pytest.raises(NotLeading):
            await WRITES[verb](fenced(KubeClient(wire), lambda: False))

    run(scene())
    assert wire.methods == []


@pytest.mark.parametrize("verb", WRITES)
def test_no_second_try_of_a_write_once_the_lease_is_gone(verb: str) -> None:
    """A process that was frozen between two tries."""
    leading = [True]
    wire = DeafWire(lambda method: leading.clear())

    async def scene() -> None:
        with pytest.raises(NotLeading):
            await WRITES[verb](fenced(KubeClient(wire), lambda: bool(leading)))

    run(scene())
    assert len(wire.methods) == 1


def test_reading_needs_no_lease() -> None:
    wire = DeafWire()

    async def scene() -> None:
        with pytest.raises(Unavailable):
            await fenced(KubeClient(wire), lambda: False).list(AIMODELS)

    run(scene())
    assert set(wire.methods) == {"GET"}


def test_a_candidate_is_looked_at_again_after_its_interval() -> None:
    world = in_canary()
    world.list_all()

    async def scene() -> float:
        await world.reconciler.handle(KEY)
        await world.queue.get()
        return asyncio.get_running_loop().time()

    assert run(scene()) == pytest.approx(15, abs=0.1)


def test_a_model_that_is_gone_leaves_nothing_behind() -> None:
    world = in_canary()
    world.measure()
    world.step()
    assert b'model="credit"' in world.telemetry.page()
    del world.api.objects[(AIMODELS.plural, "lending", "credit")]
    world.step()
    assert b'model="credit"' not in world.telemetry.page()
    assert world.judging.evidence == {}


def test_while_users_are_harmed_a_failed_rollback_is_tried_every_second() -> None:
    world = in_canary()
    world.measure(verdict=Verdict.FAIL, checks=(CheckReading(Metric.ERRORS, Verdict.FAIL),))
    world.api.refuse = lambda write: Unavailable("down", status=503)
    world.list_all()

    async def scene() -> float:
        for _ in range(20):
            assert await world.reconciler.handle(KEY) == "failed"
        began = asyncio.get_running_loop().time()
        await world.queue.get()
        return asyncio.get_running_loop().time() - began

    assert run(scene()) <= 1.01


@pytest.mark.parametrize("refusal", [Invalid("denied by a policy", status=422), Forbidden("not allowed", status=403)])
def test_while_users_are_harmed_a_denied_rollback_is_tried_every_second(refusal: KubeError) -> None:
    world = in_canary()
    world.measure(verdict=Verdict.FAIL, checks=(CheckReading(Metric.ERRORS, Verdict.FAIL),))
    world.api.refuse = lambda write: refusal if write.plural == "httproutes" else None
    world.list_all()

    async def scene() -> float:
        for _ in range(5):
            await world.reconciler.handle(KEY)
        while len(world.queue):
            world.queue.done(await world.queue.get())
        await world.reconciler.handle(KEY)
        began = asyncio.get_running_loop().time()
        await world.queue.get()
        return asyncio.get_running_loop().time() - began

    assert run(scene()) <= 1.01
