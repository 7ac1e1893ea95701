"""One Promote ends one stage: the one that its author saw."""

from dataclasses import replace

from headgate.api.status import CandidateStatus
from headgate.api.vocabulary import DecisionKind
from headgate.rollout.draft import Draft
from headgate.rollout.people import Orders, refuse, take_up
from headgate.rollout.snapshot import Snapshot


def only_of_this_stage(draft: Draft, orders: Orders) -> tuple[Draft, Orders]:
    """`orders` without a Promote that was made before the present stage began: that is refused. Times of creation are whole seconds."""
    order, stage = orders.promote, draft.candidate.stage
    if order is None or stage is None or order.created >= stage.entered.replace(microsecond=0):
        return draft, orders
    why = f"it was made before stage {stage.name} began, and ends no later one: decide again"
    return refuse(draft, order, why), replace(orders, promote=None)


def used_up(draft: Draft, snapshot: Snapshot, left: CandidateStatus) -> Draft:
    """`left`, a candidate as it was, has left its stage: each Promote of it that is there by now has had its effect. One whose author is
    not certain yet would otherwise end the next stage once they are."""
    told = f"stage {left.stage.name} ended meanwhile" if left.stage is not None else "its stage ended meanwhile"
    for order in (*snapshot.approvals, *snapshot.awaiting):
        target = order.spec.target
        if order.spec.decision is not DecisionKind.PROMOTE or target is None or order.name in draft.status.taken_up:
            continue
        if (target.revision, target.attempt) == (left.revision, left.attempt):
            draft = take_up(draft, order, told) if order.enforced else refuse(draft, order, told)
    return draft
