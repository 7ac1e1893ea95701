"""Who knows enough about AI for what they decide: assessments of persons, as people write them down."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from enum import StrEnum
from io import StringIO

from headgate.api.remembering import per_object
from headgate.api.tables import table_rows
from headgate.governance.persons import person

NEEDS_TRAINING = 0.7
LITERACY, LITERACY_KEY = "headgate-literacy", "assessments.csv"
"""The ConfigMap in the policy namespace that gates go by, and where in it the table is."""
COLUMNS = ("person", "role", "competency", "score", "date")
MOST_ROWS = 200_000
_VALID_UNTIL = "trainingValidUntil"


class StaffRole(StrEnum):
    """Whose competencies are assessed together. Not the role in which somebody approves."""

    EXECUTIVE = "Executive"
    MANAGER = "Manager"
    TECHNICAL = "Technical"
    LEGAL_COMPLIANCE = "LegalCompliance"


EXAMPLE = f"maria,Manager,oversight,0.8,2026-03-01; roles: {', '.join(StaffRole)}"


@dataclass(frozen=True, slots=True)
class Assessment:
    """One person's score, 0 to 1, in one competency. Raises ValueError outside that, also for NaN."""

    person: str
    role: StaffRole
    competency: str
    score: float
    day: date
    valid_until: date | None = None
    """The last day on which the person's training is up to date; None where it is not said."""

    def __post_init__(self) -> None:
        if not 0.0 <= self.score <= 1.0:
            raise ValueError(f"a score of {self.score}: scores are 0 to 1")


@dataclass(frozen=True, slots=True)
class Literacy:
    """All assessments there are, or why nobody knows them."""

    assessments: tuple[Assessment, ...] = ()
    problem: str = ""
    known: bool = True
    """False until they were looked for."""


def assessment_of(row: Mapping[str, str]) -> Assessment:
    """From a row with COLUMNS, and perhaps trainingValidUntil. Raises ValueError."""
    who, competency, until = row["person"].strip(), row["competency"].strip(), row.get(_VALID_UNTIL)
    if not who or not competency:
        raise ValueError("person or competency is empty")
    last = date.fromisoformat(until) if until else None
    return Assessment(who, StaffRole(row["role"]), competency, float(row["score"]), date.fromisoformat(row["date"]), last)


def assessments_of(text: str) -> tuple[Assessment, ...]:
    """From a CSV table. Raises ValueError with one sentence that names the first row that is wrong."""
    return tuple(table_rows(StringIO(text, newline=""), COLUMNS, MOST_ROWS, assessment_of, EXAMPLE))


def latest(assessments: Iterable[Assessment], today: date) -> tuple[Assessment, ...]:
    """The newest of each person, role and competency; what is dated after today has not happened. Of one day the lower score counts."""
    newest: dict[tuple[str, StaffRole, str], Assessment] = {}
    for one in assessments:
        key = (one.person, one.role, one.competency)
        if one.day <= today and (key not in newest or (one.day, -one.score) > (newest[key].day, -newest[key].score)):
            newest[key] = one
    return tuple(newest.values())


def trained_until(assessments: Iterable[Assessment]) -> dict[str, date]:
    """Until when each person's training is up to date: the latest of what is said; without those of whom nothing is."""
    found: dict[str, date] = {}
    for one in assessments:
        if one.valid_until is not None:
            found[one.person] = max(one.valid_until, found.get(one.person, one.valid_until))
    return found


def untrained(current: Sequence[Assessment], valid_until: Mapping[str, date], today: date) -> dict[str, str]:
    """Persons who should not be counted on, with the reason: a competency below NEEDS_TRAINING, or training that is past its date.

    Whoever was never assessed is not among them: of them nothing is known.
    """
    found: dict[str, list[str]] = {}
    for one in sorted(current, key=lambda one: (one.person, one.role, one.competency)):
        if one.score < NEEDS_TRAINING:
            found.setdefault(one.person, []).append(f"{one.competency} {one.score:.2f}")
    for who, until in sorted(valid_until.items()):
        if until < today:
            found.setdefault(who, []).append(f"training was valid until {until}")
    return {who: ", ".join(reasons) for who, reasons in sorted(found.items())}


def of_person(literacy: Literacy, names: Iterable[str]) -> tuple[Assessment, ...]:
    """The assessments of one human being under any of `names`, as if all were under the first. Names are compared as usernames are."""
    spelled = [name for name in dict.fromkeys(map(person, names)) if name]
    return tuple(replace(one, person=spelled[0]) for name in spelled for one in _by_name(literacy).get(name, ()))


def shortfall(assessments: Sequence[Assessment], today: date) -> str:
    """Why one person, of whom these are all the assessments, is not known to know enough, with the scores; empty if they do."""
    current = latest(assessments, today)
    if not current:
        return "never assessed"
    return next(iter(untrained(current, trained_until(assessments), today).values()), "")


@per_object(4)
def _by_name(literacy: Literacy) -> Mapping[str, tuple[Assessment, ...]]:
    found: dict[str, list[Assessment]] = {}
    for one in literacy.assessments:
        found.setdefault(person(one.person), []).append(one)
    return {name: tuple(some) for name, some in found.items()}
