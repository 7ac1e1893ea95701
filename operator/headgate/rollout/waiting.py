"""What is told while a candidate stays where it is, and what happens when it has stayed too long."""

from dataclasses import replace
from datetime import timedelta

from headgate.api.policy import RolloutPolicySpec
from headgate.api.quantities import Duration
from headgate.api.reasons import Reason
from headgate.api.vocabulary import OnDeadline, RollbackCause, Verdict
from headgate.evidence.view import Evidence
from headgate.rollout.aa_result import is_test
from headgate.rollout.alerts import holding
from headgate.rollout.approval_gate import waiting_words
from headgate.rollout.calendar import closed
from headgate.rollout.draft import Draft
from headgate.rollout.drifting import drift_freeze
from headgate.rollout.failover import irreplaceable, stand_in_words
from headgate.rollout.fingerprint import unannounced
from headgate.rollout.harm import Harm, stable_failing
from headgate.rollout.observing import observed
from headgate.rollout.snapshot import Problem, Snapshot
from headgate.rollout.stages import Step, counted_seconds
from headgate.rollout.withdraw import retreat, withdraw

_HOLDS = {
    Verdict.NO_DATA: (Reason.NO_DATA, "no fresh numbers of the candidate: nothing is decided until they come"),
    Verdict.SOURCE_DOWN: (Reason.SOURCE_DOWN, "Prometheus does not answer: nothing is decided until it does; guards on pods stay active"),
    Verdict.NOT_MEASURABLE: (Reason.NOT_MEASURABLE, "a required check cannot be measured"),
    Verdict.INCONCLUSIVE: (Reason.ANALYSIS_INCONCLUSIVE, "not yet proven good"),
}
_STABLE_FAILS = Reason.STABLE_DEGRADED, "the stable version breaks a guard: nothing rises until it has recovered"


def barred(draft: Draft, step: Step, snapshot: Snapshot) -> Problem | None:
    """What forbids every upward move, whichever stage comes next."""
    return _barred_by_state(draft, step, snapshot) or unannounced(draft) or not_now(snapshot)


def not_now(snapshot: Snapshot) -> Problem | None:
    """A time at which nothing rises: outside the policy's windows, in a freeze, one that the clock tells wrong, or one at which the audit
    cannot be written ahead."""
    if snapshot.audit.problem is not None:
        return snapshot.audit.problem
    if snapshot.clock_step is not None:
        return Problem(Reason.CLOCK_STEPPED, snapshot.clock_step.words)
    unreadable = snapshot.policy.problem
    if unreadable is not None and unreadable.reason is Reason.POLICY_INVALID:
        # What cannot be read may be a freeze that was just added.
        return unreadable
    found = closed(snapshot.calendar, snapshot.now)
    if found is None:
        return None
    return Problem(Reason.CHANGE_FREEZE if found.frozen else Reason.OUTSIDE_WINDOW, found.why)


def _barred_by_state(draft: Draft, step: Step, snapshot: Snapshot) -> Problem | None:
    if (unread := _unread_configuration(snapshot)) is not None:
        return unread
    if step.compares and _pause(draft) is None and stable_failing(snapshot):
        return Problem(*_STABLE_FAILS)
    return _pause(draft) or _failing_over(draft) or drift_freeze(draft) or alerted(snapshot)


def alerted(snapshot: Snapshot) -> Problem | None:
    """What alerts about the model say against every upward move."""
    held = holding(snapshot.pinned or snapshot.policy.spec, snapshot.alerts, snapshot.now.timestamp())
    return Problem(*held) if held is not None else None


def _failing_over(draft: Draft) -> Problem | None:
    failover = draft.status.failover
    if failover is None or draft.status.stable is None:
        return None
    return Problem(Reason.FAILOVER, stand_in_words(failover))


def _unread_configuration(snapshot: Snapshot) -> Problem | None:
    """While it is not known which version the spec asks for, it may be another one than the candidate."""
    if snapshot.configuration.known:
        return snapshot.configuration.problem
    return Problem(Reason.PREPARING, "the ConfigMaps and Secrets that the pod template refers to are being read")


def _pause(draft: Draft) -> Problem | None:
    paused = draft.status.paused
    return Problem(Reason.PAUSED, f"paused by {paused.by}: {paused.rationale}") if paused else None


def kept_waiting(draft: Draft, step: Step, evidence: Evidence | None, snapshot: Snapshot) -> Draft:
    """`draft` with the reason why the stage goes on."""
    if (pause := _pause(draft)) is not None:
        return draft.held_by(pause.reason, pause.message)
    if (alert := alerted(snapshot)) is not None:
        return draft.held_by(alert.reason, alert.message)
    if step.compares and stable_failing(snapshot):
        return draft.held_by(*_STABLE_FAILS)
    if not step.compares:
        return draft.held_by(Reason.IN_PROGRESS, f"{step.name}: soaking under guards for {Duration(step.min_duration)}")
    verdict = draft.candidate.verdict
    if observed(draft) and verdict is not Verdict.SOURCE_DOWN:
        words = f"{step.name}: evidence is observed only, so it lasts {Duration(step.min_duration)}, whatever the verdict"
        return draft.held_by(Reason.IN_PROGRESS, words)
    if verdict in _HOLDS:
        reason, message = _HOLDS[verdict]
        details = _details(evidence, verdict)
        return draft.held_by(reason, "; ".join([message, *details]))
    # No running counts here: each would be a write. They are in the model's evidence, which `headgate explain` reads.
    needed = f"{Duration(step.min_duration)} with fresh evidence and {step.min_requests} requests"
    return draft.held_by(Reason.IN_PROGRESS, f"{step.name}: within its limits so far; lasts until {needed} are there")


