"""What status tells people and tools: conditions, and the columns of `kubectl get`."""

from datetime import datetime

from headgate.api.conditions import ConditionType, condition
from headgate.api.gate_status import UseCaseStatus
from headgate.api.reasons import Reason
from headgate.api.status import AIModelStatus, CandidateStatus
from headgate.api.vendor import FingerprintState, FingerprintStatus
from headgate.api.vocabulary import Mode, Phase, Verdict
from headgate.rollout.approval_gate import waiting_words
from headgate.rollout.continuation import lapse_words
from headgate.rollout.draft import Draft
from headgate.rollout.failover import stand_in_words
from headgate.rollout.fingerprint import fingerprint_words
from headgate.rollout.observing import objection, would_have_words
from headgate.rollout.risk import risk_of, risk_status
from headgate.rollout.snapshot import Problem, Snapshot
from headgate.rollout.use_case import due_days

_VERDICT_REASONS = {
    Verdict.PASS: Reason.ANALYSIS_PASSING,
    Verdict.FAIL: Reason.ANALYSIS_FAILED,
    Verdict.INCONCLUSIVE: Reason.ANALYSIS_INCONCLUSIVE,
    Verdict.NO_DATA: Reason.NO_DATA,
    Verdict.SOURCE_DOWN: Reason.SOURCE_DOWN,
    Verdict.NOT_MEASURABLE: Reason.NOT_MEASURABLE,
}
_PHASE_REASONS = {
    Phase.PENDING: Reason.PREPARING,
    Phase.DENIED: Reason.PROHIBITED,
    Phase.AWAITING_USE_CASE: Reason.WAITING_FOR_APPROVAL,
    Phase.PREPARING: Reason.PREPARING,
    Phase.SHADOW: Reason.SHADOWING,
    Phase.AWAITING_DEPLOYMENT: Reason.WAITING_FOR_APPROVAL,
    Phase.CANARY: Reason.IN_PROGRESS,
    Phase.FULL: Reason.IN_PROGRESS,
    Phase.LIVE: Reason.LIVE,
    Phase.FROZEN: Reason.FROZEN,
    Phase.ROLLING_BACK: Reason.ROLLED_BACK,
    Phase.ROLLED_BACK: Reason.ROLLED_BACK,
}


def told(draft: Draft, snapshot: Snapshot) -> Draft:
    """`draft` with its conditions and summary columns."""
    status, risk = draft.status, risk_of(snapshot)
    known = {before.type: before for before in status.conditions}
    conditions = tuple(
        condition(
            known.get(kind),
            snapshot.now,
            type=kind,
            status=value,
            reason=reason,
            message=message[:1024],
            observed_generation=snapshot.generation,
        )
        for kind, value, reason, message in _conditions(draft, snapshot)
    )
    return draft.with_status(
        observed_generation=snapshot.generation if snapshot.configuration.known else status.observed_generation,
        live=status.stable.version if status.stable else "",
        candidate_version=status.candidate.version if status.candidate else "",
        stage=status.candidate.stage.name if status.candidate and status.candidate.stage else "",
        traffic_summary=_traffic_words(status),
        verdict=_verdict_word(status),
        tier=str(risk.risk or "Unknown") if snapshot.spec else status.tier,
        risk_tier=risk_status(risk) if snapshot.spec else status.risk_tier,
        conditions=conditions,
    )


_Row = tuple[ConditionType, str, Reason, str]


