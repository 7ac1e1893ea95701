"""Steps 3 to 5: a candidate that does no harm goes on when its pods are ready, its time is served and it is proven good."""

from dataclasses import replace
from datetime import timedelta

from headgate.api.policy import RolloutPolicySpec
from headgate.api.reasons import Reason
from headgate.api.status import AttemptKind, CandidateStatus
from headgate.api.vocabulary import Verdict
from headgate.evidence.view import Evidence
from headgate.governance.approvals import Approval
from headgate.rollout.aa import finished, overrun
from headgate.rollout.aa_result import is_test
from headgate.rollout.approval_gate import announce_change, gate_open, owed_approvals, read_gate
from headgate.rollout.capacity import enlarged, floor_of, followed, reachable
from headgate.rollout.copying import counted
from headgate.rollout.draft import Draft
from headgate.rollout.enter import enter, enter_first, is_whole, rise
from headgate.rollout.fingerprint import unannounced
from headgate.rollout.golive import go_live
from headgate.rollout.harm import stable_failing
from headgate.rollout.observing import observed
from headgate.rollout.people import Orders, refuse, refuse_if_asked, rejection_of, take_up
from headgate.rollout.promoting import only_of_this_stage, used_up
from headgate.rollout.replaying import follow_replay
from headgate.rollout.snapshot import Snapshot, in_force
from headgate.rollout.stages import Step, counted_seconds, steps_of, waive
from headgate.rollout.waiting import alerted, barred, kept_waiting, lapsed, not_now, not_ready, overdue, route_pending


def advance(draft: Draft, snapshot: Snapshot, orders: Orders) -> Draft:
    """The candidate's next step, or what keeps it from one."""
    if draft.candidate.kind is AttemptKind.RESTORE:
        return _restore(draft, snapshot)
    if draft.candidate.kind is AttemptKind.BASELINE:
        return _deploy_baseline(draft, snapshot)
    if is_test(draft.candidate):
        if (over := overrun(draft, snapshot)) is not None:
            return over
        draft = refuse_if_asked(draft, orders.promote, "an A/A test ends by itself, and `headgate halt` ends it now")
        orders = replace(orders, promote=None)
    policy = snapshot.pinned
    if policy is None:
        if (refusal := snapshot.refusal) is not None:
            return draft.held_by(refusal.reason, refusal.message, stalled=True)
        return draft.held_by(Reason.PREPARING, "the policy copy of this attempt is being made")
    draft, orders = only_of_this_stage(draft, orders)
    steps = steps_of(policy, draft.candidate.kind)
    if snapshot.spec is not None:
        draft = draft.with_status(candidate=enlarged(draft.candidate, snapshot.spec))
    draft = draft.with_status(stable=followed(draft.status, snapshot))
    draft = follow_replay(draft, snapshot, policy)
    before = draft.candidate.gate
    draft = announce_change(before, read_gate(draft, snapshot, policy, steps))
    if draft.candidate.stage is None:
        return enter_first(draft, snapshot, steps, orders)
    return _stay_or_go(draft, snapshot, steps, policy, orders)


def _restore(draft: Draft, snapshot: Snapshot) -> Draft:
    workload = snapshot.workload(draft.candidate.revision)
    if workload.ready == 0:
        return not_ready(draft, snapshot, 1)
    policy = snapshot.policy.spec
    warm, window = (policy.rollback_warm, policy.rollback_window) if policy else (0, 0)
    return go_live(draft, snapshot, rollback_warm=warm, rollback_window=window)


def _deploy_baseline(draft: Draft, snapshot: Snapshot) -> Draft:
    """Nobody else answers, so the first ready pod is enough. What closes a gate keeps a baseline away as well."""
    if snapshot.governance_problem:
        return draft.held_by(Reason.GOVERNANCE_NOT_ENFORCED, f"a baseline takes no users meanwhile: {snapshot.governance_problem}")
    rejected = rejection_of(draft, snapshot, draft.candidate)
    if rejected is not None:
        spec = rejected.spec
        told = f"{spec.decision} by {spec.approver} ({spec.role}) stands against the baseline: take it out of spec.serving.baseline"
        return draft.held_by(Reason.WAITING_FOR_APPROVAL, told, stalled=True)
    if snapshot.route.problem is not None:
        return draft.held_by(snapshot.route.problem.reason, snapshot.route.problem.message)
    return _restore(draft, snapshot)


