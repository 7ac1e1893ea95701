"""Who answers while the stable version cannot: a circuit breaker with a half-open state.

Closed: the stable version has its share. Open: the candidate that people approved, else `spec.serving.fallback`, has all users. Half-open:
the stable version is tried with a small share, or, while the candidate stands in, seen to be ready again. It closes after a trial
without a failure; each failed trial doubles the pause before the next one.
"""

from datetime import datetime, timedelta

from headgate.api.reasons import Reason
from headgate.api.status import StableStatus
from headgate.api.traffic_status import FailoverStatus
from headgate.api.vocabulary import StandIn
from headgate.evidence.view import GuardReading
from headgate.rollout.approval_gate import gate_open
from headgate.rollout.draft import Draft
from headgate.rollout.harm import guard_words, stable_guard
from headgate.rollout.snapshot import Problem, Snapshot
from headgate.rollout.traffic import TRIAL_WEIGHT, is_routed

TRIAL = timedelta(seconds=60)
"""The length of a guard's window: a trial that is over was judged by its own requests alone."""
FIRST_PAUSE = timedelta(seconds=30)
LONGEST_PAUSE = timedelta(minutes=10)
POLL = 5.0
"""Seconds between looks while a failover is on: what it waits for is time, pods and counters."""


def fail_over(draft: Draft, snapshot: Snapshot) -> Draft:
    """The failover that the draft's stable version needs now, if any."""
    failover, stable = draft.status.failover, draft.status.stable
    if stable is None:
        return _without_stable(draft, snapshot)
    if failover is None:
        return _watch(draft, snapshot, stable)
    if failover.to is StandIn.CANDIDATE:
        return _while_candidate_stands_in(draft, snapshot, stable, failover)
    return _while_fallback_answers(draft, snapshot, stable, failover)


def others_can_answer(draft: Draft, snapshot: Snapshot) -> bool:
    """Whether to take users off the candidate would fail fewer requests than to leave them there."""
    if _fallback_of(snapshot) is not None:
        return True
    stable = draft.status.stable
    if stable is None:
        return False
    return snapshot.workload(stable.revision).ready > 0 or snapshot.workload(draft.candidate.revision).ready == 0


def irreplaceable(draft: Draft, snapshot: Snapshot) -> Problem | None:
    """The candidate has users whom nobody else can answer: what neither harms them nor is a person's word leaves them where they are."""
    candidate, stable = draft.candidate, draft.status.stable
    if stable is None or not draft.status.traffic.weight_of(candidate.revision) or others_can_answer(draft, snapshot):
        return None
    return Problem(Reason.DEGRADED, f"{candidate.version} keeps its users until a pod of {stable.version} is ready")


def stand_in_words(failover: FailoverStatus) -> str:
    """For conditions."""
    who = "the candidate" if failover.to is StandIn.CANDIDATE else "the fallback"
    trial = "; the stable version is being tried again" if failover.trial else ""
    return f"{failover.why}: {who} answers instead{trial}"


def _without_stable(draft: Draft, snapshot: Snapshot) -> Draft:
    """Before the first version serves, and after the last one was taken off, there is only the fallback. Without a route there is nobody to
    answer."""
    candidate, before = draft.status.candidate, draft.status.failover
    serving = candidate is not None and candidate.stage is not None
    if serving or not is_routed(draft.status, snapshot) or _fallback_of(snapshot) is None:
        return draft.with_status(failover=None) if before is not None else draft
    if before is not None:
        return draft
    return _opened(draft, snapshot, StandIn.FALLBACK, "no version is live", measured=False)


def _watch(draft: Draft, snapshot: Snapshot, stable: StableStatus) -> Draft:
    who = f"{stable.version} (revision {stable.revision})"
    fired = stable_guard(snapshot)
    if snapshot.workload(stable.revision).ready == 0:
        why, measured = f"no pod of {who} is ready", False
    elif fired is not None and not _is_compared(draft):
        why, measured = f"{who} fails: {guard_words(fired)}", True
    else:
        return draft
    if not measured and _candidate_can(draft, snapshot):
        return _opened(draft, snapshot, StandIn.CANDIDATE, why, measured=measured)
    if _fallback_of(snapshot) is not None:
        return _opened(draft, snapshot, StandIn.FALLBACK, why, measured=measured)
    return draft.held_by(Reason.DEGRADED, f"{why}; it keeps its share because nothing else can answer")


