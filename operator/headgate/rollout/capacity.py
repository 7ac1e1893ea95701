"""How many pods a version needs before it may have a share of the traffic."""

from headgate.api.aimodel import AIModelSpec, CapacityMode
from headgate.api.status import AIModelStatus, AutoscaleStatus, CandidateStatus, StableStatus
from headgate.rollout import proportional
from headgate.rollout.snapshot import Snapshot
from headgate.rollout.stages import Step


def floor(*, stable_ready: int, share: int, full: int, shadowing: bool = False) -> int:
    """Ready pods the candidate needs for `share` thousandths of the traffic or of its copies.

    As many as the stable version has per request, but at least 1 in shadow and 2 with users (1 if the stable version has 1), and never
    more than the candidate's own full size.
    """
    if share <= 0:
        return 0
    least = 1 if shadowing or stable_ready <= 1 else 2
    same_load = -(-stable_ready * share // 1000)
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
    ready = snapshot.workload(stable.revision).ready if stable else 0
    basis = ready if step.compares else candidate.replicas
    full = candidate.replicas if candidate.autoscale is None else max(basis, candidate.autoscale.min_replicas)
    return floor(stable_ready=basis, share=max(step.weight, step.mirror), full=full, shadowing=step.weight == 0)


def reachable(step: Step, status: AIModelStatus, snapshot: Snapshot) -> int | None:
    """The weight, at most the stage's, for which the candidate's ready pods are enough; None if not even for the first part of it.

    Surge knows the whole weight only. Raises ValueError without a candidate.
    """
    candidate, stable = _candidate(status), status.stable
    ready = snapshot.workload(candidate.revision).ready
    if ready >= floor_of(step, status, snapshot):
        return step.weight
    if stable is None or step.weight == 0 or not is_proportional(status, snapshot):
        return None
    weight = min(step.weight, proportional.reach(stable.replicas, ready))
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
    """`stable` as a new attempt finds it: an autoscaler must not take away what it has given, until the attempt is over."""
    bounds = stable.autoscale
    if bounds is None:
        return stable
    found = max(bounds.min_replicas, snapshot.workload(stable.revision).wanted)
    return stable.model_copy(update={"replicas": min(bounds.max_replicas, found)})


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
