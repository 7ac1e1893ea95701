"""Is a version doing harm? Depends on nothing but what was measured."""

from dataclasses import dataclass
from datetime import timedelta

from headgate.api.policy import RolloutPolicySpec
from headgate.api.status import CandidateStatus
from headgate.api.vocabulary import Metric, RollbackCause, Verdict
from headgate.evidence.fairness.words import fairness_words
from headgate.evidence.segments.words import harm_words
from headgate.evidence.view import CheckReading, Evidence, GuardReading
from headgate.evidence.words import sentence
from headgate.rollout.alerts import blaming
from headgate.rollout.snapshot import Snapshot

_NEWS_LASTS = 60.0
"""Seconds: the length of a guard's window."""
_EVIDENCE_CAUSES = {
    Metric.ERRORS: RollbackCause.EVIDENCE_ERRORS,
    Metric.LATENCY: RollbackCause.EVIDENCE_LATENCY,
    Metric.REJECTIONS: RollbackCause.EVIDENCE_REJECTIONS,
    Metric.VALUE: RollbackCause.EVIDENCE_VALUE,
    Metric.CONVERSIONS: RollbackCause.EVIDENCE_CONVERSIONS,
}


@dataclass(frozen=True, slots=True)
class Harm:
    """Why traffic must leave the candidate now. `evidence` is the sentence with the counts."""

    cause: RollbackCause
    message: str
    evidence: str = ""
    by: str = ""


def guarded(snapshot: Snapshot, guards: RolloutPolicySpec | None) -> Harm | None:
    """Harm shown by guards, pods or alerts. `guards` is the policy whose guards and alerts apply; None leaves out alerts and the pod
    guard's limit."""
    candidate = snapshot.status.candidate
    if candidate is None:
        return None
    return _by_guard(snapshot.evidence) or _by_pods(snapshot, candidate.revision, guards) or _by_alert(snapshot, guards)


def proven(evidence: Evidence | None) -> Harm | None:
    """Harm that the judge has proven, by a comparison of all users or of a segment, or by decisions about people."""
    return _by_evidence(evidence) or _by_segment(evidence) or _by_fairness(evidence)


def present(evidence: Evidence | None, candidate: CandidateStatus) -> Evidence | None:
    """`evidence` if it says something about the present attempt, and no retreat has answered it."""
    if evidence is None or evidence.attempt != str(candidate.attempt) or _from_before_a_retreat(evidence, candidate):
        return None
    return evidence


def _from_before_a_retreat(evidence: Evidence, candidate: CandidateStatus) -> bool:
    """Stages only follow each other upwards, so what an earlier entry of this stage or of a later one showed was answered by a retreat.
    What the stage before showed still counts, because users never left. Nor did they where the entry is as old as the exposure: there a
    status was lost."""
    stage = candidate.stage
    if stage is None:
        return True
    began = stage.entered.timestamp()
    if evidence.entered is None or evidence.entered >= began or evidence.stage < stage.index:
        return False
    return candidate.exposed is None or candidate.exposed < stage.entered


def shared_failure(snapshot: Snapshot) -> bool:
    """Both versions break a guard: what fails is not the candidate alone."""
    evidence = snapshot.evidence
    return evidence is not None and stable_failing(snapshot) and any(guard.fired for guard in evidence.candidate_guards)


def stable_failing(snapshot: Snapshot) -> bool:
    """The stable version broke a guard within the last minute."""
    return stable_guard(snapshot) is not None


def stable_guard(snapshot: Snapshot) -> GuardReading | None:
    """The guard that the stable version broke within the last minute, beside a candidate or alone. Older news is none."""
    evidence, live, stable, candidate = snapshot.evidence, snapshot.live, snapshot.status.stable, snapshot.status.candidate
    read: list[GuardReading] = []
    # Evidence of an attempt that is over may speak of the version before this one.
    if evidence is not None and candidate is not None and evidence.attempt == str(candidate.attempt) and _fresh(evidence.as_of, snapshot):
        read += evidence.stable_guards
    if live is not None and stable is not None and live.revision == stable.revision and _fresh(live.as_of, snapshot):
        read += live.guards
    return next((guard for guard in read if guard.fired), None)


