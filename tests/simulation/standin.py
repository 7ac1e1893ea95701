"""Who may stand in for a version: the fallback comes last."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tests.simulation.world import World

Object = dict[str, Any]

_MEMORY = 70.0
"""Seconds after which a guard has forgotten what went wrong, and something more."""


class Health:
    """When each revision was last seen to be unwell, by what it does and by its pods."""

    def __init__(self, world: "World") -> None:
        self._world = world
        self._unwell: dict[str, float] = {}

    def note(self) -> None:
        """Called each second."""
        world = self._world
        for revision in world.pods.fleets:
            acts = world.people.behaviour(revision)
            if not world.pods.ready(revision) or acts.failing > 0.05 or acts.crashes or acts.good_for:
                self._unwell[revision] = world.now()

    def needless(self, status: Object) -> str:
        """Why the fallback must not get users now; empty if it may. `status`: the model's."""
        world, stable, candidate = self._world, status.get("stable") or {}, status.get("candidate") or {}
        revision = stable.get("revision", "")
        if not world.plan.fallback:
            return "there is none"
        if revision and self._well(revision, _MEMORY) and not world.disturbed_within(_MEMORY):
            return f"revision {revision} is live and has answered well all the time"
        exposed = (candidate.get("stage") or {}).get("weight") and revision and not world.pods.ready(revision)
        if exposed and (candidate.get("gate") or {}).get("open") and self._well(candidate["revision"], world.longest_blindness):
            return f"candidate {candidate['revision']} is approved and ready"
        return ""

    def _well(self, revision: str, seconds: float) -> bool:
        """Whether a revision was ready and answered well for so long."""
        return self._world.now() - self._unwell.get(revision, self._world.began) > seconds
