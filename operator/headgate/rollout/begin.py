"""Step 5, with no candidate on its way: does the spec ask for another version, and may it start?"""

import hashlib

from headgate.api.aimodel import AIModelSpec
from headgate.api.digests import sha256
from headgate.api.policy import RolloutPolicySpec
from headgate.api.reasons import Reason
from headgate.api.remembering import per_object
from headgate.api.status import AttemptKind, Blocked, CandidateStatus, PastStatus, RevisionStatus
from headgate.api.vocabulary import Phase, Profile, RollbackCause
from headgate.rollout.advice import undecided
from headgate.rollout.approval_gate import deployment_subject
from headgate.rollout.capacity import bounds_of, frozen
from headgate.rollout.decision import PolicyCopy
from headgate.rollout.draft import Draft
from headgate.rollout.fitting import misfit
from headgate.rollout.forecast import Noise, forecast
from headgate.rollout.observing import allowed_mode, objection
from headgate.rollout.people import Orders, refuse, refuse_if_asked, rejection_of, stopped_since, take_up
from headgate.rollout.replaying import limits_of
from headgate.rollout.revisions import baseline_of, revision_of
from headgate.rollout.risk import obstacle, risk_of, start_obstacle_in, tier_of
from headgate.rollout.snapshot import Problem, Snapshot
from headgate.rollout.use_case import unmet

_DIGITS = 8
"""Of a policy's digest, in the name of its copy."""

UNPINNED = "none"
"""The policy copy of an attempt that runs on no policy, or of which none is known."""


def begin(draft: Draft, snapshot: Snapshot, orders: Orders, wanted: RevisionStatus) -> Draft:
    """Start an attempt for `wanted`, or say why there is none."""
    status = draft.status
    if status.stable is not None and status.stable.revision == wanted.revision:
        return _settled(draft, snapshot, wanted)
    denied = obstacle(snapshot)
    if denied is not None and denied.reason is Reason.PROHIBITED and status.stable is None:
        return _denied(draft, denied)
    pinned = baseline_of(snapshot.spec) if snapshot.spec is not None and not status.attempts else None
    taken_back = {entry.revision for entry in status.blocked}
    if pinned is not None and revision_of(pinned, snapshot.configuration.digests).revision not in taken_back:
        return _deploy_baseline(draft, snapshot, pinned) if denied is None else _denied(draft, denied)
    blocked = next((b for b in status.blocked if b.revision == wanted.revision), None)
    if blocked is not None:
        return _blocked(draft, snapshot, orders, blocked)
    draft = refuse_if_asked(draft, orders.retry, "there is nothing to retry: this revision was not taken back")
    earlier = earlier_live(draft, snapshot, wanted.revision)
    if earlier is not None:
        return restore(draft, snapshot, earlier)
    # What was live before needs no tier: an unreadable table must not keep users on the version that they are to leave.
    return _start(draft, snapshot, wanted)


def policy_copy(snapshot: Snapshot, candidate: CandidateStatus) -> PolicyCopy | None:
    """The copy that the attempt runs on, while it can still be made: None once the policy has changed."""
    spec = snapshot.pinned or snapshot.policy.spec
    if spec is None or copy_name(snapshot.name, spec) != candidate.policy_copy:
        return None
    return PolicyCopy(name=candidate.policy_copy, source=candidate.policy, spec=spec)


def copy_name(model: str, spec: RolloutPolicySpec) -> str:
    """Named by content: the same policy is copied once per model."""
    return f"{model}-policy-{_digest(spec)}"


def says_its_name(name: str, text: str) -> bool:
    """Whether a copy of this name was made of the policy `text`, canonical JSON: for any other policy the name would be another one."""
    return name.endswith(f"-policy-{hashlib.sha256(text.encode()).hexdigest()[:_DIGITS]}")


@per_object(256)
def _digest(spec: RolloutPolicySpec) -> str:
    return sha256(spec.model_dump(mode="json", by_alias=True, exclude_none=True)).removeprefix("sha256:")[:_DIGITS]


def earlier_live(draft: Draft, snapshot: Snapshot, revision: str | None) -> PastStatus | None:
    """The version of `revision` (or the newest) that was live, is still kept, and is neither blocked nor revoked. After a step of the clock
    nothing has run out: what is kept then can come back."""
    blocked = {b.revision for b in draft.status.blocked}
    return next(
        (
            past
            for past in reversed(draft.status.past)
            if past.was_live
            and (past.keep_until > snapshot.now or snapshot.clock_step is not None)
            and past.revision not in blocked
            and revision in (None, past.revision)
            and rejection_of(draft, snapshot, past) is None
        ),
        None,
    )


