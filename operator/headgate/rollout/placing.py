"""Which stage a candidate is in, told from the share of the users that it was found with."""

from dataclasses import replace

from headgate.api.policy import RolloutPolicySpec
from headgate.api.status import AttemptKind, CandidateStatus, StageStatus
from headgate.api.vocabulary import Phase
from headgate.rollout.begin import UNPINNED, copy_name
from headgate.rollout.snapshot import Snapshot
from headgate.rollout.stages import Step, steps_of
from headgate.rollout.traffic import ALL


def placed_in_stage(candidate: CandidateStatus, snapshot: Snapshot, weight: int, mirror: int) -> CandidateStatus:
    """The candidate on a policy, in the stage that its weight or mirror belongs to, entered now."""
    name = next(iter(snapshot.copies), None)
    if name is None or (snapshot.policy.spec and copy_name(snapshot.name, snapshot.policy.spec) in snapshot.copies):
        name = copy_name(snapshot.name, snapshot.policy.spec) if snapshot.policy.spec else UNPINNED
    policy = policy_of(snapshot, name)
    exposed = (candidate.exposed or snapshot.now) if weight else None
    placed = candidate.model_copy(update={"policy_copy": name, "exposed": exposed, "stage": None})
    if not weight and not mirror:
        return placed
    steps = steps_of(policy, candidate.kind) if policy else ()
    step = _step_of(steps, weight, mirror)
    if not weight and step is None:
        # Copies that no stage asks for any more end; a share of the users does not.
        return placed
    stands_in = step is not None and weight == ALL != step.weight
    stage = StageStatus(
        index=step.index if step else 0,
        name=step.name if step else "rebuilt",
        entered=snapshot.now,
        weight=step.weight if step and stands_in else weight,
        mirror=mirror,
    )
    shadowed = {"shadow_passed": bool(weight) and any(s.mirror for s in steps)}
    return placed.model_copy(update={"stage": stage, **shadowed})


def _step_of(steps: tuple[Step, ...], weight: int, mirror: int) -> Step | None:
    """The stage of exactly this share. Else the last one below it, so that none is skipped; all users at once stand for no stage."""
    if not weight:
        return next((step for step in steps if step.mirror and not step.weight and mirror), None)
    served = [step for step in steps if step.weight]
    exact = next((step for step in served if step.weight == weight), None)
    below = [step for step in served if step.weight < weight != ALL]
    return exact or (below[-1] if below else next(iter(served), None))


def placed_late(snapshot: Snapshot) -> Snapshot:
    """A candidate that was found while no policy was known is placed as soon as there is one."""
    candidate = snapshot.status.candidate
    if candidate is None or candidate.stage is None or candidate.policy_copy != UNPINNED or snapshot.policy.spec is None:
        return snapshot
    placed = placed_in_stage(candidate, replace(snapshot, copies={}), candidate.stage.weight or 0, candidate.stage.mirror)
    return replace(snapshot, status=snapshot.status.model_copy(update={"candidate": placed}))


def policy_of(snapshot: Snapshot, name: str) -> RolloutPolicySpec | None:
    return snapshot.copies.get(name) or snapshot.policy.spec


def phase_of(stage: StageStatus, policy: RolloutPolicySpec | None, kind: AttemptKind) -> Phase:
    if not stage.weight:
        return Phase.SHADOW
    steps = steps_of(policy, kind) if policy else ()
    return Phase.FULL if stage.index < len(steps) and steps[stage.index].is_full else Phase.CANARY