def _fresh(as_of: float | None, snapshot: Snapshot) -> bool:
    return as_of is not None and snapshot.now.timestamp() - as_of <= _NEWS_LASTS


def _by_guard(evidence: Evidence | None) -> Harm | None:
    fired = next((guard for guard in evidence.candidate_guards if guard.fired), None) if evidence else None
    if fired is None:
        return None
    silent = fired.missing * 2 > fired.failures
    return Harm(RollbackCause.MISSING_ANSWERS if silent else RollbackCause.GUARD, guard_words(fired))


def guard_words(guard: GuardReading) -> str:
    """What a guard saw, in counts."""
    rate = guard.failures / guard.requests if guard.requests else 0.0
    silent = f", {guard.missing} of them without any answer" if guard.missing else ""
    what = "were rejected (4xx)" if guard.metric is Metric.REJECTIONS else "failed"
    return (
        f"{guard.failures} of {guard.requests} requests ({rate:.0%}) {what} in {guard.seconds:.0f} s{silent}; "
        f"the guard allows {guard.max_rate:.0%}"
    )


def _by_pods(snapshot: Snapshot, revision: str, policy: RolloutPolicySpec | None) -> Harm | None:
    workload = snapshot.workload(revision)
    weight = max(snapshot.status.traffic.weight_of(revision), snapshot.route.weights.get(revision, 0))
    if weight > 0 and workload.ready == 0:
        detail = f": {workload.problem.message}" if workload.problem else ""
        return Harm(RollbackCause.POD_GUARD, f"no pod is ready while {weight / 10:g} % of the users are sent to it{detail}")
    exposed = weight > 0 or snapshot.status.traffic.mirror is not None
    return restarts(snapshot, revision, policy) if exposed else None


def restarts(snapshot: Snapshot, revision: str, policy: RolloutPolicySpec | None) -> Harm | None:
    """The pod guard: containers of `revision` restarted too often within its window."""
    guard = next((g for g in policy.guards if g.metric is Metric.POD_FAILURES), None) if policy else None
    if guard is None or guard.max_restarts is None or guard.window is None:
        return None
    since = snapshot.now - timedelta(seconds=guard.window)
    counted = sum(1 for moment in snapshot.workload(revision).restarts if moment > since)
    if counted < guard.max_restarts:
        return None
    return Harm(
        RollbackCause.POD_GUARD,
        f"its containers restarted {counted} times within {guard.window}; the guard allows fewer than {guard.max_restarts}",
    )


def _by_alert(snapshot: Snapshot, policy: RolloutPolicySpec | None) -> Harm | None:
    alert = blaming(policy, snapshot.alerts, snapshot.status, snapshot.now.timestamp())
    return Harm(RollbackCause.ALERT, alert.words, evidence=alert.words) if alert is not None else None


def _by_evidence(evidence: Evidence | None) -> Harm | None:
    if evidence is None or evidence.verdict is not Verdict.FAIL:
        return None
    failed: CheckReading = next(check for check in evidence.checks if check.verdict is Verdict.FAIL)
    words = sentence(failed)
    return Harm(_EVIDENCE_CAUSES[failed.metric], f"{failed.metric} got worse by more than the limit: {words}", evidence=words)


def _by_segment(evidence: Evidence | None) -> Harm | None:
    segments = evidence.segments if evidence else None
    failed = segments.failed if segments is not None else None
    if segments is None or failed is None:
        return None
    words = harm_words(segments, failed)
    return Harm(_EVIDENCE_CAUSES[failed.metric], f"{failed.metric} got worse by more than the limit {words}", evidence=words)


def _by_fairness(evidence: Evidence | None) -> Harm | None:
    fairness = evidence.fairness if evidence else None
    if fairness is None or fairness.verdict is not Verdict.FAIL:
        return None
    words = fairness_words(fairness)
    return Harm(RollbackCause.FAIRNESS, words, evidence=words)
