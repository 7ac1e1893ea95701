"""Review in which the person judges first, and learns what the model says only then: who sees the answer before judging mostly agrees."""

from dataclasses import dataclass, field
from datetime import datetime

from headgate.review.record import ReviewRecord


@dataclass(frozen=True, slots=True)
class Suggestion:
    """What the model says, and how sure it is, 0 to 1."""

    prediction: str
    confidence: float


@dataclass(frozen=True, slots=True)
class Case:
    """One case for a person. `suggestion` is no part of its text form: a log or a page of the case must not tell it."""

    case_id: str
    suggestion: Suggestion = field(repr=False)
    segment: str = ""
    route: str = ""


@dataclass(frozen=True, slots=True)
class OpenReview:
    """A reviewer has the case and has not judged yet. There is no way to the model's answer but `decide`."""

    case: Case = field(repr=False)
    reviewer: str

    def decide(self, decision: str, confidence: float) -> "DecidedReview":
        """The reviewer's own judgement, and how sure they are, 0 to 1. It stays in the record, whatever follows."""
        return DecidedReview(self.case, self.reviewer, decision, confidence)


@dataclass(frozen=True, slots=True)
class DecidedReview:
    """The reviewer has judged, and may see what the model says. Its record is made once they have said what they decide in the end."""

    case: Case = field(repr=False)
    reviewer: str
    decision: str
    confidence: float

    @property
    def suggestion(self) -> Suggestion:
        """To be shown now."""
        return self.case.suggestion

    def conclude(self, final: str, at: datetime) -> ReviewRecord:
        """Raises ValueError for what cannot be in a record: an empty decision, a confidence outside 0 to 1, a time without its zone."""
        return ReviewRecord(
            case_id=self.case.case_id,
            human_initial_decision=self.decision,
            human_confidence=self.confidence,
            ai_prediction=self.suggestion.prediction,
            ai_confidence=self.suggestion.confidence,
            final_decision=final,
            timestamp=at,
            reviewer=self.reviewer,
            segment=self.case.segment,
            route=self.case.route,
        )