def _stay_or_go(draft: Draft, snapshot: Snapshot, steps: tuple[Step, ...], policy: RolloutPolicySpec, orders: Orders) -> Draft:
    step = steps[draft.candidate.stage.index] if draft.candidate.stage else steps[0]
    if is_whole(draft, snapshot, step):
        draft = _effective(draft, snapshot)
    evidence = _present_evidence(draft, snapshot)
    verdict = evidence.verdict if evidence else Verdict.NO_DATA
    draft = _unresolved(draft.with_candidate(verdict=verdict), evidence)
    closed = step.weight > 0 and not gate_open(draft.candidate)
    served = _served(draft, snapshot, step, evidence)
    stopped = draft.status.paused is not None or draft.status.failover is not None or snapshot.clock_step is not None
    # A proven candidate that waits for pods, for a window, for the end of an alert or for its vendor is not late.
    forbidden = not_now(snapshot) or alerted(snapshot) or unannounced(draft)
    kept_out = served and (forbidden is not None or _short_of_pods(draft, snapshot, steps, step))
    draft = _waived(draft, snapshot, waived=closed or stopped or kept_out or verdict is Verdict.SOURCE_DOWN)
    if closed:
        return lapsed(refuse_if_asked(draft, orders.promote, "the gate is closed"), snapshot, policy)
    if not is_whole(draft, snapshot, step):
        return rise(draft, snapshot, step)
    if draft.candidate.stage is not None and draft.candidate.stage.effective is None:
        return route_pending(draft, snapshot)
    if served:
        go_on = _go_on_unproven if step.compares and not _proven(step, evidence) else _go_on
        went = go_on(draft, snapshot, steps, step, policy)
        return went if _stayed(went, draft) else used_up(went, snapshot, draft.candidate)
    if draft.status.paused is not None:
        draft, orders = refuse_if_asked(draft, orders.promote, "the rollout is paused: resume it first"), Orders()
    if orders.promote is not None and step.weight and stable_failing(snapshot):
        return _replace_failing(draft, snapshot, policy, orders.promote)
    if orders.promote is not None and step.compares:
        return _promote(draft, snapshot, steps, step, policy, orders.promote)
    return overdue(kept_waiting(draft, step, evidence, snapshot), snapshot, step, policy)


def _unresolved(draft: Draft, evidence: Evidence | None) -> Draft:
    """Told once an attempt, as soon as the stable version has shown where its quantile lies."""
    words = "; ".join(f"{check.metric}: {check.unresolved}" for check in evidence.checks if check.unresolved) if evidence else ""
    if not words or draft.candidate.unresolved:
        return draft
    return draft.with_candidate(unresolved=words).announce(Reason.LATENCY_RESOLUTION_INSUFFICIENT, words, warning=True)


def _short_of_pods(draft: Draft, snapshot: Snapshot, steps: tuple[Step, ...], step: Step) -> bool:
    """Whether nothing but pods keeps the candidate from the next stage, or from going live."""
    following = steps[step.index + 1] if step.index + 1 < len(steps) else step
    return reachable(following, draft.status, snapshot) is None


def _promote(draft: Draft, snapshot: Snapshot, steps: tuple[Step, ...], step: Step, policy: RolloutPolicySpec, order: Approval) -> Draft:
    """Go on without proof. The order waits, and stays good, while something else (pods, a pause) keeps the next stage from beginning."""
    accepted = _joined(draft.candidate.inconclusive_accepted, step.name)
    went = _go_on(draft.with_candidate(inconclusive_accepted=accepted), snapshot, steps, step, policy)
    if _stayed(went, draft):
        return _go_on(draft, snapshot, steps, step, policy)
    taken = take_up(went, order, f"stage {step.name} ends without proof ({draft.candidate.verdict})")
    return used_up(taken, snapshot, draft.candidate)


def _go_on_unproven(draft: Draft, snapshot: Snapshot, steps: tuple[Step, ...], step: Step, policy: RolloutPolicySpec) -> Draft:
    """The stage had its time in mode Observe, and nothing was proven. That is recorded if the stage ends now."""
    marked = draft.with_candidate(observed_only=_joined(draft.candidate.observed_only, step.name))
    went = _go_on(marked, snapshot, steps, step, policy)
    return _go_on(draft, snapshot, steps, step, policy) if _stayed(went, draft) else went


def _joined(names: tuple[str, ...], name: str) -> tuple[str, ...]:
    """A candidate that waited without traffic comes through its stages again."""
    return names if name in names else (*names, name)


def _stayed(went: Draft, draft: Draft) -> bool:
    return went.status.candidate is not None and went.status.candidate.stage == draft.candidate.stage


