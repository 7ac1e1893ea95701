"""One seed, one trace: drawn, run, and told as a timeline."""

from dataclasses import dataclass, replace
from random import Random
from typing import TYPE_CHECKING, Any

from tests.simulation import faults, governed, people
from tests.simulation.gateway import shares
from tests.simulation.policies import POLICIES

from headgate.kube.resources import AIMODELS, DEPLOYMENTS, EVENTS, GOVERNANCE_APPROVALS, HTTP_ROUTES, PODS

if TYPE_CHECKING:
    from tests.simulation.world import World

Object = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Script:
    """All that is drawn before a trace begins."""

    seed: int
    plan: people.Plan
    weather: faults.Weather

    def __str__(self) -> str:
        return f"seed {self.seed}\n  {self.plan}\n  {self.weather}"


def script(seed: int) -> Script:
    rng = Random(f"{seed}/script")
    plan, weather = people.draw(rng, sorted(POLICIES)), faults.draw(rng)
    plan = replace(plan, fallback=rng.random() < 0.3, autoscaled=rng.random() < 0.25, governed=governed.draw(rng))
    return Script(seed, plan, weather)


def tell(world: "World", plural: str, old: Object | None, new: Object | None) -> None:
    """What a write changed, for the timeline."""
    who = f"{world.writer[0].identity}: " if world.writer else ""
    body = new or old or {}
    name = body["metadata"]["name"]
    if plural == AIMODELS.plural and new is not None:
        before, after = _model_words((old or {}).get("status") or {}), _model_words(new.get("status") or {})
        if before != after:
            world.say(f"{who}status: {after}")
        elif (old or {}).get("spec") != new.get("spec"):
            world.say(f"{who}spec: version {new['spec']['version']}")
    elif plural == HTTP_ROUTES.plural:
        if shares(old) != shares(new) or (old is None) != (new is None):
            world.say(f"{who}route: {shares(new)}")
    elif plural == DEPLOYMENTS.plural:
        sizes = [body["spec"].get("replicas") if body else None for body in (old, new)]
        if sizes[0] != sizes[1]:
            world.say(f"{who}Deployment {name}: {sizes[0]} -> {sizes[1]} replicas")
    elif plural == PODS.plural:
        ready = "gone" if new is None else "ready" if '"True"' in str(new["status"]).replace("'", '"') else "not ready"
        world.say(f"pod {name}: {ready}")
    elif plural == EVENTS.plural and new is not None:
        world.say(f"{who}event {new['reason']}: {new['note']}")
    elif plural == GOVERNANCE_APPROVALS.plural:
        state = "gone" if new is None else (new.get("status") or {}).get("state", "new")
        world.say(f"{who}approval {name} ({body['spec'].get('role') or body['spec'].get('target')}): {state}")


def _model_words(status: Object) -> str:
    stable, candidate = status.get("stable") or {}, status.get("candidate") or {}
    slots = "/".join(f"{slot['revision']}={slot['weight']}" for slot in (status.get("traffic") or {}).get("slots") or ())
    ready = next((c for c in status.get("conditions") or () if c["type"] == "Ready"), {})
    stage = candidate.get("stage") or {}
    where = f"{stage['name']}{' (taken)' if stage.get('effective') else ''}" if stage else "no stage"
    gate = candidate.get("gate") or {}
    on = (
        f"candidate {candidate['version']} ({candidate['revision']}) {candidate['kind']} attempt {candidate['attempt']} {where} "
        f"{candidate.get('verdict')} gate {'open' if gate.get('open') else 'closed' if gate else 'none'}, "
        if candidate
        else ""
    )
    return f"{status.get('phase')}: live {stable.get('version')}, {on}[{slots}] {ready.get('reason')}"
