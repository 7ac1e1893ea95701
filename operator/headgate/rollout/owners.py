"""Who answers for a model technically, and may therefore not review it."""

from headgate.api.aimodel import AIModelSpec
from headgate.api.reasons import Reason
from headgate.api.status import AIModelStatus
from headgate.rollout.draft import Draft
from headgate.rollout.snapshot import Snapshot

_MOST = 8


def note_owner(draft: Draft, snapshot: Snapshot) -> Draft:
    """Remember the technical owner, and tell when it is somebody else: an owner who names another one for a moment could review the own
    work. Of too many the first ones stay."""
    if snapshot.spec is None:
        return draft
    owner, before = snapshot.spec.owners.technical.user, draft.status.technical_owners
    if before and before[-1] == owner:
        return draft
    earlier = tuple(one for one in before if one != owner)[: _MOST - 1]
    draft = draft.with_status(technical_owners=(*earlier, owner))
    if not before:
        return draft
    return draft.announce(Reason.OWNER_CHANGED, f"{owner} is technical owner instead of {before[-1]}: neither may review the next version")


def technical_owners(status: AIModelStatus, spec: AIModelSpec) -> tuple[str, ...]:
    """Who was it since the last version went live; last who is it now."""
    owner = spec.owners.technical.user
    return (*(one for one in status.technical_owners if one != owner), owner)
