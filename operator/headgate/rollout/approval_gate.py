"""Step 2 of every decision: are the approvals that the candidate needs there, and do they still stand?"""

from headgate.api.approval import ApprovalState
from headgate.api.base import line
from headgate.api.gate_status import GateStatus
from headgate.api.policy import RolloutPolicySpec
from headgate.api.reasons import Reason
from headgate.api.status import GATED, CandidateStatus
from headgate.api.vocabulary import GATE_DECISIONS, Gate, Mode, Role, Tier, Verdict
from headgate.governance.dossier import deployment_lacks
from headgate.governance.gates import AutomatedChecks, GateReading, evaluate
from headgate.governance.subjects import deployment_statement, subject_of
from headgate.governance.trust import Trust
from headgate.rollout.break_glass import broken
from headgate.rollout.copying import copies_objection
from headgate.rollout.draft import Draft
from headgate.rollout.harm import present
from headgate.rollout.latched import standing
from headgate.rollout.observing import allowed_mode
from headgate.rollout.owners import technical_owners
from headgate.rollout.replaying import agreement_words, replay_objection
from headgate.rollout.risk import obstacle, tier_of
from headgate.rollout.snapshot import Problem, Snapshot
from headgate.rollout.stages import Step
from headgate.rollout.trusting import trust_of
from headgate.rollout.use_case import unmet


def read_gate(draft: Draft, snapshot: Snapshot, policy: RolloutPolicySpec, steps: tuple[Step, ...]) -> Draft:
    """Evaluate the Deployment gate for the candidate. Kinds without a gate keep none."""
    candidate, spec, trust = draft.candidate, snapshot.spec, trust_of(snapshot, policy)
    if candidate.kind not in GATED or spec is None or not (snapshot.approvals_known and trust.known):
        return draft
    unclear, tier, mode = obstacle(snapshot, policy), tier_of(snapshot), allowed_mode(snapshot, policy)
    if unclear is not None:
        return _shut(draft, snapshot, unclear, trust)
    assert tier is not None, "an unknown tier is an obstacle"
    unapproved = unmet(draft, policy)
    lacking = (*((line(f"use case: {unapproved}"),) if unapproved else ()), *deployment_lacks(spec, policy.gates.dossier_of(tier)))
    replay = candidate.replay.asked if candidate.replay else None
    subject = deployment_subject(snapshot, candidate.content, tier, policy, replay)
    required = policy.gates.deployment.of(tier)
    automated = _automated_checks(snapshot, candidate, policy, steps, mode)
    reading = evaluate(
        required=required,
        tier=tier,
        subject=subject,
        approvals=standing(snapshot, draft.status.latches),
        technical_owners=technical_owners(draft.status, spec),
        now=snapshot.now,
        automated=automated,
        trust=trust,
        lacking=lacking,
    )
    draft, glass = broken(draft, snapshot, tier, _beyond_approvals(reading, lacking, required, automated))
    glass = "" if reading.open else glass
    is_open = (reading.open or bool(glass)) and not snapshot.governance_problem
    gate = GateStatus(
        subject=subject,
        environment=snapshot.environment,
        tier=tier,
        mode=mode,
        replay=replay,
        required=required,
        missing=(*((line(snapshot.governance_problem),) if snapshot.governance_problem else ()), *reading.missing)[:16],
        counted=reading.counted[:16],
        open=is_open,
        break_glass=glass,
        lapsed_since=_lapsed_since(candidate, is_open, snapshot, trust),
    )
    return _noted(draft.with_candidate(gate=gate), snapshot, reading)


def _beyond_approvals(reading: GateReading, lacking: tuple[str, ...], required: tuple[Role, ...], automated: AutomatedChecks) -> str:
    """What keeps the gate closed that no person's approval of the version would change, in words; empty if there is nothing.

    Breaking the glass replaces persons. What was to be measured was not measured by two people's word for it.
    """
    if reading.rejected:
        return "a Reject or Revoke stands"
    unmeasured = Role.AUTOMATED_CHECKS in required and not automated.passed
    return "; ".join((*lacking, *((f"{Role.AUTOMATED_CHECKS}: {automated.reason}",) if unmeasured else ())))


def _shut(draft: Draft, snapshot: Snapshot, problem: Problem, trust: Trust) -> Draft:
    """Nobody knows any more what must be approved: what was open closes, and says why."""
    gate = draft.candidate.gate
    if gate is not None:
        since = _lapsed_since(draft.candidate, is_open=False, snapshot=snapshot, trust=trust)
        told = {"missing": (line(problem.message),), "counted": (), "break_glass": "", "lapsed_since": since}
        draft = draft.with_candidate(gate=gate.model_copy(update={"open": False, **told}))
    return draft.held_by(problem.reason, problem.message, stalled=True)


def deployment_subject(snapshot: Snapshot, content: str, tier: Tier, policy: RolloutPolicySpec, replay: str | None) -> str:
    """What people approve when they approve `content`. `replay`: the digest of spec.serving.replay that its answers are compared by."""
    statement = deployment_statement(
        environment=snapshot.environment,
        namespace=snapshot.namespace,
        name=snapshot.name,
        content=content,
        tier=tier,
        policy=policy,
        mode=allowed_mode(snapshot, policy),
        replay=replay,
        evidence=snapshot.spec.evidence if snapshot.spec else (),
        lineage=snapshot.spec.lineage if snapshot.spec else (),
    )
    return subject_of(statement)


