"""Who decides a case: the model, or a person."""

from dataclasses import dataclass
from enum import StrEnum

from headgate.review.calibration import Calibration
from headgate.review.modes import ReviewMode
from headgate.review.sampling import AuditSampling


class Route(StrEnum):
    """AUTOMATIC: the model's answer stands. AUDIT: it stands, and a person judges the case as well. The others: a person decides."""

    AUTOMATIC = "automatic"
    AUDIT = "audit"
    LOW_CONFIDENCE = "low-confidence"
    REVIEW_MODE = "review-mode"

    @property
    def decided_by_model(self) -> bool:
        return self in (Route.AUTOMATIC, Route.AUDIT)


@dataclass(frozen=True, slots=True)
class Router:
    """The same case takes the same way each time, whoever asks."""

    calibration: Calibration
    sampling: AuditSampling

    def route(self, case_id: str, confidence: float, segment: str = "", mode: ReviewMode = ReviewMode.LOW_CONFIDENCE) -> Route:
        """A confidence that is no number from 0 to 1 is low. `segment`: whose cases are to be audited apart, like a region."""
        if mode is ReviewMode.ALL:
            return Route.REVIEW_MODE
        threshold = self.calibration.threshold
        if threshold is None or not threshold <= confidence <= 1.0:
            return Route.LOW_CONFIDENCE
        return Route.AUDIT if self.sampling.drawn(case_id, segment) else Route.AUTOMATIC