def _details(evidence: Evidence | None, verdict: Verdict) -> list[str]:
    """What of the evidence speaks for this verdict. No running counts, as below."""
    if evidence is None:
        return []
    details = [f"{c.metric}: {c.detail}" for c in evidence.checks if c.verdict is verdict and c.detail]
    fairness, segments = evidence.fairness, evidence.segments
    if segments is not None and segments.holds:
        details = [*details, f"segments: {segments.detail or 'not every one is proven good'}"]
    if fairness is None or not fairness.holds:
        return details
    if fairness.suspected:
        return [*details, f"fairness: group {fairness.worst} is suspected to be treated worse than the limit allows"]
    return [*details, "fairness: its counters are required"]


def not_ready(draft: Draft, snapshot: Snapshot, needed: int) -> Draft:
    """Held until `needed` pods of the candidate are ready, to which it is scaled; with the reason why they are not."""
    workload = snapshot.workload(draft.candidate.revision)
    scaled, bounds = replace(draft, scale_for=needed), draft.candidate.autoscale
    if bounds is not None and needed > bounds.max_replicas:
        words = f"the next stage needs {needed} pods of revision {draft.candidate.revision}, for its share of the load"
        limit = f"spec.serving.deployment.autoscaling.maxReplicas is {bounds.max_replicas}: raise it"
        return scaled.held_by(Reason.WAITING_FOR_CAPACITY, f"{words}; {limit}", stalled=True)
    if snapshot.refusal is not None:
        return scaled.held_by(snapshot.refusal.reason, snapshot.refusal.message, stalled=True)
    if workload.problem is not None:
        return scaled.held_by(workload.problem.reason, workload.problem.message)
    words = f"{workload.steady} of {needed} pods of revision {draft.candidate.revision} are ready"
    return scaled.held_by(Reason.WORKLOAD_NOT_READY if workload.exists else Reason.PREPARING, words)


def route_pending(draft: Draft, snapshot: Snapshot) -> Draft:
    """Held until the gateway serves the weights of the stage; while somebody else answers for the stable version, it does not."""
    problem = snapshot.audit.problem or snapshot.route.problem or snapshot.refusal or _failing_over(draft)
    reason, message = (problem.reason, problem.message) if problem else (Reason.ROUTE_PENDING, "the gateway is taking the new weights")
    return draft.held_by(reason, message)


def overdue(draft: Draft, snapshot: Snapshot, step: Step, policy: RolloutPolicySpec) -> Draft:
    """A stage past its maxDuration does what the policy says; before, nothing changes."""
    if snapshot.clock_step is not None:
        return replace(draft, problem=None).held_by(Reason.CLOCK_STEPPED, snapshot.clock_step.words)
    stage = draft.candidate.stage
    if stage is None or counted_seconds(stage, snapshot.now) < step.max_duration or not step.compares:
        return draft
    if (kept := irreplaceable(draft, snapshot)) is not None:
        return draft.held_by(kept.reason, kept.message)
    words = f"{step.name} ran for {Duration(step.max_duration)} without proof that {draft.candidate.version} is within its limits"
    # Nobody waits for an A/A test, so it does not wait for anybody.
    match OnDeadline.ROLLBACK if is_test(draft.candidate) else policy.analysis.on_deadline:
        case OnDeadline.ROLLBACK:
            return withdraw(draft, snapshot, Harm(RollbackCause.DEADLINE, words))
        case OnDeadline.HOLD:
            held = f"{words}; it stays where it is"
        case OnDeadline.ASK_PROMOTE:
            held = f"{words}; `kubectl headgate promote {snapshot.name}` accepts it without proof"
    # A deadline says more than the missing proof it comes from.
    return replace(draft, problem=None).held_by(Reason.DEADLINE_EXCEEDED, held)


def lapsed(draft: Draft, snapshot: Snapshot, policy: RolloutPolicySpec) -> Draft:
    """The gate closed while users are served: hold, and back to 0 % when the grace is over."""
    gate = draft.candidate.gate
    since = gate.lapsed_since if gate and draft.status.stable else None
    words = waiting_words(gate) if gate else "the approvals are being read"
    if since is None or snapshot.clock_step is not None or snapshot.now - since < timedelta(seconds=policy.lapse_grace):
        after = f"; back to stable {policy.lapse_grace} after that" if draft.status.stable else ""
        return draft.held_by(Reason.APPROVAL_LAPSED, f"the gate closed while users are served: {words}{after}")
    if (kept := irreplaceable(draft, snapshot)) is not None:
        return draft.held_by(Reason.APPROVAL_LAPSED, f"the gate closed while users are served: {words}; {kept.message}")
    told = f"an approval lapsed and was not renewed within {policy.lapse_grace}: {words}"
    return retreat(draft).announce(Reason.APPROVAL_LAPSED, told, warning=True)
