"""What the evaluation of a vendor comes to: a weighted sum, which some failures settle by themselves.

Twelve criteria, rated 1 (Low risk) to 4 (Critical). The weighted mean is below 1.5 for APPROVED, 2.5 for WITH_CONDITIONS and 3.0 for
REQUIRES_REMEDIATION. A sum lets good answers pay for bad ones: with everything else Low, one Critical at a weight of 0.15 is still 1.45.
So a Critical rating never passes unseen, and one at a veto refuses the vendor.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from headgate.api.aimodel import AIModelSpec
from headgate.api.base import line
from headgate.api.gates import VendorVetoes
from headgate.api.policy import RolloutPolicySpec
from headgate.api.vendor import Rating, Ratings, Recommendation, Vendor
from headgate.api.vocabulary import VendorCriterion

WEIGHTS: Mapping[VendorCriterion, int] = {
    VendorCriterion.TRAINING_DATA: 10,
    VendorCriterion.DOCUMENTATION: 10,
    VendorCriterion.BIAS_TESTING: 15,
    VendorCriterion.SECURITY: 15,
    VendorCriterion.DATA_PROTECTION: 10,
    VendorCriterion.PERFORMANCE: 10,
    VendorCriterion.INCIDENT_RESPONSE: 5,
    VendorCriterion.CHANGE_MANAGEMENT: 10,
    VendorCriterion.CONTINUITY: 5,
    VendorCriterion.LIABILITY: 5,
    VendorCriterion.COMPLIANCE: 3,
    VendorCriterion.AUDIT_RIGHTS: 2,
}
"""In hundredths; 100 together."""

_BOUNDS = ((150, Recommendation.APPROVED), (250, Recommendation.WITH_CONDITIONS), (300, Recommendation.REQUIRES_REMEDIATION))
"""Below which sum of weights times ratings, in hundredths."""

CONDITIONS_NEEDED = "the vendor's evaluation is WITH_CONDITIONS: at least one approval has to name them (approve --condition)"


@dataclass(frozen=True, slots=True)
class VendorReading:
    """`score`: the weighted mean in hundredths, 100 to 400; None where something is not rated, which no other rating stands in for.
    `reasons`: one sentence for each thing that speaks against APPROVED, in the order of the criteria."""

    recommendation: Recommendation
    score: int | None
    reasons: tuple[str, ...] = ()

    @property
    def mean(self) -> str:
        """The score as people read it; empty if there is none."""
        return f"{self.score / 100:.2f}" if self.score is not None else ""


def evaluated(vendor: Vendor, vetoes: Collection[VendorCriterion]) -> VendorReading:
    """`vetoes`: where a Critical rating refuses the vendor."""
    ratings = vendor.evaluation or Ratings()
    rated = {criterion: rating for criterion in WEIGHTS if (rating := ratings.of(criterion)) is not None}
    unrated = [criterion for criterion in WEIGHTS if criterion not in rated]
    failed = [criterion for criterion, rating in rated.items() if rating is Rating.CRITICAL]
    score = sum(weight * rated[criterion].score for criterion, weight in WEIGHTS.items()) if not unrated else None
    by_sum = _by_sum(score)
    reasons = (
        *(f"{criterion} is Critical, which refuses the vendor whatever else is good" for criterion in failed if criterion in vetoes),
        *(f"{criterion} is Critical" for criterion in failed if criterion not in vetoes),
        *(f"{criterion} is not rated" for criterion in unrated),
        *(f"{criterion} is High" for criterion, rating in rated.items() if rating is Rating.HIGH),
    )
    if any(criterion in vetoes for criterion in failed):
        found = Recommendation.REJECTED
    elif unrated:
        found = Recommendation.REQUIRES_REMEDIATION
    elif failed and by_sum is Recommendation.APPROVED:
        found = Recommendation.WITH_CONDITIONS
    else:
        found = by_sum
    return VendorReading(found, score, reasons if found is not Recommendation.APPROVED else ())


def vendor_reading(spec: AIModelSpec, policy: RolloutPolicySpec | None) -> VendorReading | None:
    """None for a model of one's own. Without a policy the usual vetoes apply."""
    if spec.vendor is None:
        return None
    return evaluated(spec.vendor, policy.gates.vendor_vetoes if policy is not None else VendorVetoes().vetoes)


def vendor_lacks(reading: VendorReading) -> tuple[str, ...]:
    """What keeps the UseCase gate closed, by name; nothing for a vendor that may be used, be it on conditions."""
    if reading.recommendation in (Recommendation.APPROVED, Recommendation.WITH_CONDITIONS):
        return ()
    mean = f" ({reading.mean} of 4)" if reading.mean else ""
    verdict = f"the vendor's evaluation is {reading.recommendation}{mean}"
    return tuple(line(f"{verdict}: spec.vendor.evaluation: {reason}") for reason in reading.reasons) or (verdict,)


def on_conditions(reading: VendorReading) -> str:
    """What an approval has to carry, in words; empty if nothing."""
    return CONDITIONS_NEEDED if reading.recommendation is Recommendation.WITH_CONDITIONS else ""


def _by_sum(score: int | None) -> Recommendation:
    if score is None:
        return Recommendation.REQUIRES_REMEDIATION
    return next((found for bound, found in _BOUNDS if score < bound), Recommendation.REJECTED)
