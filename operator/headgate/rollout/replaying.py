"""Answers of both versions to the same requests, compared in shadow by a Job: when it runs, what became of it, and what that means for
automated-checks. Nothing here takes a version back."""

from hashlib import sha256

from headgate.api.policy import RolloutPolicySpec
from headgate.api.reasons import Reason
from headgate.api.replay import CONFIDENCE, Replay, ReplayLimits, ReplayPhase, ReplayReport, ReplayStatus
from headgate.api.status import AttemptKind, CandidateStatus
from headgate.evidence.shares import clopper_pearson
from headgate.evidence.words import percent
from headgate.rollout.decision import WantedReplay
from headgate.rollout.draft import Draft
from headgate.rollout.snapshot import ReplayRun, Snapshot

_LONGEST_MODEL = 46
"""Of a Job's name, which has 63 characters at most."""


def limits_of(policy: RolloutPolicySpec | None, kind: AttemptKind) -> ReplayLimits | None:
    """What the policy asks of a comparison in attempts of this kind; None if there is to be none."""
    if policy is None or kind is not AttemptKind.ROLLOUT:
        return None
    return next((stage.replay for stage in policy.stages if stage.is_shadow), None)


def job_name(model: str, attempt: int, asked: Replay, limits: ReplayLimits) -> str:
    """Another question in the same attempt is another Job."""
    question = "\0".join((model, str(attempt), asked.digest, limits.model_dump_json()))
    return f"{model[:_LONGEST_MODEL]}-replay-{sha256(question.encode()).hexdigest()[:8]}"


def follow_replay(draft: Draft, snapshot: Snapshot, policy: RolloutPolicySpec) -> Draft:
    """The candidate with what is known of its comparison. A result stays, whatever becomes of the Job, as long as the model asks the
    same; from the first user on nothing is compared any more."""
    candidate, limits, spec = draft.candidate, limits_of(policy, draft.candidate.kind), snapshot.spec
    if limits is None or spec is None:
        return draft
    asked, before = spec.serving.replay, candidate.replay
    if candidate.exposed is not None:
        return _closed(draft, asked)
    if asked is None:
        return draft if before is None else draft.with_candidate(replay=None)
    if before is not None and before.asked == asked.digest and before.report is not None:
        return draft
    name = job_name(snapshot.name, candidate.attempt, asked, limits)
    after = _observed(snapshot, candidate, ReplayStatus(asked=asked.digest, job=name, phase=ReplayPhase.WAITING))
    draft = draft if after == before else draft.with_candidate(replay=after)
    return draft if before is not None and before.phase is after.phase else _told(draft, after, limits)


def wanted_replay(draft: Draft, snapshot: Snapshot) -> WantedReplay | None:
    """The Job of the present attempt, from the moment that its shadow is in effect until users get the candidate."""
    candidate, stable, spec = draft.status.candidate, draft.status.stable, snapshot.spec
    limits = limits_of(snapshot.pinned, candidate.kind) if candidate else None
    if candidate is None or candidate.replay is None or stable is None or spec is None or limits is None:
        return None
    asked, known = spec.serving.replay, candidate.replay.job in snapshot.replays
    if asked is None or candidate.exposed is not None or asked.digest != candidate.replay.asked:
        return None
    if not known and (candidate.replay.report is not None or _not_yet(snapshot, candidate)):
        return None
    return WantedReplay(candidate.replay.job, candidate.attempt, stable.revision, candidate.revision, asked, limits)


def replay_objection(candidate: CandidateStatus, policy: RolloutPolicySpec) -> str:
    """Why the comparison keeps automated-checks from being passed; empty if it does not, or none is asked for."""
    limits, found = limits_of(policy, candidate.kind), candidate.replay
    if limits is None or candidate.exposed is not None:
        # Users were let in by an open gate.
        return ""
    if found is None:
        return "the policy asks for a replay, and spec.serving.replay does not say of which requests: add it"
    if found.report is None:
        return f"no answers are compared yet: {found.message}" if found.message else "the answers are being compared"
    return shortfall(found.report, limits)


def shortfall(report: ReplayReport, limits: ReplayLimits) -> str:
    """In what the comparison misses the limits; empty if in nothing."""
    if report.pairs < limits.min_pairs:
        lost = report.stable_failures + report.stable_violations
        why = f": the stable version answered {lost:,} badly" if lost else f" of {report.requests:,} requests sent"
        return f"only {report.pairs:,} pairs of answers were compared, {limits.min_pairs:,} are asked for{why}"
    if report.candidate_violations > limits.max_contract_violations:
        allowed = f"{limits.max_contract_violations:,} may" if limits.max_contract_violations else "none may"
        return f"{report.candidate_violations:,} answers of the candidate break the contract, {allowed}: {report.violation}"
    if clopper_pearson(report.agreed, report.pairs, CONFIDENCE)[0] < limits.min_agreement:
        return f"{agreement_words(report)}, and at least {percent(limits.min_agreement)} must be certain"
    return _gap(report, limits)


