"""decide(snapshot) -> Decision: the one place where it is settled what happens to a model next. Pure: no I/O, clock or randomness."""

from dataclasses import replace
from datetime import datetime

from headgate.api.reasons import Reason
from headgate.api.status import AttemptKind, RevisionStatus
from headgate.api.vocabulary import DecisionKind, Phase, RollbackCause
from headgate.governance.approvals import Approval
from headgate.rollout import aa, coming_back, failover, live
from headgate.rollout.aa_result import is_test
from headgate.rollout.advance import advance
from headgate.rollout.answered import note_answered
from headgate.rollout.auditing import audited
from headgate.rollout.begin import begin, policy_copy, resized
from headgate.rollout.calendar import closed
from headgate.rollout.capacity import STEADY_AFTER, eased
from headgate.rollout.continuation import next_moment, watch_continuation
from headgate.rollout.decision import Decision
from headgate.rollout.draft import Draft
from headgate.rollout.drifting import heed_drift
from headgate.rollout.failover import fail_over, irreplaceable
from headgate.rollout.fingerprint import follow_fingerprint, next_probe, wanted_probe
from headgate.rollout.golive import go_live
from headgate.rollout.harm import Harm
from headgate.rollout.instants import pulled_back
from headgate.rollout.live import frozen, note_readiness
from headgate.rollout.lowering import note_lowering
from headgate.rollout.observing import note_mode
from headgate.rollout.owners import note_owner
from headgate.rollout.ownership import deletion_policy
from headgate.rollout.people import (
    INTERVENTIONS,
    Orders,
    answer_unasked,
    latch_negatives,
    latch_of,
    misfit,
    orders,
    refuse,
    refuse_if_asked,
    take_up,
    tell_authorship,
)
from headgate.rollout.rebuild import rebuild, unanswered, unserved
from headgate.rollout.replaying import wanted_replay
from headgate.rollout.revisions import baseline_of, revision_of
from headgate.rollout.snapshot import Snapshot
from headgate.rollout.stop import stop_harm
from headgate.rollout.telling import told
from headgate.rollout.traffic import is_routed, traffic_of
from headgate.rollout.use_case import note_use_case
from headgate.rollout.vendors import note_vendor
from headgate.rollout.withdraw import withdraw
from headgate.rollout.workloads import wanted_workloads

_CLOCK_POLL = 60.0
"""Seconds until it is looked again whether the clock is trusted."""

_LONGEST_REST = 86_400.0
"""Seconds: timers for months ahead would not outlive the process anyway."""


def decide(snapshot: Snapshot) -> Decision:
    """The complete next status, traffic and workloads of one model.

    Order: harm first, independent of everything else; then people; then whether the spec still asks for the candidate; then the
    candidate's next step. Deciding again on the same Snapshot gives the same Decision.
    """
    stored = snapshot.status
    status = pulled_back(stored, snapshot.now, trusted=snapshot.clock_step is None)
    snapshot = snapshot if status is snapshot.status else replace(snapshot, status=status)
    snapshot, found = rebuild(snapshot)
    snapshot, missed = unserved(snapshot)
    asked = orders(snapshot)
    draft = Draft(snapshot.status, announcements=(*found, *missed), notes=unanswered(stored, snapshot))
    draft = note_mode(note_readiness(latch_negatives(draft, snapshot), snapshot), snapshot)
    draft = note_lowering(note_answered(note_owner(draft, snapshot), snapshot), snapshot)
    draft = stop_harm(draft, snapshot, asked)
    draft = _answer_misfits(draft, snapshot)
    draft = _pause_or_resume(draft, asked)
    draft = follow_fingerprint(note_vendor(draft, snapshot), snapshot)
    draft = heed_drift(watch_continuation(note_use_case(draft, snapshot), snapshot), snapshot)
    draft = _follow_spec(draft, snapshot, asked)
    if draft.status.candidate is not None:
        draft = advance(draft, snapshot, asked)
    draft = _freeze(answer_unasked(tell_authorship(draft, snapshot), snapshot), snapshot)
    draft = fail_over(draft, snapshot)
    draft = draft.with_status(traffic=traffic_of(draft, snapshot))
    if draft.status.phase is not stored.phase:
        draft = draft.with_status(phase_since=snapshot.now)
    if snapshot.refusal is not None:
        draft = draft.held_by(snapshot.refusal.reason, snapshot.refusal.message)
    draft = audited(_kept_no_longer(draft, snapshot), snapshot, stored)
    if snapshot.configuration.known or draft.status != snapshot.status:
        draft = told(draft, snapshot)
    candidate = draft.status.candidate
    return Decision(
        status=draft.status,
        traffic=draft.status.traffic if is_routed(draft.status, snapshot) else None,
        workloads=wanted_workloads(draft, snapshot),
        policy_copy=policy_copy(snapshot, candidate) if candidate else None,
        replays=tuple(one for one in (wanted_replay(draft, snapshot), wanted_probe(draft, snapshot)) if one is not None),
        deletion=deletion_policy(snapshot.spec, draft.status),
        announcements=draft.announcements,
        approval_notes=draft.notes,
        look_again=_look_again(draft, snapshot),
    )


