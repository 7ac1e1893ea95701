"""A status from a backup that is older than what serves: route and Deployments know of decisions that were made after it."""

from collections.abc import Mapping

from headgate.api.status import AIModelStatus, AttemptKind, Blocked, StableStatus
from headgate.rollout.snapshot import RouteState, WorkloadState
from headgate.rollout.traffic import ALL

_REMEMBERED = 64
"""Interventions in `takenUp`."""


def is_outdated(status: AIModelStatus, route: RouteState, workloads: Mapping[str, WorkloadState]) -> bool:
    """A route is labelled with an attempt after the status has it, whatever else was written before: a process that died in between leaves
    a status that is ahead, never one that is behind."""
    return route.attempt > status.attempts or _went_live(status, route, workloads)


def _went_live(status: AIModelStatus, route: RouteState, workloads: Mapping[str, WorkloadState]) -> bool:
    """Within one attempt: the candidate has all users, which the status does not say although that is written first, and its Deployment is
    the stable one. Only an earlier version that comes back gets its users before that is recorded."""
    candidate = status.candidate
    if candidate is None or candidate.kind in (AttemptKind.RESTORE, AttemptKind.AA_TEST):
        return False
    served = {revision: weight for revision, weight in route.weights.items() if weight}
    workload = workloads.get(candidate.revision)
    marked = workload is not None and workload.role == "stable"
    return marked and served == {candidate.revision: ALL} and status.traffic.weight_of(candidate.revision) < ALL


def remembering(old: AIModelStatus, rebuilt: AIModelStatus) -> AIModelStatus:
    """`rebuilt`, and of `old` what no later decision can have made wrong: who rejected what, which interventions acted, how often a version
    was retried, what the audit has. What is blocked is the route's to say, which knows the Retries since; `old` knows the reasons."""
    reasons = {(entry.revision, entry.attempt): entry for entry in old.blocked}
    blocked: tuple[Blocked, ...] = tuple(reasons.get((entry.revision, entry.attempt), entry) for entry in rebuilt.blocked)
    same = old.candidate is not None and rebuilt.candidate is not None and old.candidate.attempt == rebuilt.candidate.attempt
    since = tuple(name for name in rebuilt.taken_up if name not in old.taken_up)
    return old.model_copy(
        update={
            "phase": rebuilt.phase,
            "stable": _stable(old.stable, rebuilt.stable),
            "candidate": rebuilt.candidate,
            "traffic": rebuilt.traffic,
            "past": rebuilt.past,
            "blocked": blocked,
            "taken_up": (*old.taken_up, *since)[-_REMEMBERED:],
            "attempts": max(old.attempts, rebuilt.attempts),
            "failover": rebuilt.failover,
            "paused": old.paused if same else None,
            "aa_test": old.aa_test if old.aa_test is not None and old.aa_test.outcome is not None else None,
        }
    )


def _stable(old: StableStatus | None, found: StableStatus | None) -> StableStatus | None:
    """A version that got its users by BreakGlass still lacks its approvals."""
    if old is None or found is None or old.revision != found.revision:
        return found
    return found.model_copy(update={"live_since": old.live_since, "unapproved": old.unapproved, "would_have": old.would_have})
