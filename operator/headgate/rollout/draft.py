"""A decision in the making: the next status so far, and what there is to tell about it."""

from dataclasses import dataclass, replace
from typing import Any

from headgate.api.approval import ApprovalState
from headgate.api.reasons import Reason
from headgate.api.status import AIModelStatus, CandidateStatus, StageStatus
from headgate.rollout.decision import Announcement, ApprovalNote
from headgate.rollout.snapshot import Problem


@dataclass(frozen=True, slots=True)
class Draft:
    """Each step of `decide` takes one and gives the next."""

    status: AIModelStatus
    announcements: tuple[Announcement, ...] = ()
    notes: tuple[ApprovalNote, ...] = ()
    problem: Problem | None = None
    """What keeps the candidate where it is: the first one found is shown."""
    stalled: bool = False
    """Nothing goes on before a person changes something."""
    scale_for: int | None = None
    """Replicas the candidate needs for its next step."""

    def with_status(self, **fields: Any) -> "Draft":
        return replace(self, status=self.status.model_copy(update=fields))

    def with_candidate(self, **fields: Any) -> "Draft":
        """Raises AttributeError without a candidate."""
        return self.with_status(candidate=self.candidate.model_copy(update=fields))

    def with_stage(self, stage: StageStatus | None) -> "Draft":
        return self.with_candidate(stage=stage)

    def announce(self, reason: Reason, note: str, *, warning: bool = False) -> "Draft":
        return replace(self, announcements=(*self.announcements, Announcement(reason, note, warning)))

    def note(self, approval: str, state: ApprovalState | None, message: str) -> "Draft":
        return replace(self, notes=(*self.notes, ApprovalNote(approval, state, message)))

    def held_by(self, reason: Reason, message: str, *, stalled: bool = False) -> "Draft":
        """Keep the first problem that is found: later ones often follow from it."""
        if self.problem is not None:
            return self
        return replace(self, problem=Problem(reason, message), stalled=stalled)

    @property
    def candidate(self) -> CandidateStatus:
        """Raises AttributeError without a candidate."""
        if self.status.candidate is None:
            raise AttributeError("no candidate")
        return self.status.candidate
