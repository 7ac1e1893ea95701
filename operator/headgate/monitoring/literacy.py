"""Where knowledge about AI is missing: gaps by role and competency."""

from collections.abc import Sequence
from dataclasses import dataclass

from headgate.governance.literacy import NEEDS_TRAINING, Assessment, StaffRole

PRIORITY_TOPIC = 0.6


@dataclass(frozen=True, slots=True)
class Gap:
    """One competency of one role: the mean over its persons, and how many of them need training."""

    role: StaffRole
    competency: str
    persons: int
    mean: float
    below: int

    @property
    def priority(self) -> bool:
        """Whether it is a topic for the next quarter."""
        return self.mean < PRIORITY_TOPIC


def gaps(current: Sequence[Assessment]) -> tuple[Gap, ...]:
    """Of `latest` assessments, worst first. Each person counts once in each competency."""
    scores: dict[tuple[StaffRole, str], list[float]] = {}
    for one in current:
        scores.setdefault((one.role, one.competency), []).append(one.score)
    found = [
        Gap(role, competency, len(some), sum(some) / len(some), sum(score < NEEDS_TRAINING for score in some))
        for (role, competency), some in scores.items()
    ]
    return tuple(sorted(found, key=lambda gap: (gap.mean, gap.role, gap.competency)))
