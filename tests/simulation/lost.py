"""What must be known again after a status was lost: it is made again from Deployments and route."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from tests.simulation.approved import Decided
from tests.simulation.gateway import shares
from tests.simulation.policies import NAMESPACE

from headgate.api.policy import RolloutPolicySpec
from headgate.kube.labels import BLOCKED
from headgate.kube.resources import GOVERNANCE_APPROVALS
from headgate.kube.routes import FULL_WEIGHT

if TYPE_CHECKING:
    from tests.simulation.world import World

Object = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Lost:
    """What a status said before it was lost, and whom the route served. `deleted`: it went with its model. `behind`: what it said last may
    stand nowhere else."""

    stable: str
    candidate: str
    shares: dict[str, int]
    blocked: frozenset[str]
    deleted: bool
    behind: bool = False


def lose(before: Lost | None, status: Object, route: Object | None, *, deleted: bool, behind: bool = False) -> Lost | None:
    """`before`: what is lost already, and was not made again yet. `behind`: the last write of the route was refused, so that it cannot
    remember what the status said since."""
    if before is not None:
        return replace(before, deleted=before.deleted or deleted)
    if not status.get("attempts"):
        return None
    blocked = frozenset(entry["revision"] for entry in status.get("blocked") or ())
    known = blocked & _remembered(route) if behind else blocked
    return Lost(_revision(status, "stable"), _revision(status, "candidate"), shares(route), known, deleted, behind)


def _remembered(route: Object | None) -> frozenset[str]:
    """The versions that were taken back, as the route says."""
    annotations = ((route or {}).get("metadata") or {}).get("annotations") or {}
    return frozenset(entry["revision"] for entry in json.loads(annotations.get(BLOCKED, "[]")))


def wrongs(
    lost: Lost, new: Object, served: dict[str, int], policy: RolloutPolicySpec, stopped: frozenset[str]
) -> Iterator[tuple[str, str]]:
    """In the first status after it, as names and messages of checks: who is live stays live, users stay where they are, and who was
    taken back stays away. `served`: the shares of the route now. `stopped`: the versions that people took back meanwhile."""
    stable, candidate = _revision(new, "stable"), _revision(new, "candidate")
    kept = stable == lost.stable or (stable == lost.candidate and lost.shares.get(stable))
    # Its Deployment was not labelled yet as the live one: it keeps all users, and soaks again.
    kept = kept or (lost.behind and not stable and candidate == lost.stable and served.get(candidate) == FULL_WEIGHT)
    if lost.stable and lost.stable not in stopped and not kept:
        yield "status-made-again", f"revision {lost.stable} was live, and now it is {stable or 'none'}"
    blocked = {entry["revision"] for entry in new.get("blocked") or ()}
    # Of a deleted model that had no live version nothing is kept.
    known = lost.blocked if lost.stable or not lost.deleted else frozenset[str]()
    forgiven = known - blocked - set(new.get("retries") or ())
    if forgiven:
        yield "nothing-lost", f"revisions {sorted(forgiven)} are not blocked any more"
    recorded = {slot["revision"]: slot["weight"] for slot in (new.get("traffic") or {}).get("slots") or ()}
    present, given = served.get(candidate, 0), recorded.get(candidate, 0)
    # A stable version without ready pods may be found at the same moment: then the candidate stands in.
    if stable and candidate and not new.get("failover") and given > (present or _first_weight(policy, new["candidate"])):
        yield "weights-kept", f"after its status was lost, candidate {candidate} goes from {present} to {given}"
    # Somebody may have taken users off it in the route meanwhile.
    had = min(lost.shares.get(lost.candidate, 0), present)
    taken_off = lost.deleted or candidate != lost.candidate or new.get("failover")
    if had and not taken_off and given < had:
        yield "weights-kept", f"after its status was lost, candidate {candidate} goes from {had} to {given}"


def taken_back(world: "World", decided: Iterable[Decided], new: Object) -> frozenset[str]:
    """The versions that people take back with this status. Who was told before that a decision has no effect takes nothing back."""
    taken = set(new.get("takenUp") or ())
    stops = [one for one in decided if one.spec["decision"] in ("Halt", "Rollback") and one.name in taken]
    return frozenset(one.spec["target"]["revision"] for one in stops if not _refused(world, one.name))


def _refused(world: "World", name: str) -> bool:
    found = world.server.find(GOVERNANCE_APPROVALS, name, NAMESPACE) or {}
    return (found.get("status") or {}).get("state") == "Refused"


def _first_weight(policy: RolloutPolicySpec, candidate: Object) -> int:
    """What a candidate without users may get at once."""
    if candidate["kind"] == "Restore":
        return 1000
    stages = policy.stages if candidate["kind"] == "Rollout" else tuple(stage for stage in policy.stages if not stage.is_shadow)
    return stages[0].weight


def _revision(status: Object, role: str) -> str:
    return str((status.get(role) or {}).get("revision", ""))
