"""Who knows enough about AI for what they decide: gaps by role and competency, and the persons who need training."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

NEEDS_TRAINING = 0.7
PRIORITY_TOPIC = 0.6


class StaffRole(StrEnum):
    """Whose competencies are assessed together. Not the role in which somebody approves."""

    EXECUTIVE = "Executive"
    MANAGER = "Manager"
    TECHNICAL = "Technical"
    LEGAL_COMPLIANCE = "LegalCompliance"


@dataclass(frozen=True, slots=True)
class Assessment:
    """One person's score, 0 to 1, in one competency. Raises ValueError outside that, also for NaN."""

    person: str
    role: StaffRole
    competency: str
    score: float
    day: date

    def __post_init__(self) -> None:
        if not 0.0 <= self.score <= 1.0:
            raise ValueError(f"a score of {self.score}: scores are 0 to 1")


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


def latest(assessments: Iterable[Assessment], today: date) -> tuple[Assessment, ...]:
    """The newest of each person, role and competency; what is dated after today has not happened. Of one day the lower score counts."""
    newest: dict[tuple[str, StaffRole, str], Assessment] = {}
    for one in assessments:
        key = (one.person, one.role, one.competency)
        if one.day <= today and (key not in newest or (one.day, -one.score) > (newest[key].day, -newest[key].score)):
            newest[key] = one
    return tuple(newest.values())


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


def untrained(current: Sequence[Assessment], valid_until: Mapping[str, date], today: date) -> dict[str, str]:
    """Persons who should not be counted on, with the reason: a competency below NEEDS_TRAINING, or training that is past its date.

    Whoever was never assessed is not among them: of them nothing is known.
    """
    found: dict[str, list[str]] = {}
    for one in sorted(current, key=lambda one: (one.person, one.role, one.competency)):
        if one.score < NEEDS_TRAINING:
            found.setdefault(one.person, []).append(f"{one.competency} {one.score:.2f}")
    for person, until in sorted(valid_until.items()):
        if until < today:
            found.setdefault(person, []).append(f"training was valid until {until}")
    return {person: ", ".join(reasons) for person, reasons in sorted(found.items())}
