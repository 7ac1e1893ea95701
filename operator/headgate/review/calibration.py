"""From which confidence on a model may decide by itself, as far as labelled history shows. A model's own 0.75 means something else for each
model, and nothing at all for most."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from itertools import accumulate
from typing import Any

from headgate.review.bounds import TooFewCases, at_most, error_bound, fewest_cases

TRIED = 20
"""Thresholds that are tried: those that let through 5 %, 10 % … of the history. A few more would find little, and cost certainty."""


@dataclass(frozen=True, slots=True)
class Labelled:
    """One case of the past: how sure the model was, 0 to 1, and whether it was right. Raises ValueError outside that, also for NaN."""

    confidence: float
    correct: bool

    def __post_init__(self) -> None:
        if not 0.0 <= self.confidence <= 1.0:
            raise ValueError(f"a confidence of {self.confidence}: confidences are 0 to 1")


@dataclass(frozen=True, slots=True)
class Calibration:
    """From `threshold` on the model decides; None: everything goes to people, since no threshold keeps the target.

    With the confidence that was asked for, at most `bound` (and so at most `target`) of the cases at or above the threshold are decided
    wrongly, as long as cases are as they were in the history: calibrate again for each version of the model, and when its input drifts.
    """

    threshold: float | None
    target: float
    confidence: float
    cases: int
    automatic: int
    """Cases of the history at or above the threshold."""
    errors: int
    """Of these, those that the model decided wrongly."""
    bound: float

    @property
    def words(self) -> str:
        """For a log, or for who approves it."""
        if self.threshold is None:
            return f"no threshold keeps wrong decisions to {self.target:.3g} of the model's own: people decide all {self.cases:,}"
        return (
            f"from confidence {self.threshold:.4g} on: {self.automatic:,} of {self.cases:,} cases without a person, "
            f"{self.errors:,} of them wrong, at most {self.bound:.3g} of all such cases"
        )

    def document(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)


def calibrate(history: Iterable[Labelled], target: float, *, confidence: float = 0.95) -> Calibration:
    """The lowest threshold above which at most `target` (a share) of the cases are wrong, with `confidence`.

    The bound is that of Clopper and Pearson, and TRIED thresholds share the doubt (Bonferroni): choosing the best of many thresholds by the
    same history would otherwise promise too much. Equal confidences fall on one side. Raises TooFewCases where no history of this length
    could show it, and ValueError for a target or confidence outside (0, 1).
    """
    if not (0.0 < target < 1.0 and 0.0 < confidence < 1.0):
        raise ValueError(f"target {target} and confidence {confidence}: both lie between 0 and 1")
    ordered = sorted(history, key=lambda one: -one.confidence)
    doubt = (1.0 - confidence) / TRIED
    needed = fewest_cases(target, doubt)
    if len(ordered) < needed:
        raise TooFewCases(len(ordered), needed)
    wrong = list(accumulate(not one.correct for one in ordered))
    kept = [
        (threshold, automatic)
        for threshold, automatic in _thresholds([one.confidence for one in ordered])
        if at_most(wrong[automatic - 1], automatic, target) <= doubt
    ]
    if not kept:
        return Calibration(None, target, confidence, len(ordered), 0, 0, 1.0)
    threshold, automatic = kept[-1]
    errors = wrong[automatic - 1]
    return Calibration(threshold, target, confidence, len(ordered), automatic, errors, error_bound(errors, automatic, 1.0 - doubt))


def _thresholds(confidences: list[float]) -> list[tuple[float, int]]:
    """(threshold, how many are at or above it), highest first. Chosen by the confidences alone: who was right has no say in it."""
    last = {confidence: number for number, confidence in enumerate(confidences, 1)}
    ranks = {max(1, len(confidences) * part // TRIED) for part in range(1, TRIED + 1)}
    chosen = {confidences[rank - 1] for rank in ranks}
    return sorted(((threshold, last[threshold]) for threshold in chosen), key=lambda one: one[1])
