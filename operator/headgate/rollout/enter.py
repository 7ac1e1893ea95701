"""Into a stage: what a candidate has to have before it gets the stage's share of the users, at once or pod by pod."""

from headgate.api.reasons import Reason
from headgate.api.status import AttemptKind, CandidateStatus, StageStatus
from headgate.api.vocabulary import Phase
from headgate.rollout.approval_gate import gate_open, waiting_words
from headgate.rollout.capacity import floor_of, is_proportional, mirrored, reachable, secured
from headgate.rollout.draft import Draft
from headgate.rollout.observing import unproven_words
from headgate.rollout.people import Orders, refuse_if_asked, take_up
from headgate.rollout.snapshot import ESTABLISHED, Snapshot, in_force
from headgate.rollout.stages import Step
from headgate.rollout.waiting import barred, not_ready, route_pending


def enter_first(draft: Draft, snapshot: Snapshot, steps: tuple[Step, ...], orders: Orders) -> Draft:
    """Take the first step, or the first with users when shadow is passed: those need an open gate, and a Promote if the model is known
    to be live elsewhere."""
    candidate = draft.candidate
    step = next(s for s in steps if s.weight > 0 or not candidate.shadow_passed)
    if not (candidate.kind is AttemptKind.FIRST and snapshot.established):
        draft, orders = refuse_if_asked(draft, orders.promote, _too_early(candidate, step)), Orders()
    if reachable(step, draft.status, snapshot) is None:
        return not_ready(draft.with_status(phase=Phase.PREPARING), snapshot, floor_of(step, draft.status, snapshot))
    if step.weight > 0:
        draft = draft.with_status(phase=Phase.AWAITING_DEPLOYMENT)
        unreachable = snapshot.route.problem or snapshot.refusal
        if unreachable is not None:
            # Said before people are asked: what they approve could not be reached.
            draft = draft.held_by(unreachable.reason, unreachable.message)
        if not gate_open(candidate):
            draft = refuse_if_asked(draft, orders.promote, _too_early(candidate, step))
            return draft.held_by(Reason.WAITING_FOR_APPROVAL, _awaited(candidate))
        if candidate.kind is AttemptKind.FIRST and snapshot.established:
            return _enter_established(draft, snapshot, step, orders)
    elif draft.status.phase is not Phase.SHADOW:
        draft = draft.with_status(phase=Phase.PREPARING)
    return enter(draft, snapshot, step)


def _too_early(candidate: CandidateStatus, step: Step) -> str:
    """Why a Promote ends nothing before `step`, the first one."""
    if step.weight > 0 and not gate_open(candidate):
        return f"the gate is closed: {_awaited(candidate)}"
    return "no stage has begun that it could end: decide again when one has"


def _awaited(candidate: CandidateStatus) -> str:
    return waiting_words(candidate.gate) if candidate.gate else "the list of approvals is being read"


def _enter_established(draft: Draft, snapshot: Snapshot, step: Step, orders: Orders) -> Draft:
    """Only people know which version of an established model users should get: a cluster without its status must not guess."""
    if orders.promote is None:
        words = (
            f"the model is annotated {ESTABLISHED}, and neither a status nor spec.serving.baseline says which version was live: "
            f"`kubectl headgate promote {snapshot.name} -n {snapshot.namespace}` gives {draft.candidate.version} all users. "
            "To begin with another version, delete the AIModel and apply it with that version as spec.serving.baseline"
        )
        return draft.held_by(Reason.PROMOTE_REQUIRED, words)
    entered = enter(draft, snapshot, step)
    if entered.candidate.stage is None:
        return entered
    return take_up(entered, orders.promote, f"{draft.candidate.version} takes all users of an established model")


def enter(draft: Draft, snapshot: Snapshot, step: Step) -> Draft:
    """Take the step unless something that concerns every upward move forbids it."""
    if (bar := barred(draft, step, snapshot)) is not None:
        return draft.held_by(bar.reason, bar.message)
    if snapshot.route.problem is not None:
        return draft.held_by(snapshot.route.problem.reason, snapshot.route.problem.message)
    weight = reachable(step, draft.status, snapshot)
    if weight is None:
        return not_ready(draft, snapshot, floor_of(step, draft.status, snapshot))
    candidate, copies = draft.candidate, mirrored(step, draft.status, snapshot)
    stage = StageStatus(index=step.index, name=step.name, entered=snapshot.now, weight=weight, mirror=copies)
    exposed = candidate.exposed or (snapshot.now if step.weight else None)
    if step.weight:
        draft = draft.with_status(stable=secured(draft.status, snapshot))
    return (
        draft.with_candidate(stage=stage, exposed=exposed)
        .with_status(phase=Phase.SHADOW if step.weight == 0 else Phase.FULL if step.is_full else Phase.CANARY)
        .announce(Reason.STAGE_STARTED, f"{candidate.version} enters {step.name}: {_share_words(step, copies)}{unproven_words(candidate)}")
    )


def _share_words(step: Step, copies: int) -> str:
    return f"{copies / 10:g} % of requests are copied to it" if step.weight == 0 else f"{step.weight / 10:g} % of the users"


def is_whole(draft: Draft, snapshot: Snapshot, step: Step) -> bool:
    """Whether the candidate has all of its stage's weight. Only where versions share room is a stage entered pod by pod; elsewhere a
    smaller weight is one that was found when a lost status was rebuilt, and stays."""
    stage = draft.candidate.stage
    given = stage.weight if stage else None
    reached = draft.status.traffic.weight_of(draft.candidate.revision) if given is None else given
    return reached >= step.weight or not is_proportional(draft.status, snapshot)


def rise(draft: Draft, snapshot: Snapshot, step: Step) -> Draft:
    """A stage that is entered pod by pod: its next part. The stable version gives up pods only for weights that are in force."""
    if (bar := barred(draft, step, snapshot)) is not None:
        return draft.held_by(bar.reason, bar.message)
    if not in_force(draft.status.traffic, snapshot.route):
        return route_pending(draft, snapshot)
    weight = reachable(step, draft.status, snapshot)
    if weight is None:
        return not_ready(draft, snapshot, floor_of(step, draft.status, snapshot))
    stage = draft.candidate.stage
    return draft.with_stage(stage.model_copy(update={"weight": weight}) if stage else None)