def _gap(report: ReplayReport, limits: ReplayLimits) -> str:
    """Equivalence: the whole interval about the candidate's share of right classes lies within the gap about the validated one."""
    gap = limits.max_validation_gap
    if gap is None:
        return ""
    if report.validated is None or not report.labelled:
        lacking = "spec.serving.replay.validated" if report.validated is None else "labels in the golden set"
        return f"the policy compares with the figure of the validation: that needs {lacking}"
    validated, (low, high) = float(report.validated), clopper_pearson(report.candidate_right, report.labelled, CONFIDENCE)
    least, most = validated * (1 - gap.fraction), validated * (1 + gap.fraction)
    if least <= low and high <= most:
        return ""
    what = "that is not within" if high < least or low > most else "more labels are needed to be sure that it is within"
    return (
        f"{low * 100:.1f} to {high * 100:.1f} % of the candidate's classes are right, validation found {percent(validated)}: {what} {gap}"
    )


def agreement_words(report: ReplayReport) -> str:
    """`982 of 1,000 answers agree (98.2 %, 97.2 to 98.9 %)`: the share and its 95 % interval."""
    if not report.pairs:
        return "no answers were compared"
    low, high = clopper_pearson(report.agreed, report.pairs, CONFIDENCE)
    share = percent(report.agreed / report.pairs)
    return f"{report.agreed:,} of {report.pairs:,} answers agree ({share}, {low * 100:.1f} to {high * 100:.1f} %)"


def _closed(draft: Draft, asked: Replay | None) -> Draft:
    """Users get the candidate. What was not known by then is never known; after a lost status, not even that it was."""
    before = draft.candidate.replay
    if before is None and asked is not None:
        lost = ReplayStatus(asked=asked.digest, job="none", phase=ReplayPhase.FAILED, message="its result was lost with the status")
        return draft.with_candidate(replay=lost)
    if before is None or before.phase in (ReplayPhase.DONE, ReplayPhase.FAILED):
        return draft
    ended = before.model_copy(update={"phase": ReplayPhase.FAILED, "message": "users were let in before it was done"})
    return draft.with_candidate(replay=ended)


def _observed(snapshot: Snapshot, candidate: CandidateStatus, asked: ReplayStatus) -> ReplayStatus:
    run = snapshot.replays.get(asked.job)
    if run is None:
        waits = _not_yet(snapshot, candidate) or snapshot.replay_refusal or "its Job is being made"
        return asked.model_copy(update={"message": waits[:1024]})
    if run.report is not None:
        return asked.model_copy(update={"phase": ReplayPhase.DONE, "report": run.report})
    if run.ended:
        return _failed(run, asked, candidate.replay if candidate.replay and candidate.replay.asked == asked.asked else None)
    return asked.model_copy(update={"phase": ReplayPhase.RUNNING, "message": run.problem[:1024]})


def _failed(run: ReplayRun, asked: ReplayStatus, before: ReplayStatus | None) -> ReplayStatus:
    """Told once: a Job at its deadline takes its pod along, and with it what the pod was waiting for."""
    if before is not None and before.phase is ReplayPhase.FAILED:
        return before
    waited = before.message if before is not None and before.phase is ReplayPhase.RUNNING else ""
    last = f"; before that: {waited}" if waited and waited != run.problem else ""
    repair = f"{run.problem or 'it gave no result'}{last}. Repair it, and delete the Job {asked.job} to compare again"
    return asked.model_copy(update={"phase": ReplayPhase.FAILED, "message": repair[:1024]})


def _not_yet(snapshot: Snapshot, candidate: CandidateStatus) -> str:
    """What has to be there before requests are sent."""
    stage, stable = candidate.stage, snapshot.status.stable
    if not candidate.shadow_passed and (stage is None or stage.effective is None):
        return "shadow is not in effect yet"
    if stable is None or not snapshot.workload(stable.revision).ready or not snapshot.workload(candidate.revision).ready:
        return "both versions need a ready pod"
    return ""


def _told(draft: Draft, found: ReplayStatus, limits: ReplayLimits) -> Draft:
    """An Event when it is over."""
    if found.report is not None:
        missed = shortfall(found.report, limits)
        return draft.announce(Reason.ANSWERS_COMPARED, missed or agreement_words(found.report), warning=bool(missed))
    if found.phase is ReplayPhase.FAILED:
        return draft.announce(Reason.ANSWERS_NOT_COMPARED, found.message, warning=True)
    return draft
