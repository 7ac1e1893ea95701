"""An A/A test: a copy of the live version goes through the canary stages beside it, and is taken off when they are over.

Nothing that users get changes but which pods answer, as with unchanged content, so no approval is asked for. It is nobody's release: it
gives way to whatever the model needs, it never becomes the live version, and it is over at a known time.
"""

from datetime import timedelta

from headgate.api.digests import sha256
from headgate.api.policy import RolloutPolicySpec
from headgate.api.quantities import Duration
from headgate.api.reasons import Reason
from headgate.api.status import AATestStatus, AttemptKind, CandidateStatus, RevisionStatus
from headgate.api.vocabulary import RollbackCause
from headgate.governance.approvals import Approval
from headgate.rollout.begin import copy_name
from headgate.rollout.capacity import frozen as frozen_size
from headgate.rollout.draft import Draft
from headgate.rollout.failover import irreplaceable
from headgate.rollout.harm import Harm
from headgate.rollout.live import frozen
from headgate.rollout.people import Orders, refuse, take_up
from headgate.rollout.snapshot import Snapshot
from headgate.rollout.stages import Step, steps_of
from headgate.rollout.withdraw import withdraw

_TO_PREPARE = timedelta(hours=1)
"""Beside the stages' own time: pods start, and weights reach the gateway."""


def asked(draft: Draft, snapshot: Snapshot, orders: Orders, wanted: RevisionStatus) -> Draft:
    """Begin the test that a person asked for, or say why there is none."""
    order = orders.aatest
    if order is None:
        return draft
    policy = snapshot.policy.spec
    why = _obstacle(draft, snapshot, wanted)
    if why or policy is None:
        return refuse(draft, order, why)
    return _begun(draft, snapshot, order, policy)


def _obstacle(draft: Draft, snapshot: Snapshot, wanted: RevisionStatus) -> str:
    stable, policy = draft.status.stable, snapshot.policy.spec
    if draft.status.candidate is not None:
        return f"attempt {draft.status.candidate.attempt} is under way: what it is compared with must not change"
    if stable is None:
        return "no version is live: there is nothing to set against itself"
    if stable.revision != wanted.revision:
        return f"the spec asks for {wanted.version} (revision {wanted.revision}), which is not live"
    if (problem := frozen(draft, snapshot)) is not None:
        return problem.message
    if draft.status.failover is not None:
        return f"{draft.status.failover.why}: wait until {stable.version} answers again"
    if policy is None:
        return snapshot.policy.problem.message if snapshot.policy.problem else "its policy is not there"
    if not steps_of(policy, AttemptKind.AA_TEST):
        return "its policy has no stage with a trafficPercent, and a copy never gets all users"
    return ""


def _begun(draft: Draft, snapshot: Snapshot, order: Approval, policy: RolloutPolicySpec) -> Draft:
    stable, attempt = draft.status.stable, draft.status.attempts + 1
    assert stable is not None
    assert snapshot.spec is not None
    candidate = CandidateStatus(
        revision=_name(stable.revision, attempt),
        version=stable.version,
        content=stable.content,
        attempt=attempt,
        kind=AttemptKind.AA_TEST,
        copy_of=stable.revision,
        started=snapshot.now,
        replicas=stable.replicas,
        autoscale=stable.autoscale,
        policy=snapshot.spec.policy.name,
        policy_copy=copy_name(snapshot.name, policy),
    )
    test = AATestStatus(attempt=attempt, revision=stable.revision, version=stable.version, by=order.spec.approver, started=snapshot.now)
    longest = Duration(_length(policy).total_seconds())
    told = f"{stable.version} (revision {stable.revision}) is set against a copy of itself for at most {longest}"
    taken = take_up(draft, order, f"attempt {attempt}: {told}")
    begun = taken.with_status(stable=frozen_size(stable, snapshot), candidate=candidate, attempts=attempt, aa_test=test)
    return begun.announce(Reason.AA_TEST_STARTED, f"{told}, as attempt {attempt}")


def _name(stable: str, attempt: int) -> str:
    """A revision of its own: the gateway and the pods' counters tell versions apart by it."""
    return sha256({"copyOf": stable, "attempt": attempt}).removeprefix("sha256:")[:8]


def finished(draft: Draft, snapshot: Snapshot, step: Step) -> Draft:
    """The last stage is over."""
    return _withdrawn(draft, snapshot, Harm(RollbackCause.TEST_OVER, f"every stage to {step.name} was proven good"))


def overrun(draft: Draft, snapshot: Snapshot) -> Draft | None:
    """The end of a test that took all the time there is for it, whatever it waits for; None before."""
    policy = snapshot.pinned or snapshot.policy.spec
    if policy is None or snapshot.clock_step is not None or snapshot.now - draft.candidate.started < _length(policy):
        return None
    return _withdrawn(draft, snapshot, Harm(RollbackCause.DEADLINE, f"it was not over after {Duration(_length(policy).total_seconds())}"))


def _length(policy: RolloutPolicySpec) -> timedelta:
    steps = steps_of(policy, AttemptKind.AA_TEST)
    return timedelta(seconds=sum(step.max_duration for step in steps)) + _TO_PREPARE


def _withdrawn(draft: Draft, snapshot: Snapshot, harm: Harm) -> Draft:
    """While the stable version cannot answer, the copy is what users have."""
    if draft.status.failover is not None or irreplaceable(draft, snapshot) is not None:
        return draft.held_by(Reason.IN_PROGRESS, "the A/A test is over, and its copy answers until the stable version can")
    return withdraw(draft, snapshot, harm)
