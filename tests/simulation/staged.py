"""What must hold of the stages of an attempt: each begins once, and ends by its time with fresh evidence or by a person's word about it.

Times are true ones: what a process's own clock shows is no excuse.
"""

from typing import TYPE_CHECKING, Any

from tests.simulation.policies import MODEL, NAMESPACE

from headgate.kube.resources import AIMODELS

if TYPE_CHECKING:
    from tests.simulation.world import World

Object = dict[str, Any]

_WHOLE = 1.0
"""Seconds by which the time of creation of an object may be too early: the API server keeps whole ones."""


class Staged:
    """Told of every status."""

    def __init__(self, world: "World") -> None:
        self._world = world
        self._effective: dict[tuple[int, int], float] = {}
        self._entered: dict[tuple[int, int], str] = {}
        self._begun: dict[tuple[int, int], float] = {}
        self._asked: dict[int, Any] = {}
        """The spec with which an attempt came into its first stage."""

    def forgotten(self) -> None:
        """The status is gone."""
        self._effective.clear()
        self._entered.clear()
        self._begun.clear()
        self._asked.clear()

    def status(self, old: Object, new: Object) -> None:
        before, after = old.get("candidate") or {}, new.get("candidate") or {}
        stage, entered = before.get("stage"), after.get("stage")
        if stage and (stage["index"], before["attempt"]) != ((entered or {}).get("index"), after.get("attempt")):
            self._leaves(old, new, before, stage)
        known = {(entry["revision"], entry["attempt"]) for entry in old.get("blocked") or ()}
        late = [entry for entry in new.get("blocked") or () if entry["cause"] == "Deadline"]
        if stage and any((entry["revision"], entry["attempt"]) not in known for entry in late):
            self._ran_out(before, stage)
        if entered:
            self._is_in(after, entered, bool(stage))

    def _is_in(self, candidate: Object, stage: Object, was_in_one: bool) -> None:
        key = (candidate["attempt"], stage["index"])
        known = self._entered.get(key)
        # A time that a clock ahead has written is pulled back: that is no new beginning.
        if known is not None and known < stage["entered"] and was_in_one:
            self._world.checks.fail("stage-once", f"stage {stage['name']} of attempt {key[0]} began again")
        self._entered[key] = stage["entered"]
        self._asked.setdefault(candidate["attempt"], self._spec())
        if known is None or not was_in_one:
            self._begun[key] = self._world.now()
        if stage.get("effective") and key not in self._effective:
            self._effective[key] = self._world.taken_at
        elif not stage.get("effective"):
            self._effective.pop(key, None)

    def _leaves(self, old: Object, new: Object, before: Object, stage: Object) -> None:
        """Upwards only after its time with fresh evidence, or by a Promote of this stage."""
        world, after = self._world, new.get("candidate") or {}
        up = (after.get("attempt") == before["attempt"] and (after.get("stage") or {"index": -1})["index"] > stage["index"]) or (
            after.get("attempt") == before["attempt"] and after.get("shadowPassed") and not before.get("shadowPassed")
        )
        live = (new.get("stable") or {}).get("revision") == before["revision"] != (old.get("stable") or {}).get("revision")
        if before["kind"] == "First":
            if live and self._asked.get(before["attempt"]) == self._spec():
                self._soaked(before, stage)
            return
        if not (up or live) or self._promoted(old, new, stage, live=live):
            return
        began = self._effective.get((before["attempt"], stage["index"]))
        if began is None:
            world.checks.fail("stage-time", f"stage {stage['name']} was left before the gateway took its weights")
            return
        least = world.least_stage
        fresh = world.fresh_seconds(began)
        if fresh < least - world.clock_doubt:
            world.checks.fail("stage-time", f"stage {stage['name']} had {fresh:.1f} s of fresh evidence of {least:g}")

    def _soaked(self, candidate: Object, stage: Object) -> None:
        """Nothing is compared: time is all that a first version is asked for, until another one is released."""
        began = self._effective.get((candidate["attempt"], stage["index"]))
        lived = self._world.now() - began if began is not None else 0.0
        if lived < self._world.least_stage - self._world.clock_doubt:
            self._world.checks.fail("stage-time", f"a first version is live after {lived:.1f} s of {self._world.least_stage:g}")

    def _ran_out(self, candidate: Object, stage: Object) -> None:
        began = self._effective.get((candidate["attempt"], stage["index"]))
        lived = self._world.now() - began if began is not None else 0.0
        if lived < self._world.longest_stage - self._world.clock_doubt:
            self._world.checks.fail("stage-time", f"stage {stage['name']} ran out after {lived:.1f} s of {self._world.longest_stage:g}")

    def _promoted(self, old: Object, new: Object, stage: Object, *, live: bool) -> bool:
        """Whether a Promote ended the stage that was made in it. Of a candidate that went live nothing more is known."""
        candidate = old["candidate"]
        accepted = (new.get("candidate") or {}).get("inconclusiveAccepted") or ()
        begun = self._begun.get((candidate["attempt"], stage["index"]), 0.0) - _WHOLE - self._world.clock_doubt
        fresh = {one.name for one in self._world.checks.decided if one.created > begun}
        return (live or stage["name"] in accepted) and bool(taken(old, new, "promote") & fresh)

    def _spec(self) -> Any:
        model = self._world.server.find(AIMODELS, MODEL, NAMESPACE)
        return model["spec"] if model is not None else None


def names(entries: Any) -> set[str]:
    """Of latches, or of decisions that were taken up."""
    return {entry if isinstance(entry, str) else entry["name"] for entry in entries or ()}


def taken(old: Object, new: Object, decision: str) -> set[str]:
    """The interventions of this kind that were taken up in between."""
    return {name for name in names(new.get("takenUp")) - names(old.get("takenUp")) if f"-{decision}-" in name}