def restore(draft: Draft, snapshot: Snapshot, earlier: PastStatus) -> Draft:
    """Bring an earlier live version back: no gate and no stages, as soon as it has pods. Until then it can still be gone back to."""
    attempt = draft.status.attempts + 1
    candidate = CandidateStatus(
        revision=earlier.revision,
        version=earlier.version,
        content=earlier.content,
        attempt=attempt,
        kind=AttemptKind.RESTORE,
        started=snapshot.now,
        replicas=earlier.replicas,
        subject=earlier.subject,
        autoscale=earlier.autoscale,
        policy=snapshot.spec.policy.name if snapshot.spec else "",
        policy_copy=UNPINNED,
    )
    return draft.with_status(
        phase=Phase.PREPARING,
        stable=frozen(draft.status.stable, snapshot) if draft.status.stable else None,
        candidate=candidate,
        attempts=attempt,
    ).announce(
        Reason.RESTORED, f"bringing back {earlier.version} (revision {earlier.revision}), which was live until {earlier.until:%F %T}Z"
    )


def _deploy_baseline(draft: Draft, snapshot: Snapshot, spec: AIModelSpec) -> Draft:
    """Nothing is known of this model, and its spec says what was live: that comes first, and whatever else the spec asks for is compared
    with it. Whoever wrote the baseline had the right to `pin`, so it needs no gate. `spec` is that of the baseline."""
    pinned, policy, attempt = revision_of(spec, snapshot.configuration.digests), snapshot.policy.spec, draft.status.attempts + 1
    candidate = CandidateStatus(
        revision=pinned.revision,
        version=pinned.version,
        content=pinned.content,
        attempt=attempt,
        kind=AttemptKind.BASELINE,
        started=snapshot.now,
        replicas=spec.serving.deployment.least,
        autoscale=bounds_of(spec),
        policy=spec.policy.name,
        policy_copy=UNPINNED,
        subject=_baseline_subject(snapshot, pinned.content, spec, policy) if policy else None,
    )
    words = f"nothing is known of this model: its baseline {pinned.version} (revision {pinned.revision}) comes first, without a gate"
    started = draft.with_status(phase=Phase.PREPARING, candidate=candidate, attempts=attempt)
    return started.announce(Reason.BASELINE_DEPLOYED, words, warning=True)


def _baseline_subject(snapshot: Snapshot, content: str, spec: AIModelSpec, policy: RolloutPolicySpec) -> str | None:
    """What was approved when it went live elsewhere, as far as the spec still says so."""
    tier = tier_of(snapshot)
    if tier is None:
        return None
    replay = spec.serving.replay.digest if spec.serving.replay and limits_of(policy, AttemptKind.ROLLOUT) else None
    return deployment_subject(snapshot, content, tier, policy, replay)


def _denied(draft: Draft, why: Problem) -> Draft:
    """Nothing starts, not even what was live before; what serves users goes on."""
    phase = Phase.LIVE if draft.status.stable is not None else Phase.DENIED if why.reason is Reason.PROHIBITED else Phase.PENDING
    return draft.with_status(phase=phase).held_by(why.reason, why.message, stalled=True)


def _settled(draft: Draft, snapshot: Snapshot, wanted: RevisionStatus) -> Draft:
    return resized(draft, snapshot, wanted).with_status(phase=Phase.LIVE)


def resized(draft: Draft, snapshot: Snapshot, wanted: RevisionStatus) -> Draft:
    """The live version, which is the one `wanted`, with the size that the spec asks for."""
    stable = draft.status.stable
    assert stable is not None
    size: dict[str, object] = {}
    if snapshot.spec is not None:
        before, bounds = stable.autoscale, bounds_of(snapshot.spec)
        size = {"autoscale": bounds}
        if bounds is None:
            size["replicas"] = snapshot.spec.serving.deployment.least
        if bounds is None or before is None or bounds.min_replicas != before.min_replicas:
            # Whoever says how small it may be need not wait.
            size["firm_until"] = None
    return draft.with_status(stable=stable.model_copy(update={"version": wanted.version, **size}))


