"""AIModels in every phase, as `decide` makes them: what a GitOps tool sees of each."""

from collections.abc import Callable
from functools import cache
from typing import Any

from tests.unit.rollout.test_risk import PROHIBITED
from tests.unit.rollout.test_use_case import live_until_it_ends, pass_end, waiting
from tests.unit.rollout.world import World, in_canary, live, spec

from headgate.api.status import AIModelStatus
from headgate.api.vocabulary import Phase


def manifest(world: World) -> dict[str, Any]:
    """The AIModel as the API server gives it."""
    return written(world.status, world.generation)


def written(status: AIModelStatus | None, generation: int = 1) -> dict[str, Any]:
    body: dict[str, Any] = {
        "apiVersion": "headgate.dev/v1alpha1",
        "kind": "AIModel",
        "metadata": {"name": "credit", "namespace": "lending", "generation": generation},
    }
    return body if status is None else body | {"status": status.model_dump(mode="json", by_alias=True, exclude_none=True)}


def settled(world: World) -> World:
    world.settle()
    return world


def pending() -> World:
    """Nothing wrong: it was never decided about, but read."""
    world = World(spec("1.0.0"))
    world.status = AIModelStatus(observed_generation=1)
    return world


def preparing() -> World:
    """Its pods do not become ready."""
    world = World(spec("1.0.0"))
    world.step()
    assert world.status.candidate
    world.no_pods(world.status.candidate.revision)
    return settled(world)


def in_shadow() -> World:
    world = live()
    world.release("2.0.0")
    world.quiet()
    return settled(world)


def in_full() -> World:
    world = in_canary()
    for _ in range(6):
        if world.status.phase is Phase.FULL:
            break
        world.good()
        world.step(8 * 86_400)
        world.quiet()
        world.step()
    return world


def frozen() -> World:
    world = live_until_it_ends()
    pass_end(world)
    return settled(world)


def rolling_back() -> World:
    """The gateway has not taken the weights yet."""
    world = in_canary()
    world.bad()
    world.route_takes_effect = False
    world.step()
    return world


def rolled_back() -> World:
    world = in_canary()
    world.bad()
    return settled(world)


_MODELS: dict[Phase, Callable[[], World]] = {
    Phase.PENDING: pending,
    Phase.DENIED: lambda: settled(World(spec("1.0.0", classification=PROHIBITED))),
    Phase.AWAITING_USE_CASE: waiting,
    Phase.PREPARING: preparing,
    Phase.SHADOW: in_shadow,
    Phase.AWAITING_DEPLOYMENT: lambda: settled(World(spec("1.0.0"))),
    Phase.CANARY: in_canary,
    Phase.FULL: in_full,
    Phase.LIVE: live,
    Phase.FROZEN: frozen,
    Phase.ROLLING_BACK: rolling_back,
    Phase.ROLLED_BACK: rolled_back,
}


@cache
def in_phase(phase: Phase) -> dict[str, Any]:
    """Of each phase one AIModel. Not to be changed."""
    world = _MODELS[phase]()
    assert world.status.phase is phase
    return manifest(world)
