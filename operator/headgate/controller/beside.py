"""What is asked about a candidate beside its requests: counters of the models' own, which only some policies ask for."""

from dataclasses import dataclass
from typing import Protocol

from headgate.controller.case import Case
from headgate.evidence import attempt
from headgate.evidence.attempt_state import AttemptEvidence
from headgate.evidence.counting.series import NoAnswer, TargetSamples


class Beside(Protocol):
    """One kind of such counters."""

    def asks(self, case: Case, state: AttemptEvidence) -> bool:
        """Whether they are to be sampled for this attempt."""

    def answered(self, state: AttemptEvidence) -> float | None:
        """Our time of their last good answer."""

    def observe(self, state: AttemptEvidence, case: Case, answer: TargetSamples | NoAnswer, now: float) -> AttemptEvidence:
        """The state after one answer, of a case that asks."""


@dataclass(frozen=True, slots=True)
class _Decisions:
    """Decisions about groups of people."""

    def asks(self, case: Case, state: AttemptEvidence) -> bool:
        return case.question.fairness is not None

    def answered(self, state: AttemptEvidence) -> float | None:
        return state.fairness.answered

    def observe(self, state: AttemptEvidence, case: Case, answer: TargetSamples | NoAnswer, now: float) -> AttemptEvidence:
        asked = case.question.fairness
        return state if asked is None else attempt.observe_decisions(state, asked, case.exposure, answer, now)


@dataclass(frozen=True, slots=True)
class _Segments:
    """Answers by segments of users. A label with too many values is not read again in this attempt: it may have any number of them."""

    def asks(self, case: Case, state: AttemptEvidence) -> bool:
        return bool(case.target.segments) and not state.segments.crowded

    def answered(self, state: AttemptEvidence) -> float | None:
        return state.segments.answered

    def observe(self, state: AttemptEvidence, case: Case, answer: TargetSamples | NoAnswer, now: float) -> AttemptEvidence:
        asked = case.question.segments
        return state if asked is None else attempt.observe_segments(state, asked, case.exposure, answer, now)


DECISIONS: Beside = _Decisions()
SEGMENTS: Beside = _Segments()