def _conditions(draft: Draft, snapshot: Snapshot) -> list[_Row]:
    status, problem = draft.status, draft.problem
    rows: list[_Row] = [_ready(draft), _serving(draft.status, snapshot), _governance(snapshot)]
    if snapshot.bypass:
        rows.append((ConditionType.TRAFFIC_BYPASS, "True", Reason.TRAFFIC_BYPASS, snapshot.bypass))
    if status.use_case is not None:
        rows.append(_use_case(status.use_case, snapshot))
    if status.vendor is not None and status.vendor.fingerprint is not None:
        rows.append(_fingerprint(status.vendor.fingerprint))
    if status.candidate is not None or status.phase in (Phase.ROLLING_BACK, Phase.AWAITING_USE_CASE):
        rows.append(
            (ConditionType.RECONCILING, "True", problem.reason if problem else _PHASE_REASONS[status.phase], _progress_words(draft))
        )
    if draft.stalled or status.phase is Phase.ROLLED_BACK:
        rows.append((ConditionType.STALLED, "True", *_stall(draft)))
    candidate = status.candidate
    if candidate is not None and candidate.gate is not None:
        gate = candidate.gate
        reason = Reason.APPROVED if gate.open else Reason.APPROVAL_LAPSED if gate.lapsed_since else Reason.APPROVAL_MISSING
        words = ", ".join(gate.counted) if gate.open else waiting_words(gate)
        if gate.open and gate.break_glass:
            reason, words = Reason.BREAK_GLASS, f"{gate.break_glass}; missing: {waiting_words(gate)}"
        rows.append((ConditionType.APPROVED, "True" if gate.open else "False", reason, words))
    if candidate is not None:
        rows += _sufficient(candidate)
        rows += _observing(candidate, snapshot)
    if candidate is not None and candidate.stage is not None:
        rows.append(_analysis(candidate))
        shifted = candidate.stage.effective is not None
        reason = Reason.SETTLED if shifted else snapshot.route.problem.reason if snapshot.route.problem else Reason.ROUTE_PENDING
        words = _traffic_words(status) if shifted or not snapshot.route.problem else snapshot.route.problem.message
        rows.append((ConditionType.TRAFFIC_SHIFTED, "True" if shifted else "False", reason, words))
    return rows


def _sufficient(candidate: CandidateStatus) -> list[_Row]:
    """No more traffic shows what the buckets cannot: that is said first."""
    if candidate.unresolved:
        return [(ConditionType.EVIDENCE_SUFFICIENT, "False", Reason.LATENCY_RESOLUTION_INSUFFICIENT, candidate.unresolved)]
    if candidate.doubt and candidate.verdict is not Verdict.PASS:
        return [(ConditionType.EVIDENCE_SUFFICIENT, "False", Reason.TRAFFIC_INSUFFICIENT, candidate.doubt)]
    return []


def _use_case(case: UseCaseStatus, snapshot: Snapshot) -> _Row:
    kind = ConditionType.USE_CASE_APPROVED
    if case.lapsed_since is not None:
        return kind, "False", Reason.USE_CASE_REJECTED if case.rejected else Reason.CONTINUATION_EXPIRED, lapse_words(case)
    if not case.open or case.until is None:
        return kind, "False", Reason.APPROVAL_MISSING, "; ".join(case.missing)
    words = f"approved until {case.until:%Y-%m-%d %H:%M} UTC: {', '.join(case.counted)}"
    if due_days(case, snapshot.now) is None:
        return kind, "True", Reason.APPROVED, words
    return kind, "True", Reason.CONTINUATION_DUE, f"renew it (--gate Continuation): {words}"


def _fingerprint(found: FingerprintStatus) -> _Row:
    kind, words = ConditionType.VENDOR_MODEL_UNCHANGED, fingerprint_words(found)
    match found.state:
        case FingerprintState.AS_EXPECTED:
            return kind, "True", Reason.VENDOR_MODEL_AS_EXPECTED, words
        case FingerprintState.ANNOUNCED_CHANGE:
            return kind, "False", Reason.ANNOUNCED_CHANGE, words
        case FingerprintState.UNANNOUNCED_CHANGE:
            return kind, "False", Reason.UNANNOUNCED_CHANGE, words
        case None:
            return kind, "Unknown", Reason.FINGERPRINT_UNKNOWN, words


def _observing(candidate: CandidateStatus, snapshot: Snapshot) -> list[_Row]:
    if candidate.mode is Mode.OBSERVE:
        words = "the judge only reports what it would have done; guards, people, gates, windows and pauses decide"
        return [(ConditionType.OBSERVING, "True", Reason.OBSERVING, words)]
    refused = objection(candidate, snapshot)
    return [(ConditionType.OBSERVING, "False", refused.reason, refused.message)] if refused is not None else []


