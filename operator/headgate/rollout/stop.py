"""Step 1 of every decision: what takes users off the candidate, or off the live version, and what keeps them where they are."""

from datetime import timedelta

from headgate.api.reasons import Reason
from headgate.api.status import AttemptKind
from headgate.api.vocabulary import RollbackCause
from headgate.rollout.aa_result import is_test
from headgate.rollout.begin import earlier_live, restore
from headgate.rollout.draft import Draft
from headgate.rollout.failover import irreplaceable, others_can_answer
from headgate.rollout.harm import Harm, guarded, present, proven, shared_failure
from headgate.rollout.live import leave_live, leaves_live
from headgate.rollout.observing import observed, would_have
from headgate.rollout.people import Orders, refuse_if_asked, take_up
from headgate.rollout.risk import risk_of, tier_of
from headgate.rollout.snapshot import Snapshot, WorkloadState
from headgate.rollout.stages import steps_of
from headgate.rollout.withdraw import retreat, withdraw

_BY_GUARDS = (RollbackCause.GUARD, RollbackCause.MISSING_ANSWERS, RollbackCause.POD_GUARD)
_JUST_BACK = timedelta(minutes=1)
"""What took the pods of both versions gives them back one after the other."""


def stop_harm(draft: Draft, snapshot: Snapshot, asked: Orders) -> Draft:
    """Depends on nothing but what was measured and what people decided."""
    if draft.status.candidate is None:
        return leave_live(draft, snapshot, asked)
    if is_test(draft.candidate) and leaves_live(draft, snapshot):
        ended = withdraw(draft, snapshot, Harm(RollbackCause.CANCELLED, "the live version is taken back"))
        return leave_live(ended, snapshot, Orders())
    ordered = _ordered(draft, asked) or _lowered_by_hand(draft, snapshot) or _rejected(draft) or _prohibited(snapshot)
    by_guard, by_judge = _present_harm(snapshot)
    remembered = _taken_back(draft, snapshot)
    certain = ordered or by_guard or remembered
    harm = certain or by_judge
    if harm is None:
        return _tier_raised(draft, snapshot)
    # What a person stops is stopped, even if users then wait for the stable version's pods.
    by_person = ordered is not None and draft.status.stable is not None
    if draft.candidate.exposed and not by_person and not others_can_answer(draft, snapshot):
        return _kept_serving(draft, asked, harm)
    if certain is None and observed(draft):
        return _tier_raised(would_have(draft, snapshot, harm), snapshot)
    if ordered is None and remembered is None and (shared_failure(snapshot) or _pods_shared(draft, snapshot, by_guard)):
        return _left_unblamed(draft, harm)
    return _taken_off(draft, snapshot, asked, harm)


def _pods_shared(draft: Draft, snapshot: Snapshot, by_guard: Harm | None) -> bool:
    """No version has a ready pod, or the stable one has some again since a moment: what took those of the stable version may have taken the
    candidate's. A Deployment that is gone is no outage: then somebody deletes the model, and nothing is to wait for its return."""
    stable = draft.status.stable
    if stable is None or by_guard is None or by_guard.cause not in _BY_GUARDS:
        return False
    beside, its = snapshot.workload(stable.revision), snapshot.workload(draft.candidate.revision)
    lost = beside.ready == 0 or _just_back(beside, snapshot)
    return beside.exists and its.exists and its.ready == 0 and lost


def _just_back(workload: WorkloadState, snapshot: Snapshot) -> bool:
    """None of its pods is ready for long. A clock that is not trusted says nothing about that."""
    since = workload.ready_since
    return since is not None and snapshot.clock_step is None and snapshot.now - since < _JUST_BACK


def _left_unblamed(draft: Draft, harm: Harm) -> Draft:
    if draft.candidate.stage is None:
        # It was told already, and users are leaving it as fast as the route can be written.
        return draft
    told = f"both versions fail, so the candidate waits without traffic: {harm.message}"
    return retreat(draft).announce(Reason.SHARED_FAILURE, told, warning=True)


def _taken_back(draft: Draft, snapshot: Snapshot) -> Harm | None:
    """By the route, this attempt was taken back, and the status does not know it: the process died before that was recorded, or the status
    came back from a backup. The route is written first, so that it is true."""
    candidate = draft.candidate
    entry = next((e for e in snapshot.route.blocked if e.revision == candidate.revision and e.attempt >= candidate.attempt), None)
    return Harm(entry.cause, "it was taken back, as its route remembers", by=entry.by) if entry else None


def _taken_off(draft: Draft, snapshot: Snapshot, asked: Orders, harm: Harm) -> Draft:
    stop = asked.halt or asked.rollback
    if stop is None:
        return withdraw(draft, snapshot, harm)
    goal = stop.spec.to_revision
    away = goal not in (None, draft.candidate.revision) and draft.status.stable is not None and goal != draft.status.stable.revision
    earlier = earlier_live(draft, snapshot, goal) if away else None
    told = f"traffic leaves revision {draft.candidate.revision}" + (f" and goes to {earlier.version} ({goal})" if earlier else "")
    left = withdraw(take_up(draft, stop, told), snapshot, harm)
    return restore(left, snapshot, earlier) if earlier else left