def gate_open(candidate: CandidateStatus) -> bool:
    """Whether users may be sent to the candidate, as far as people have a say. Unchanged content and restored versions had theirs."""
    if candidate.kind not in GATED:
        return True
    return candidate.gate is not None and candidate.gate.open


def owed_approvals(candidate: CandidateStatus) -> Problem | None:
    """What keeps a candidate that has its users by BreakGlass from becoming the live version. None if its approvals are there."""
    gate = candidate.gate
    if gate is None or not gate.break_glass:
        return None
    return Problem(Reason.BREAK_GLASS, f"{gate.break_glass}; to go live it needs its approvals: {waiting_words(gate)}")


def _lapsed_since(candidate: CandidateStatus, is_open: bool, snapshot: Snapshot, trust: Trust) -> object:
    if is_open or candidate.exposed is None:
        return None
    before = candidate.gate.lapsed_since if candidate.gate else None
    # Who is trusted is unknown then, and nobody's approval has ended.
    return before if trust.problem else before or snapshot.now


def _automated_checks(
    snapshot: Snapshot, candidate: CandidateStatus, policy: RolloutPolicySpec, steps: tuple[Step, ...], mode: Mode
) -> AutomatedChecks:
    """The shadow verdict, with all copies sent, and the comparison of answers if one is asked for. Without a shadow stage, or where it is
    observed only: pods ready, no guard fired, route accepted."""
    shadow = next((step for step in steps if step.mirror), None)
    if shadow is None:
        return _without_verdict(snapshot, candidate, mode)
    if shadow.name in candidate.inconclusive_accepted:
        return AutomatedChecks(False, "the shadow stage was ended without proof")
    if mode is Mode.OBSERVE and candidate.shadow_passed:
        found = _without_verdict(snapshot, candidate, mode)
        return AutomatedChecks(found.passed, f"{found.reason}; shadow was observed only")
    if shadow.name in candidate.observed_only:
        return AutomatedChecks(False, "shadow was observed only, and mode Enforce needs its verdict: only a new attempt has one")
    if not candidate.shadow_passed:
        return AutomatedChecks(False, "the shadow stage has not passed")
    objections = [copies_objection(candidate.copies) if candidate.exposed is None else "", replay_objection(candidate, policy)]
    if objected := "; ".join(filter(None, objections)):
        return AutomatedChecks(False, objected)
    report = candidate.replay.report if candidate.replay else None
    return AutomatedChecks(True, f"the shadow verdict is Pass{f'; {agreement_words(report)}' if report else ''}")


def _without_verdict(snapshot: Snapshot, candidate: CandidateStatus, mode: Mode) -> AutomatedChecks:
    evidence = present(snapshot.evidence, candidate)
    fired = evidence is not None and any(guard.fired for guard in evidence.candidate_guards)
    if fired or (mode is Mode.ENFORCE and evidence is not None and evidence.verdict is Verdict.FAIL):
        return AutomatedChecks(False, "a guard fired")
    if candidate.exposed is not None or candidate.shadow_passed:
        # Pods and gateway were ready when users, or copies, were let in. A route on its way to the gateway is no lapse of an approval.
        return AutomatedChecks(True, "pods were ready and the route accepted before the first user, and no guard fired")
    if snapshot.workload(candidate.revision).ready == 0:
        return AutomatedChecks(False, "no pod of the candidate is ready")
    if snapshot.route.accepted is not True:
        return AutomatedChecks(False, "the gateway has not accepted the route")
    return AutomatedChecks(True, "pods are ready, no guard fired, the route is accepted")


def _noted(draft: Draft, snapshot: Snapshot, reading: GateReading) -> Draft:
    counted = set(reading.counted_names)
    for approval in snapshot.approvals:
        if approval.spec.decision not in GATE_DECISIONS or approval.spec.gate is not Gate.DEPLOYMENT:
            continue
        if approval.name in counted:
            draft = draft.note(approval.name, ApprovalState.COUNTED, f"counts as {approval.spec.role}")
        elif approval.name in reading.not_counted:
            unverified = approval.unverified(snapshot.trust)
            state = ApprovalState.UNVERIFIED if unverified else ApprovalState.NOT_COUNTED
            draft = draft.note(approval.name, state, unverified or reading.not_counted[approval.name])
    return draft


def waiting_words(gate: GateStatus) -> str:
    """What the gate waits for, in one line."""
    return "; ".join(gate.missing) or "nothing"


def announce_change(before: GateStatus | None, draft: Draft) -> Draft:
    """An Event when the gate opens, one whenever people break its glass, and one when an approval that users already rely on lapses."""
    gate = draft.status.candidate.gate if draft.status.candidate else None
    if gate is None:
        return draft
    if gate.open and gate.break_glass and (before is None or not before.break_glass):
        told = f"the Deployment gate is open without {len(gate.missing)} of its approvals: {gate.break_glass}"
        return draft.announce(Reason.BREAK_GLASS, told, warning=True)
    if before is not None and before.open == gate.open:
        return draft
    if gate.open:
        return draft.announce(Reason.APPROVED, f"the Deployment gate is open: {', '.join(gate.counted) or 'no approval is needed'}")
    if before is None:
        return draft
    return draft.announce(Reason.APPROVAL_LAPSED, f"the Deployment gate closed again: {waiting_words(gate)}", warning=True)