def _analysis(candidate: CandidateStatus) -> _Row:
    verdict, seen = candidate.verdict, candidate.would_have
    if candidate.mode is Mode.OBSERVE and seen is not None:
        return ConditionType.ANALYSIS_PASSING, "False", Reason.WOULD_ROLL_BACK, would_have_words(seen)
    good = "True" if verdict is Verdict.PASS else "False" if verdict is Verdict.FAIL else "Unknown"
    words = f"{verdict}, observed only" if candidate.mode is Mode.OBSERVE else str(verdict)
    return ConditionType.ANALYSIS_PASSING, good, _VERDICT_REASONS[verdict], words


def _ready(draft: Draft) -> _Row:
    status = draft.status
    if status.phase is Phase.LIVE and draft.problem is None:
        return ConditionType.READY, "True", Reason.LIVE, f"{status.live or status.stable.version if status.stable else ''} is live"
    problem = draft.problem
    if status.phase is Phase.ROLLED_BACK:
        return ConditionType.READY, "False", *_stall(draft)
    return ConditionType.READY, "False", problem.reason if problem else _PHASE_REASONS[status.phase], _progress_words(draft)


def _serving(status: AIModelStatus, snapshot: Snapshot) -> _Row:
    """Whether users get the version they should; health checks use this, so a three-week rollout blocks nobody."""
    if status.failover is not None and status.stable is not None:
        return ConditionType.SERVING, "False", Reason.FAILOVER, stand_in_words(status.failover)
    serving = status.stable or (status.candidate if status.candidate and status.candidate.exposed else None)
    if serving is None:
        return ConditionType.SERVING, "False", Reason.NOT_SERVING, "no version is live yet"
    if snapshot.route.problem is not None:
        return ConditionType.SERVING, "False", snapshot.route.problem.reason, snapshot.route.problem.message
    workload = snapshot.workload(serving.revision)
    if workload.ready == 0:
        words = workload.problem.message if workload.problem else f"no pod of {serving.version} (revision {serving.revision}) is ready"
        return ConditionType.SERVING, "False", Reason.NOT_SERVING, words
    return (
        ConditionType.SERVING,
        "True",
        Reason.SERVING,
        f"{serving.version} (revision {serving.revision}) answers with {workload.ready} pods",
    )


def _governance(snapshot: Snapshot) -> _Row:
    if snapshot.governance_problem:
        return ConditionType.GOVERNANCE_ENFORCED, "False", Reason.GOVERNANCE_NOT_ENFORCED, snapshot.governance_problem
    return ConditionType.GOVERNANCE_ENFORCED, "True", Reason.GOVERNANCE_ENFORCED, "admission policies are in force"


def _stall(draft: Draft) -> tuple[Reason, str]:
    problem: Problem | None = draft.problem
    if problem is not None:
        return problem.reason, problem.message
    last = draft.status.blocked[-1] if draft.status.blocked else None
    if last is None:
        return Reason.ROLLED_BACK, "the version was taken back"
    who = f"{last.version} (revision {last.revision}, attempt {last.attempt})"
    words = f"{who} was taken back at {_clock(last.at)}: {last.cause}: {last.message}"
    return Reason.ROLLED_BACK, f"{words} Release a changed version, or retry this one with `kubectl headgate retry`."


def _progress_words(draft: Draft) -> str:
    status = draft.status
    where = f"{status.candidate.version} in {status.phase}" if status.candidate else str(status.phase)
    return f"{where}: {draft.problem.message}" if draft.problem else where


def _traffic_words(status: AIModelStatus) -> str:
    words = ["/".join(f"{slot.weight / 10:g}" for slot in status.traffic.slots)] if status.traffic.slots else []
    if status.traffic.fallback is not None:
        words.append(f"fallback {status.traffic.fallback.weight / 10:g}")
    if status.traffic.mirror is not None:
        words.append(f"mirror {status.traffic.mirror.permille / 10:g}")
    return " + ".join(words)


def _verdict_word(status: AIModelStatus) -> str:
    if status.candidate is not None:
        return str(status.candidate.verdict) if status.candidate.stage else ""
    return str(status.blocked[-1].cause) if status.phase is Phase.ROLLED_BACK and status.blocked else ""


def _clock(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M:%S}Z"