def _is_compared(draft: Draft) -> bool:
    """While a candidate is beside it, a failing stable version only holds the rollout: both may fail for one reason."""
    return draft.status.candidate is not None and draft.status.candidate.stage is not None


def _candidate_can(draft: Draft, snapshot: Snapshot) -> bool:
    return _candidate_serves(draft, snapshot) and gate_open(draft.candidate)


def _candidate_serves(draft: Draft, snapshot: Snapshot) -> bool:
    candidate = draft.status.candidate
    exposed = candidate is not None and candidate.stage is not None and bool(candidate.stage.weight)
    return exposed and snapshot.workload(draft.candidate.revision).ready > 0


def _while_candidate_stands_in(draft: Draft, snapshot: Snapshot, stable: StableStatus, failover: FailoverStatus) -> Draft:
    # A gate that closes meanwhile holds it where it is, as it holds a stage.
    if not _candidate_serves(draft, snapshot):
        return _watch(draft.with_status(failover=None), snapshot, stable)
    if snapshot.workload(stable.revision).ready == 0:
        return _changed(draft, failover, trial=None) if failover.trial else draft
    if failover.trial is None:
        return _changed(draft, failover, trial=snapshot.now)
    if snapshot.now - failover.trial < FIRST_PAUSE:
        return draft
    return _closed(draft, stable)


def _while_fallback_answers(draft: Draft, snapshot: Snapshot, stable: StableStatus, failover: FailoverStatus) -> Draft:
    if _fallback_of(snapshot) is None and snapshot.spec is not None:
        return _watch(_closed(draft, stable), snapshot, stable)
    ready = snapshot.workload(stable.revision).ready > 0
    if failover.trial is None:
        if not ready or (failover.retry_at is not None and snapshot.now < failover.retry_at):
            return draft
        told = f"{stable.version} is tried with {TRIAL_WEIGHT / 10:g} % of the users"
        return _changed(draft, failover, trial=snapshot.now).announce(Reason.FAILOVER_TRIAL, told)
    seen = _guards_since(snapshot, failover.trial)
    if not ready or any(guard.fired for guard in seen):
        return _tripped(draft, snapshot, stable, failover)
    # No numbers are no proof: what failed by its numbers comes back by its numbers.
    if snapshot.now - failover.trial < TRIAL or (failover.measured and not any(guard.requests for guard in seen)):
        return draft
    return _closed(draft, stable)


def _guards_since(snapshot: Snapshot, moment: datetime) -> tuple[GuardReading, ...]:
    """What guards say of the stable version alone, measured after `moment`: what was seen beside a candidate is older than a trial."""
    live, stable = snapshot.live, snapshot.status.stable
    if live is None or stable is None or live.revision != stable.revision or live.as_of is None:
        return ()
    return live.guards if live.as_of > moment.timestamp() else ()


def _opened(draft: Draft, snapshot: Snapshot, to: StandIn, why: str, *, measured: bool) -> Draft:
    now = snapshot.now
    failover = FailoverStatus(to=to, since=now, why=why[:256], measured=measured, retry_at=now + FIRST_PAUSE)
    return draft.with_status(failover=failover).announce(Reason.FAILOVER, stand_in_words(failover), warning=True)


def _tripped(draft: Draft, snapshot: Snapshot, stable: StableStatus, failover: FailoverStatus) -> Draft:
    trips = failover.trips + 1
    pause = min(FIRST_PAUSE * 2 ** min(trips, 10), LONGEST_PAUSE)
    told = f"{stable.version} still cannot answer; the next trial is in {pause.total_seconds():.0f} s"
    changed = _changed(draft, failover, trips=trips, trial=None, retry_at=snapshot.now + pause)
    return changed.announce(Reason.FAILOVER, told, warning=True)


def _closed(draft: Draft, stable: StableStatus) -> Draft:
    return draft.with_status(failover=None).announce(Reason.FAILOVER_ENDED, f"{stable.version} answers again")


def _changed(draft: Draft, failover: FailoverStatus, **fields: object) -> Draft:
    return draft.with_status(failover=failover.model_copy(update=fields))


def _fallback_of(snapshot: Snapshot) -> object | None:
    return snapshot.spec.serving.fallback if snapshot.spec else None