def _replace_failing(draft: Draft, snapshot: Snapshot, policy: RolloutPolicySpec, order: Approval) -> Draft:
    """A person decides that the candidate takes the place of a stable version that breaks its guards. That is a rise like any other."""
    if (bar := not_now(snapshot)) is not None:
        return draft.held_by(bar.reason, bar.message)
    if snapshot.workload(draft.candidate.revision).ready == 0:
        return not_ready(draft, snapshot, 1)
    if (owed := owed_approvals(draft.candidate)) is not None:
        return refuse(draft, order, owed.message)
    told = f"{draft.candidate.version} replaces the failing stable version without proof ({draft.candidate.verdict})"
    taken = take_up(draft, order, told)
    return go_live(taken, snapshot, rollback_warm=policy.rollback_warm, rollback_window=policy.rollback_window)


def _effective(draft: Draft, snapshot: Snapshot) -> Draft:
    """Stage time begins when the gateway is seen to serve the stage's whole weight."""
    stage, traffic = draft.candidate.stage, draft.status.traffic
    if stage is None or stage.effective is not None or draft.status.failover is not None or not in_force(traffic, snapshot.route):
        return draft
    return draft.with_stage(stage.model_copy(update={"effective": snapshot.now}))


def _present_evidence(draft: Draft, snapshot: Snapshot) -> Evidence | None:
    """Evidence counts for the present stage only when it was read in it, since it was entered."""
    evidence, stage = snapshot.evidence, draft.candidate.stage
    if evidence is None or stage is None or evidence.attempt != str(draft.candidate.attempt) or evidence.stage != stage.index:
        return None
    return evidence if evidence.entered in (None, stage.entered.timestamp()) else None


def _waived(draft: Draft, snapshot: Snapshot, *, waived: bool) -> Draft:
    stage = draft.candidate.stage
    if stage is None or stage.effective is None:
        return draft
    begin = snapshot.now
    if snapshot.clock_step is not None:
        # An hour that nobody lived through is no part of the stage.
        begin = max(stage.effective, begin - timedelta(seconds=max(0.0, snapshot.clock_step.seconds)))
    return draft.with_stage(waive(stage, begin, snapshot.now, waived=waived))


def _served(draft: Draft, snapshot: Snapshot, step: Step, evidence: Evidence | None) -> bool:
    """Whether the stage has had its time, its requests and its proof. A first version and mode Observe ask for its time alone."""
    stage = draft.candidate.stage
    if not step.compares or observed(draft):
        return stage is not None and counted_seconds(stage, snapshot.now) >= step.min_duration
    return _proven(step, evidence)


def _proven(step: Step, evidence: Evidence | None) -> bool:
    return (
        evidence is not None
        and evidence.verdict is Verdict.PASS
        and evidence.stage_fresh_seconds >= step.min_duration
        and evidence.stage_requests >= step.min_requests
    )


def _go_on(draft: Draft, snapshot: Snapshot, steps: tuple[Step, ...], step: Step, policy: RolloutPolicySpec) -> Draft:
    if step.weight == 0:
        evidence = _present_evidence(draft, snapshot)
        copies = counted(evidence.mirror if evidence else None)
        shadowed = draft.with_candidate(shadow_passed=True, copies=copies, stage=None)
        told = shadowed.announce(Reason.PROMOTED, f"{draft.candidate.version} {_left_words(draft.candidate, step)}")
        return enter_first(read_gate(told, snapshot, policy, steps), snapshot, steps, Orders())
    if step.index + 1 < len(steps):
        return enter(draft, snapshot, steps[step.index + 1])
    if is_test(draft.candidate):
        return finished(draft, snapshot, step)
    if (bar := barred(draft, step, snapshot)) is not None:
        return draft.held_by(bar.reason, bar.message)
    if (owed := owed_approvals(draft.candidate)) is not None:
        return draft.held_by(owed.reason, owed.message)
    if snapshot.workload(draft.candidate.revision).steady < (needed := floor_of(step, draft.status, snapshot)):
        return not_ready(draft, snapshot, needed)
    return go_live(draft, snapshot, rollback_warm=policy.rollback_warm, rollback_window=policy.rollback_window)


def _left_words(candidate: CandidateStatus, step: Step) -> str:
    if step.name in candidate.inconclusive_accepted:
        return f"leaves {step.name} without proof: automated-checks stays closed for this attempt"
    if step.name in candidate.observed_only:
        return f"leaves {step.name} without proof, because of mode Observe"
    return f"passed {step.name}"