def _answer_misfits(draft: Draft, snapshot: Snapshot) -> Draft:
    """Each intervention that cannot apply is told why, once."""
    for approval in snapshot.approvals:
        if approval.spec.decision in INTERVENTIONS and approval.name not in draft.status.taken_up:
            why = misfit(approval, snapshot)
            if why:
                draft = refuse(draft, approval, why)
    return draft


def _pause_or_resume(draft: Draft, asked: Orders) -> Draft:
    """In the order in which they were made, whenever they were seen: the last decision counts, at equal times the Pause."""
    for approval in asked.pauses:
        paused = draft.status.paused
        if approval.spec.decision is DecisionKind.PAUSE:
            last = latch_of(approval) if paused is None or paused.at <= approval.created else paused
            draft = _on_candidate(draft, approval, "upward steps stop until Resume", paused=last)
        elif paused is not None and paused.at >= approval.created:
            draft = refuse(draft, approval, f"{paused.by} decided Pause at the same time or later: decide again")
        else:
            draft = _on_candidate(draft, approval, "upward steps go on", paused=None)
    return draft


def _on_candidate(draft: Draft, approval: Approval, words: str, **fields: object) -> Draft:
    if draft.status.candidate is None:
        return refuse(draft, approval, "no rollout is under way")
    return take_up(draft, approval, words).with_status(**fields)


def _follow_spec(draft: Draft, snapshot: Snapshot, asked: Orders) -> Draft:
    """Make sure that the candidate is the version the spec asks for."""
    if snapshot.spec is None:
        return draft.held_by(Reason.INVALID_SPEC, snapshot.invalid, stalled=True)
    if snapshot.configuration.problem is not None:
        missing = snapshot.configuration.problem
        return draft.held_by(missing.reason, missing.message, stalled=True)
    if not snapshot.configuration.known:
        return draft
    wanted = revision_of(snapshot.spec, snapshot.configuration.digests)
    candidate = draft.status.candidate
    if candidate is not None and not _is_asked_for(draft, snapshot, wanted):
        if (kept := irreplaceable(draft, snapshot)) is not None:
            return draft.held_by(kept.reason, f"the spec asks for {wanted.version}; {kept.message}")
        draft = _replaced(draft, snapshot, wanted)
        candidate = None
    if candidate is not None and coming_back.gives_way(draft, snapshot, wanted):
        begun = begin(_replaced(draft, snapshot, wanted), snapshot, asked, wanted)
        if begun.status.candidate is not None:
            return begun
    if candidate is not None:
        draft = resized(draft, snapshot, wanted) if is_test(candidate) else draft
        draft = refuse_if_asked(draft, asked.aatest, f"attempt {candidate.attempt} is under way")
        return refuse_if_asked(draft, asked.retry, f"attempt {candidate.attempt} is under way")
    draft = refuse_if_asked(draft, asked.promote, "no rollout is under way")
    return aa.asked(begin(draft, snapshot, asked, wanted), snapshot, asked, wanted)


