"""How many pods a version needs before it may have a share of the traffic, and how many the stable version keeps for its return.

Fixed sizes are what their author promised to be enough. Where an autoscaler sets them, the load is not that of the hour in which the
attempt began, and the stable version shrinks as it gives users away: then sizes are measured against the users that they serve.
"""

from datetime import timedelta

from headgate.api.aimodel import AIModelSpec, CapacityMode
from headgate.api.status import AIModelStatus, AutoscaleStatus, CandidateStatus, SizedStatus, StableStatus
from headgate.rollout import proportional
from headgate.rollout.snapshot import Snapshot, WorkloadState
from headgate.rollout.stages import Step

SETTLED = timedelta(minutes=10)
"""A size belongs to the present weights after this: an autoscaler shrinks 5 minutes after it saw the load go, and pods take their time."""
STEADY_AFTER = timedelta(seconds=2)
"""A pod that is ready for as long stays so: the kubelet can take back what it said of one that it has just started. It tells whole
seconds."""
_MAJORITY = 500
"""Thousandths of the users from which on a size tells the whole load. Of a smaller share one pod more or less would count manyfold."""


def floor(*, whole: int, share: int, full: int, shadowing: bool = False) -> int:
    """Ready pods the candidate needs for `share` thousandths of the traffic or of its copies. `whole`: what all of the traffic needs.

    As many per request as the stable version, but at least 1 in shadow and 2 with users (1 if one is enough for all), and never more than
    the candidate's own full size.
    """
    if share <= 0:
        return 0
    least = 1 if shadowing or whole <= 1 else 2
    same_load = -(-whole * share // 1000)
    return min(full, max(least, same_load))


def floor_of(step: Step | None, status: AIModelStatus, snapshot: Snapshot) -> int:
    """The candidate's floor in a stage; one pod before the first. May be above an autoscaler's bound: then the stage cannot begin.

    Where nothing is stable, the candidate's own size counts as the basis. Raises ValueError without a candidate.
    """
    candidate, stable = _candidate(status), status.stable
    if step is None:
        return 1
    if stable is not None and step.compares and is_proportional(status, snapshot):
        return 1 if step.weight == 0 else min(candidate.replicas, proportional.need(stable.replicas, step.weight))
    whole = whole_load(status, snapshot) if step.compares else candidate.replicas
    full = candidate.replicas if candidate.autoscale is None else max(whole, candidate.autoscale.min_replicas)
    return floor(whole=whole, share=max(step.weight, step.mirror), full=full, shadowing=step.weight == 0)


def whole_load(status: AIModelStatus, snapshot: Snapshot) -> int:
    """Pods of the stable version that all users together need, as far as that is known: what it has, at least what it keeps for their
    return, and what sizes tell of the present load where autoscalers set them."""
    stable = status.stable
    if stable is None:
        return 0
    ready = snapshot.workload(stable.revision).ready
    if stable.autoscale is None:
        return ready
    known = max(ready, stable.replicas)
    if status.candidate is None or not _settled(status, snapshot):
        return known
    return max(known, _told(stable, stable.replicas, snapshot), _told(status.candidate, 0, snapshot))


def _told(version: SizedStatus, kept: int, snapshot: Snapshot) -> int:
    """The pods for all users, from those that `version` has for its share of them. 0 where its size tells nothing: at its minimum, which
    is ours and not the load's, and with a small share. `kept`: its minimum as last decided, which its autoscaler may not have yet."""
    bounds, seen, weight = version.autoscale, snapshot.workload(version.revision), snapshot.route.weights.get(version.revision, 0)
    size = min(seen.ready, seen.wanted)
    if bounds is None or seen.least == 0 or size <= max(seen.least, kept) or weight < _MAJORITY:
        return 0
    return min(bounds.max_replicas, -(-size * 1000 // weight))


def _settled(status: AIModelStatus, snapshot: Snapshot) -> bool:
    """Whether the gateway has served the present weights for so long that sizes have followed them."""
    stage = status.candidate.stage if status.candidate else None
    if stage is None or stage.effective is None or snapshot.route.accepted is not True or snapshot.clock_step is not None:
        return False
    # A version that came back after another one stood in for it has its place anew.
    since = max(stage.effective, *(slot.since for slot in status.traffic.slots))
    return snapshot.now - since >= SETTLED


def reachable(step: Step, status: AIModelStatus, snapshot: Snapshot) -> int | None:
    """The weight, at most the stage's, for which the candidate's steady pods are enough; None if not even for the first part of it.

    Surge knows the whole weight only. Raises ValueError without a candidate.
    """
    candidate, stable = _candidate(status), status.stable
    steady = snapshot.workload(candidate.revision).steady
    if steady >= floor_of(step, status, snapshot):
        return step.weight
    if stable is None or step.weight == 0 or not is_proportional(status, snapshot):
        return None
    weight = min(step.weight, proportional.reach(stable.replicas, steady))
    return weight if weight > status.traffic.weight_of(candidate.revision) else None


def mirrored(step: Step, status: AIModelStatus, snapshot: Snapshot) -> int:
    """The thousandths of requests that are copied: the stage's, but no more than a single pod takes where there is room for one only."""
    stable = status.stable
    if stable is None or not step.mirror or not is_proportional(status, snapshot):
        return step.mirror
    return min(step.mirror, proportional.copies(stable.replicas))


def is_proportional(status: AIModelStatus, snapshot: Snapshot) -> bool:
    """Whether the two versions share the room of one. An autoscaler's pods cannot be planned with: beside one it is never so."""
    spec = snapshot.spec
    if spec is None or spec.serving.capacity.mode is not CapacityMode.PROPORTIONAL:
        return False
    return all(version is None or version.autoscale is None for version in (status.stable, status.candidate))


def bounds_of(spec: AIModelSpec) -> AutoscaleStatus | None:
    """What status keeps of the spec's autoscaling."""
    wanted = spec.serving.deployment.autoscaling
    return AutoscaleStatus(min_replicas=wanted.min_replicas, max_replicas=wanted.max_replicas) if wanted else None


def frozen(stable: StableStatus, snapshot: Snapshot) -> StableStatus:
    """`stable` as a new attempt finds it: an autoscaler must not take away what it has given, or was told to give, until the attempt is
    over."""
    bounds = stable.autoscale
    if bounds is None:
        return stable
    return stable.model_copy(update={"replicas": _given(bounds, bounds.min_replicas, snapshot.workload(stable.revision))})


def firm(stable: StableStatus, snapshot: Snapshot) -> StableStatus:
    """`stable` as it gets all users at the end of an attempt. Its autoscaler looks at the load of the last minutes, in which it had fewer
    of them or none: it takes no pod away before that load is the present one."""
    if stable.autoscale is None:
        return stable
    had = _given(stable.autoscale, stable.replicas, snapshot.workload(stable.revision))
    return stable.model_copy(update={"replicas": had, "firm_until": snapshot.now + max(SETTLED, snapshot.drain)})


def _given(bounds: AutoscaleStatus, least: int, seen: WorkloadState) -> int:
    """What its autoscaler has given it, or was told to give, at least `least`."""
    return min(bounds.max_replicas, max(least, seen.wanted, seen.least))


def eased(stable: StableStatus, snapshot: Snapshot) -> StableStatus:
    """`stable`, without what it kept for a while once that is over."""
    over = stable.firm_until is not None and stable.firm_until <= snapshot.now and snapshot.clock_step is None
    return stable.model_copy(update={"firm_until": None}) if over else stable


def secured(status: AIModelStatus, snapshot: Snapshot) -> StableStatus | None:
    """The stable version with a minimum for all users, who may come back to it at any moment: never smaller than before, and no pod that
    it has goes as they leave."""
    stable = status.stable
    if stable is None or stable.autoscale is None:
        return stable
    needed = max(whole_load(status, snapshot), snapshot.workload(stable.revision).wanted)
    replicas = max(stable.replicas, min(stable.autoscale.max_replicas, needed))
    return stable if replicas == stable.replicas else stable.model_copy(update={"replicas": replicas})


def followed(status: AIModelStatus, snapshot: Snapshot) -> StableStatus | None:
    """The same in the middle of a stage. While the stable version has most users itself, its own autoscaler does it."""
    candidate = status.candidate
    away = candidate is not None and snapshot.route.weights.get(candidate.revision, 0) >= _MAJORITY
    return secured(status, snapshot) if away else status.stable


def enlarged(candidate: CandidateStatus, spec: AIModelSpec) -> CandidateStatus:
    """`candidate` with a larger size, or a higher bound, that the spec was given during the attempt. A smaller one waits until it is live:
    a candidate never shrinks on its way up."""
    bounds, before = bounds_of(spec), candidate.autoscale
    if (bounds is None) is not (before is None):
        return candidate
    if bounds is not None and before is not None:
        bounds = before.model_copy(update={"max_replicas": max(before.max_replicas, bounds.max_replicas)})
    replicas = max(candidate.replicas, spec.serving.deployment.least)
    if replicas == candidate.replicas and bounds == before:
        return candidate
    return candidate.model_copy(update={"replicas": replicas, "autoscale": bounds})


def _candidate(status: AIModelStatus) -> CandidateStatus:
    if status.candidate is None:
        raise ValueError("no candidate")
    return status.candidate