def _blocked(draft: Draft, snapshot: Snapshot, orders: Orders, blocked: Blocked) -> Draft:
    if orders.retry is None:
        at_rest = draft.status.phase is not Phase.ROLLING_BACK or snapshot.route.weights.get(blocked.revision, 0) == 0
        return draft.with_status(phase=Phase.ROLLED_BACK if at_rest else Phase.ROLLING_BACK)
    named = orders.retry.spec.target.revision if orders.retry.spec.target else ""
    if named != blocked.revision:
        return refuse(draft, orders.retry, f"it is about revision {named}, and the spec asks for revision {blocked.revision} now")
    if (stop := stopped_since(orders.retry, snapshot)) is not None:
        return refuse(draft, orders.retry, f"{stop.spec.approver} decided {stop.spec.decision} at the same time or later: decide again")
    used = draft.status.retries.get(blocked.revision, 0)
    allowed = snapshot.policy.spec.analysis.max_retries if snapshot.policy.spec else 0
    if used >= allowed and blocked.cause not in (RollbackCause.HALT, RollbackCause.ROLLBACK):
        why = f"all {allowed} retries of revision {blocked.revision} are used: release a changed version instead"
        return refuse(draft, orders.retry, why).with_status(phase=Phase.ROLLED_BACK)
    draft = draft.with_status(
        blocked=tuple(b for b in draft.status.blocked if b.revision != blocked.revision),
        retries=dict([*draft.status.retries.items(), (blocked.revision, used + 1)][-10:]),
    )
    draft = take_up(draft, orders.retry, f"attempt {draft.status.attempts + 1} starts from the first stage")
    return _start(draft, snapshot, RevisionStatus(revision=blocked.revision, version=blocked.version, content=blocked.content))


def _start(draft: Draft, snapshot: Snapshot, wanted: RevisionStatus) -> Draft:
    spec, policy = snapshot.spec, snapshot.policy.spec
    if spec is None:
        return draft
    if policy is None:
        problem = snapshot.policy.problem
        message = problem.message if problem else f"policy {spec.policy.name} is not there"
        return draft.held_by(problem.reason if problem else Reason.POLICY_NOT_FOUND, message, stalled=True)
    if (denied := start_obstacle_in(risk_of(snapshot), policy)) is not None:
        return _denied(draft, denied)
    kind = _kind(draft, wanted)
    if (unfit := misfit(spec, policy, kind)) is not None:
        return draft.held_by(unfit.reason, unfit.message, stalled=True)
    if unapproved := unmet(draft, policy):
        told = f"the UseCase gate is closed: {unapproved}"
        return draft.with_status(phase=Phase.AWAITING_USE_CASE).held_by(Reason.WAITING_FOR_APPROVAL, told)
    attempt = draft.status.attempts + 1
    candidate = CandidateStatus(
        revision=wanted.revision,
        version=wanted.version,
        content=wanted.content,
        attempt=attempt,
        kind=kind,
        started=snapshot.now,
        replicas=spec.serving.deployment.least,
        autoscale=bounds_of(spec),
        policy=spec.policy.name,
        policy_copy=copy_name(snapshot.name, policy),
        mode=allowed_mode(snapshot, policy),
    )
    started = draft.with_status(
        phase=Phase.PREPARING,
        stable=frozen(draft.status.stable, snapshot) if draft.status.stable else None,
        candidate=candidate,
        attempts=attempt,
        past=tuple(p for p in draft.status.past if p.revision != wanted.revision),
    ).announce(Reason.STARTED, f"{wanted.version} (revision {wanted.revision}) starts attempt {attempt} under policy {spec.policy.name}")
    return _doubted(_warned(_refused_observing(started, snapshot), policy), snapshot, policy)


def _refused_observing(draft: Draft, snapshot: Snapshot) -> Draft:
    """Whoever counts on a judge without a say is told before it takes the version back."""
    refused = objection(draft.candidate, snapshot)
    return draft.announce(refused.reason, refused.message, warning=True) if refused is not None else draft


def _doubted(draft: Draft, snapshot: Snapshot, policy: RolloutPolicySpec) -> Draft:
    """A rollout that the present traffic cannot decide is told before weeks are spent on it."""
    stable, live = draft.status.stable, snapshot.live
    if draft.candidate.kind is not AttemptKind.ROLLOUT or stable is None or live is None or live.revision != stable.revision:
        return draft
    noise = Noise(snapshot.workload(stable.revision).ready)
    stuck = undecided(forecast(policy, live.traffic, noise)) if live.traffic is not None else ""
    if live.traffic is None or not stuck:
        return draft
    words = f"at {live.traffic.requests:.2g} requests/s, as in the last minute, {stuck}: see `kubectl headgate plan {snapshot.name}`"
    return draft.with_candidate(doubt=words).announce(Reason.TRAFFIC_INSUFFICIENT, words, warning=True)


def _warned(draft: Draft, policy: RolloutPolicySpec) -> Draft:
    """What the policy's metrics cannot see is said before anybody relies on them."""
    if policy.metrics.profile is not Profile.HTTP:
        return draft
    words = "a server's own counters cannot show requests that it never answers: a silent version is found by its pods alone"
    return draft.announce(Reason.SILENT_FAILURE_INVISIBLE, words, warning=True)


def _kind(draft: Draft, wanted: RevisionStatus) -> AttemptKind:
    stable = draft.status.stable
    if stable is None:
        return AttemptKind.FIRST
    return AttemptKind.UNCHANGED if stable.content == wanted.content and not stable.unapproved else AttemptKind.ROLLOUT