def _is_asked_for(draft: Draft, snapshot: Snapshot, wanted: RevisionStatus) -> bool:
    """What comes back because of harm, or by somebody's decision, is; everything else only while the spec describes it."""
    candidate = draft.candidate
    if candidate.kind is AttemptKind.RESTORE:
        return coming_back.stands(draft, wanted)
    if is_test(candidate):
        return candidate.copy_of == wanted.revision
    if candidate.kind is AttemptKind.BASELINE:
        pinned = baseline_of(snapshot.spec) if snapshot.spec else None
        return pinned is not None and revision_of(pinned, snapshot.configuration.digests).revision == candidate.revision
    return candidate.revision == wanted.revision


def _replaced(draft: Draft, snapshot: Snapshot, wanted: RevisionStatus) -> Draft:
    stable = draft.status.stable
    if stable is not None and stable.revision == wanted.revision:
        return withdraw(draft, snapshot, Harm(RollbackCause.CANCELLED, "the spec asks for the stable version again"))
    if stable is None and draft.candidate.exposed:
        # The first version already serves: it becomes what the next one is compared with.
        return go_live(draft, snapshot, rollback_warm=0, rollback_window=0)
    return withdraw(draft, snapshot, Harm(RollbackCause.SUPERSEDED, f"the spec asks for {wanted.version} (revision {wanted.revision}) now"))


def _freeze(draft: Draft, snapshot: Snapshot) -> Draft:
    """A live version that people no longer approve of, and that nothing can replace, is shown as such."""
    problem = frozen(draft, snapshot) if draft.status.phase in (Phase.LIVE, Phase.AWAITING_USE_CASE) else None
    return draft.with_status(phase=Phase.FROZEN).held_by(problem.reason, problem.message, stalled=True) if problem else draft


def _kept_no_longer(draft: Draft, snapshot: Snapshot) -> Draft:
    if draft.status.stable is not None:
        draft = draft.with_status(stable=eased(draft.status.stable, snapshot))
    remaining = tuple(past for past in draft.status.past if past.keep_until > snapshot.now or snapshot.clock_step is not None)
    return draft if remaining == draft.status.past else draft.with_status(past=remaining)


def _look_again(draft: Draft, snapshot: Snapshot) -> float | None:
    moments: list[datetime] = [moment for past in draft.status.past for moment in (past.warm_until, past.keep_until)]
    if draft.status.stable is not None and draft.status.stable.firm_until is not None:
        moments.append(draft.status.stable.firm_until)
    seconds = [(moment - snapshot.now).total_seconds() for moment in moments if moment > snapshot.now]
    if draft.status.failover is not None:
        seconds.append(failover.POLL)
    if draft.status.stable is not None and draft.status.stable.unready_since is not None:
        seconds.append(live.PATIENCE.total_seconds())
    if draft.status.candidate is not None or draft.status.phase is Phase.ROLLING_BACK:
        policy = snapshot.pinned or snapshot.policy.spec
        seconds.append(float(policy.analysis.interval if policy else 15))
        if draft.status.candidate is not None and snapshot.workload(draft.candidate.revision).fresh:
            seconds.append(STEADY_AFTER.total_seconds())
        opening = closed(snapshot.calendar, snapshot.now)
        if opening is not None and opening.until is not None:
            seconds.append((opening.until - snapshot.now).total_seconds())
    if (told := next_moment(draft.status, snapshot.now)) is not None:
        seconds.append(min(_LONGEST_REST, (told - snapshot.now).total_seconds()))
    if (probe := next_probe(draft, snapshot)) is not None:
        seconds.append(probe)
    if snapshot.clock_step is not None:
        seconds.append(_CLOCK_POLL)
    return min(seconds, default=None)
