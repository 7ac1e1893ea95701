"""spec.mode Observe: the judge of evidence says what it would have done, and has no say in what happens.

Guards, people, gates, windows and pauses keep theirs.
"""

from headgate.api.policy import RolloutPolicySpec
from headgate.api.reasons import Reason
from headgate.api.status import AttemptKind, CandidateStatus, WouldHave
from headgate.api.vocabulary import Leave, Mode
from headgate.rollout.draft import Draft
from headgate.rollout.harm import Harm
from headgate.rollout.snapshot import Problem, Snapshot
from headgate.rollout.withdraw import bounded

_JUDGED = (AttemptKind.ROLLOUT, AttemptKind.UNCHANGED, AttemptKind.FIRST)


def allowed_mode(snapshot: Snapshot, policy: RolloutPolicySpec) -> Mode:
    """The mode that the spec asks for, if `policy` gives leave."""
    return Mode.OBSERVE if _wants(snapshot) and policy.analysis.observe is Leave.ALLOWED else Mode.ENFORCE


def note_mode(draft: Draft, snapshot: Snapshot) -> Draft:
    """Say on the candidate in which mode it is. Enforce binds at once. A candidate that has users already comes under Observe when people
    have approved it so; else a team could take the judge's say away when it begins to doubt."""
    candidate, policy = draft.status.candidate, snapshot.pinned
    if candidate is None or candidate.kind not in _JUDGED or policy is None or snapshot.spec is None:
        # Which mode is meant cannot be told now: it stays what it was.
        return draft
    mode = allowed_mode(snapshot, policy)
    if mode is candidate.mode or (mode is Mode.OBSERVE and not _may_loosen(candidate)):
        return draft
    return draft.with_candidate(mode=mode)


def observed(draft: Draft) -> bool:
    """Whether evidence decides nothing about the candidate."""
    return draft.status.candidate is not None and draft.status.candidate.mode is Mode.OBSERVE


def would_have(draft: Draft, snapshot: Snapshot, harm: Harm) -> Draft:
    """Remember and tell, once an attempt, that the judge would have taken the candidate back."""
    candidate = draft.candidate
    if candidate.would_have is not None:
        return draft
    where = candidate.stage.name if candidate.stage else ""
    seen = WouldHave(cause=harm.cause, at=snapshot.now, stage=where, message=bounded(harm.message))
    told = f"observed only: {candidate.version} (revision {candidate.revision}) would have lost its traffic: {harm.cause}: {harm.message}"
    return draft.with_candidate(would_have=seen).announce(Reason.WOULD_ROLL_BACK, told, warning=True)


def would_have_words(seen: WouldHave) -> str:
    """For conditions and people."""
    where = f" in {seen.stage}" if seen.stage else ""
    return f"observed only: the judge would have taken it back at {seen.at:%Y-%m-%d %H:%M:%S}Z{where}: {seen.cause}: {seen.message}"


def unproven_words(candidate: CandidateStatus) -> str:
    """Which stages it left without proof, to be added to a sentence; empty if none."""
    return f"; without proof, because of mode Observe: {', '.join(candidate.observed_only)}" if candidate.observed_only else ""


def objection(candidate: CandidateStatus, snapshot: Snapshot) -> Problem | None:
    """Why the judge decides although the spec asks for Observe, and what to do about it; None where it does not, or it was not asked."""
    policy = snapshot.pinned or snapshot.policy.spec
    if not _wants(snapshot) or candidate.kind not in _JUDGED or candidate.mode is Mode.OBSERVE or policy is None:
        return None
    keeps = "spec.mode is Observe, but the judge decides as in Enforce"
    if policy.analysis.observe is not Leave.ALLOWED:
        todo = "set spec.mode: Enforce, or have analysis.observe: Allowed set in the policy, which binds attempts that start after it"
        return Problem(Reason.OBSERVE_FORBIDDEN, f"{keeps}, because policy {candidate.policy} does not allow it: {todo}")
    if candidate.kind is AttemptKind.UNCHANGED:
        return Problem(Reason.OBSERVE_NOT_APPROVED, f"{keeps}: this attempt has users and no gate. The next attempt is observed")
    return Problem(Reason.OBSERVE_NOT_APPROVED, f"{keeps} until the gate is open for it: the candidate has users already")


def _wants(snapshot: Snapshot) -> bool:
    return snapshot.spec is not None and snapshot.spec.mode is Mode.OBSERVE


def _may_loosen(candidate: CandidateStatus) -> bool:
    gate, stage = candidate.gate, candidate.stage
    if stage is None or stage.weight == 0:
        return True
    # A gate that was never read is one whose status was lost: the approvals are looked at next.
    return candidate.kind is not AttemptKind.UNCHANGED and (gate is None or (gate.open and gate.mode is Mode.OBSERVE))
