"""Known errors among the real cases. A low override rate means passive reviewers or a good model, and only these tell which."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from headgate.review.drawing import checked_key, checked_share, fraction, token
from headgate.review.independent import Case, Suggestion
from headgate.review.record import ReviewRecord


class SeedOutcome(StrEnum):
    FOUND = "found"
    MISSED = "missed"


@dataclass(frozen=True, slots=True)
class SeededError:
    """A case of which the right decision is known, and the wrong one that reviewers are shown as the model's. Raises ValueError where these
    are the same. `source` is the application's name for what the case is made of: its input, as reviewers see it."""

    source: str
    shown: Suggestion
    right: str

    def __post_init__(self) -> None:
        if self.shown.prediction == self.right:
            raise ValueError(f"the seeded error {self.source} shows the right decision {self.right!r}: nothing could be found in it")


@dataclass(frozen=True, slots=True)
class SeededCase:
    """To be put into the reviewers' queue like any other. Nothing may come of what is decided in it."""

    case: Case
    error: SeededError

    def outcome(self, record: ReviewRecord) -> SeedOutcome:
        """Found: the wrong decision was changed. Raises ValueError for the record of another case."""
        if record.case_id != self.case.case_id:
            raise ValueError(f"the record is of case {record.case_id}, not of {self.case.case_id}")
        return SeedOutcome.FOUND if record.changed else SeedOutcome.MISSED


class Seeding:
    """After which real cases a seeded one follows, and which: nobody without the key can tell."""

    def __init__(self, key: bytes, errors: Sequence[SeededError], *, share: float = 0.01) -> None:
        """`share`: seeded cases for each case that is reviewed. Raises ValueError for a short key or a share outside 0 to 1."""
        self._key = checked_key(key)
        self._errors = tuple(errors)
        self._share = checked_share(share)

    def after(self, case_id: str) -> SeededCase | None:
        """The seeded case that follows the real one `case_id`; None for most. Its identity says nothing of what it is."""
        if not self._errors or fraction(self._key, "seed", case_id) >= self._share:
            return None
        error = self._errors[int(fraction(self._key, "seed-choice", case_id) * len(self._errors))]
        return SeededCase(Case(token(self._key, "seed-name", case_id)[:16], error.shown), error)