def _kept_serving(draft: Draft, asked: Orders, harm: Harm) -> Draft:
    draft = refuse_if_asked(draft, asked.halt or asked.rollback, "there is no other version and no fallback that could answer instead")
    return draft.held_by(Reason.DEGRADED, f"{harm.message}; it keeps serving because nothing else can")


def _lowered_by_hand(draft: Draft, snapshot: Snapshot) -> Harm | None:
    """Somebody took users off the candidate in the route itself. Admission lets only people do that who may halt."""
    candidate, route = draft.candidate, snapshot.route
    if candidate.stage is None or not route.edited_by or draft.status.stable is None:
        return None
    wanted, present = draft.status.traffic.weight_of(candidate.revision), route.weights.get(candidate.revision, 0)
    if present >= wanted or present == _last_written(draft, snapshot):
        return None
    words = f"the route was edited: {present / 10:g} % instead of {wanted / 10:g} % for revision {candidate.revision}"
    return Harm(RollbackCause.HALT, words, by=", ".join(route.edited_by))


def _last_written(draft: Draft, snapshot: Snapshot) -> int | None:
    """The candidate's share that Headgate itself wrote last: a new weight that was decided may not be written yet. Where the route does not
    tell (one version was alone in it, or an earlier release wrote it) it may be that of the stage before, until the stage's own is seen to
    be in force."""
    candidate, written = draft.candidate, snapshot.route.written
    if written:
        return written.get(candidate.revision, 0)
    stage = candidate.stage
    if stage is None or stage.effective is not None:
        return None
    steps = steps_of(snapshot.pinned, candidate.kind) if snapshot.pinned else ()
    return steps[stage.index - 1].weight if stage.index and steps else 0


def _tier_raised(draft: Draft, snapshot: Snapshot) -> Draft:
    """Users were sent to it on approvals of a lower tier: it leaves them until those of the present tier are there."""
    gate, stage = draft.candidate.gate, draft.candidate.stage
    if gate is None or stage is None or not stage.weight or snapshot.spec is None:
        return draft
    tier = tier_of(snapshot)
    if tier is None or not tier.exceeds(gate.tier) or (draft.status.stable is None and not others_can_answer(draft, snapshot)):
        return draft
    if (kept := irreplaceable(draft, snapshot)) is not None:
        # The gate asks for the new tier from now on, so this becomes a lapsed approval.
        return draft.held_by(kept.reason, kept.message)
    told = f"the model's tier is {tier} now, and {draft.candidate.version} was approved at tier {gate.tier}: it waits without traffic"
    return retreat(draft).announce(Reason.TIER_RAISED, told, warning=True)


def _present_harm(snapshot: Snapshot) -> tuple[Harm | None, Harm | None]:
    """Measured harm of the present attempt: what guards and pods show, and what the judge has proven. Evidence of another attempt, or from
    before a retreat, says nothing about it now."""
    candidate, evidence = snapshot.status.candidate, snapshot.evidence
    if candidate is None or candidate.kind in (AttemptKind.RESTORE, AttemptKind.BASELINE):
        return None, None
    if present(evidence, candidate) is None:
        snapshot = snapshot.without_evidence()
    return guarded(snapshot, snapshot.pinned or snapshot.policy.spec), proven(snapshot.evidence)


def _prohibited(snapshot: Snapshot) -> Harm | None:
    """The team itself says that the law forbids what the model does."""
    risk = risk_of(snapshot)
    return Harm(RollbackCause.PROHIBITED, risk.words) if risk.prohibited else None


def _ordered(draft: Draft, asked: Orders) -> Harm | None:
    for approval, cause in ((asked.halt, RollbackCause.HALT), (asked.rollback, RollbackCause.ROLLBACK)):
        if approval is not None:
            return Harm(cause, f"{approval.spec.approver}: {approval.spec.rationale}", by=approval.spec.approver)
    return None


def _rejected(draft: Draft) -> Harm | None:
    """A Reject or Revoke of what the candidate was approved for, or of its use case, that stands and was first seen during the attempt. One
    from before keeps the gate closed, and takes nothing off: a Retry may wait for the approval that answers it."""
    candidate = draft.candidate
    gate, case = candidate.gate, draft.status.use_case
    subjects = {gate.subject if gate else None, *((case.subject, case.stands_for) if case else ())} - {None}
    standing = (latch for latch in draft.status.latches if latch.subject in subjects and not latch.answered)
    latch = next((latch for latch in standing if latch.attempt == candidate.attempt), None)
    if latch is None:
        return None
    return Harm(RollbackCause.REJECTED, f"{latch.decision} by {latch.by} ({latch.role}): {latch.rationale}", by=latch.by)
