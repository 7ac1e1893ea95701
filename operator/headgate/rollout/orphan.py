"""What stays of a model that was deleted and is to go on serving: its stable version, alone."""

from dataclasses import dataclass

from headgate.rollout.snapshot import RouteState, WorkloadState
from headgate.rollout.traffic import ALL


@dataclass(frozen=True, slots=True)
class Remains:
    """`keeper`: the version that goes on serving; None if nobody was served, and then the route goes as well.

    `move`: all users go to the keeper now. `obsolete`: revisions that serve nobody, to be deleted when they are drained.
    """

    keeper: str | None
    move: bool
    obsolete: tuple[str, ...]


def remains_of(workloads: dict[str, WorkloadState], route: RouteState) -> Remains:
    """The status went with the model: who is what is read from the roles of the Deployments, and from the route.

    Users are never moved to a version without ready pods. Then everything that serves stays as it is until some are ready.
    """
    found = {revision: workload for revision, workload in workloads.items() if workload.exists}

    def foremost(role: str) -> str | None:
        fitting = [r for r, w in found.items() if w.role == role and (role == "stable" or route.weights.get(r))]
        return max(sorted(fitting), key=lambda r: route.weights.get(r, 0), default=None)

    keeper = foremost("stable") or foremost("previous") or foremost("candidate")
    served = {name: weight for name, weight in route.weights.items() if weight}
    apart = served != {keeper: ALL} or bool(route.mirrored)
    move = keeper is not None and route.exists and apart and found[keeper].ready > 0
    serving = {keeper, *served, *(revision for revision, share in route.mirrored.items() if share)}
    return Remains(keeper, move, tuple(sorted(set(workloads) - serving)))
