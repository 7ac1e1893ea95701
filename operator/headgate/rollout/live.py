"""The version that users get, with no candidate on its way: what takes it back, and what freezes it."""

from datetime import timedelta

from headgate.api.reasons import Reason
from headgate.api.status import StableStatus
from headgate.api.vocabulary import Phase, RollbackCause
from headgate.governance.approvals import Approval
from headgate.rollout.begin import earlier_live, restore
from headgate.rollout.continuation import expired
from headgate.rollout.draft import Draft
from headgate.rollout.golive import left_live
from headgate.rollout.harm import Harm, guard_words, restarts, stable_guard
from headgate.rollout.people import Orders, refuse, rejection_of, take_up
from headgate.rollout.risk import risk_of
from headgate.rollout.snapshot import Problem, Snapshot
from headgate.rollout.withdraw import block_stable

PATIENCE = timedelta(seconds=60)
"""A version without ready pods is taken back after this: a pod that moves to another node is back sooner."""
_OWN_FAULTS = (Reason.CRASH_LOOP, Reason.IMAGE_UNAVAILABLE)


def note_readiness(draft: Draft, snapshot: Snapshot) -> Draft:
    """Remember since when the stable version has no ready pod."""
    stable = draft.status.stable
    if stable is None:
        return draft
    down = snapshot.workload(stable.revision).ready == 0
    if down == (stable.unready_since is not None):
        return draft
    return draft.with_status(stable=stable.model_copy(update={"unready_since": snapshot.now if down else None}))


def leave_live(draft: Draft, snapshot: Snapshot, asked: Orders) -> Draft:
    """Halt or Rollback by a person, a revoked approval, a guard: the earlier live version comes back, if one is kept."""
    stable = draft.status.stable
    if stable is None:
        return draft
    if asked.halt is not None or asked.rollback is not None:
        return _ordered(draft, snapshot, asked)
    revoked = rejection_of(draft, snapshot, stable)
    harm = _rejected(revoked) if revoked else _harm(snapshot, stable)
    earlier = earlier_live(draft, snapshot, None)
    if harm is None or earlier is None:
        return draft
    return restore(block_stable(draft, snapshot, harm), snapshot, earlier)


def leaves_live(draft: Draft, snapshot: Snapshot) -> bool:
    """Whether something measured or decided speaks against the live version, and an earlier one can take its place."""
    stable = draft.status.stable
    if stable is None or earlier_live(draft, snapshot, None) is None:
        return False
    return rejection_of(draft, snapshot, stable) is not None or _harm(snapshot, stable) is not None


def frozen(draft: Draft, snapshot: Snapshot) -> Problem | None:
    """Why the live version should not be live, although nothing can replace it."""
    stable = draft.status.stable
    if stable is None:
        return None
    revoked = rejection_of(draft, snapshot, stable)
    if revoked is not None:
        words = _rejection_words(revoked)
        told = f"{stable.version} keeps serving because no earlier version is kept: {words}. Release another version"
        return Problem(Reason.FROZEN, told)
    risk = risk_of(snapshot)
    if risk.prohibited:
        told = f"{stable.version} keeps serving because only people may fail users: {risk.words}. Halt it, or correct the classification"
        return Problem(Reason.PROHIBITED, told)
    if (lapsed := expired(draft, snapshot)) is not None:
        return lapsed
    tier = risk.tier
    if tier is not None and stable.tier is not None and tier.exceeds(stable.tier):
        words = f"{stable.version} was approved at tier {stable.tier} and the model is {tier} now"
        return Problem(Reason.FROZEN, f"{words}: release a version that is approved at tier {tier}")
    return None


def _ordered(draft: Draft, snapshot: Snapshot, asked: Orders) -> Draft:
    order = asked.halt or asked.rollback
    assert order is not None
    goal = order.spec.to_revision
    earlier = earlier_live(draft, snapshot, goal)
    cause = RollbackCause.HALT if asked.halt else RollbackCause.ROLLBACK
    harm = Harm(cause, f"{order.spec.approver}: {order.spec.rationale}", by=order.spec.approver)
    if earlier is not None:
        draft = take_up(draft, order, f"{earlier.version} (revision {earlier.revision}) comes back")
        return restore(block_stable(draft, snapshot, harm), snapshot, earlier)
    if goal is None and snapshot.spec is not None and snapshot.spec.serving.fallback is not None:
        draft = take_up(draft, order, "the fallback answers until another version is live")
        return left_live(block_stable(draft, snapshot, harm), snapshot).with_status(phase=Phase.ROLLING_BACK)
    which = f"revision {goal}" if goal else "an earlier version"
    gone = f"{which} is not kept any more, was never live, is blocked or was revoked"
    return refuse(draft, order, f"{gone}, and there is no fallback: nothing else can answer")


def _rejected(approval: Approval) -> Harm:
    return Harm(RollbackCause.REJECTED, _rejection_words(approval), by=approval.spec.approver)


def _rejection_words(approval: Approval) -> str:
    spec = approval.spec
    return f"{spec.decision} by {spec.approver} ({spec.role}): {spec.rationale[:256]}"


def _harm(snapshot: Snapshot, stable: StableStatus) -> Harm | None:
    fired = stable_guard(snapshot)
    if fired is not None:
        return Harm(RollbackCause.GUARD, guard_words(fired))
    return restarts(snapshot, stable.revision, snapshot.policy.spec) or _unready(snapshot, stable)


def _unready(snapshot: Snapshot, stable: StableStatus) -> Harm | None:
    """No ready pod by its own fault, or while others have some: when a whole cluster is down, no version is to blame."""
    if stable.unready_since is None or snapshot.now - stable.unready_since < PATIENCE:
        return None
    problem = snapshot.workload(stable.revision).problem
    others = any(snapshot.workload(past.revision).ready for past in snapshot.status.past if past.was_live)
    if not others and (problem is None or problem.reason not in _OWN_FAULTS):
        return None
    detail = f": {problem.message}" if problem else ""
    return Harm(RollbackCause.POD_GUARD, f"no pod was ready for {PATIENCE.total_seconds():.0f} s{detail}")
