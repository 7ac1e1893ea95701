"""What the evaluation of a vendor comes to."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headgate.api.gates import VendorVetoes
from headgate.api.vendor import Rating, Ratings, Recommendation, Vendor
from headgate.api.vocabulary import VendorCriterion
from headgate.governance.vendor_evaluation import WEIGHTS, VendorReading, evaluated, vendor_lacks

VETOES = VendorVetoes().vetoes
RATINGS = st.fixed_dictionaries({criterion: st.sampled_from(Rating) for criterion in WEIGHTS})


def read(rated: dict[VendorCriterion, Rating], vetoes: tuple[VendorCriterion, ...] = VETOES) -> VendorReading:
    ratings = Ratings.model_validate({str(criterion): str(rating) for criterion, rating in rated.items()})
    return evaluated(Vendor(name="Acme", product="Scores", evaluation=ratings), vetoes)


def rated(**other: str) -> dict[VendorCriterion, Rating]:
    """All Low but `other`."""
    return {criterion: Rating(other.get(str(criterion), "Low")) for criterion in WEIGHTS}


def test_there_are_twelve_weights_and_they_are_all() -> None:
    assert (len(WEIGHTS), sum(WEIGHTS.values()), set(WEIGHTS)) == (12, 100, set(VendorCriterion))
    assert sorted(WEIGHTS.values()) == [2, 3, 5, 5, 5, 10, 10, 10, 10, 10, 15, 15]


@pytest.mark.parametrize(
    ("ratings", "score", "found"),
    [
        (rated(), 100, "APPROVED"),
        (rated(security="High", trainingData="High"), 150, "WITH_CONDITIONS"),  # 1 + 2 * 0.25
        (rated(security="High", trainingData="Medium"), 140, "APPROVED"),
        (dict.fromkeys(WEIGHTS, Rating.MEDIUM), 200, "WITH_CONDITIONS"),
        (dict.fromkeys(WEIGHTS, Rating.HIGH), 300, "REJECTED"),
        (dict.fromkeys(WEIGHTS, Rating.HIGH) | {VendorCriterion.AUDIT_RIGHTS: Rating.LOW}, 296, "REQUIRES_REMEDIATION"),
    ],
)
def test_the_sum_decides_at_its_bounds(ratings: dict[VendorCriterion, Rating], score: int, found: str) -> None:
    reading = read(ratings)
    assert (reading.score, str(reading.recommendation)) == (score, found)


def test_good_answers_pay_for_no_veto() -> None:
    """Everything else Low: the sum alone would approve it."""
    reading = read(rated(biasTesting="Critical"))
    assert (reading.mean, reading.recommendation) == ("1.45", Recommendation.REJECTED)
    assert vendor_lacks(reading) == (
        "the vendor's evaluation is REJECTED (1.45 of 4): spec.vendor.evaluation: biasTesting is Critical, which refuses the vendor "
        "whatever else is good",
    )
    contract = read(rated(liability="Critical", compliance="Critical", auditRights="Critical"))
    assert (contract.mean, contract.recommendation) == ("1.30", Recommendation.REJECTED)


def test_a_critical_rating_elsewhere_is_never_plainly_approved() -> None:
    assert read(rated(auditRights="Critical")).recommendation is Recommendation.WITH_CONDITIONS


def test_a_policy_names_its_own_vetoes() -> None:
    lonely = rated(auditRights="Critical")
    assert read(lonely, (VendorCriterion.AUDIT_RIGHTS,)).recommendation is Recommendation.REJECTED
    assert read(rated(biasTesting="Critical"), ()).recommendation is Recommendation.WITH_CONDITIONS


def test_what_is_not_rated_is_never_taken_for_good() -> None:
    partly = rated()
    del partly[VendorCriterion.SECURITY], partly[VendorCriterion.CONTINUITY]
    reading = read(partly)
    assert (reading.score, reading.recommendation) == (None, Recommendation.REQUIRES_REMEDIATION)
    assert [words.rpartition(": ")[2] for words in vendor_lacks(reading)] == ["security is not rated", "continuity is not rated"]
    nobody = evaluated(Vendor(name="Acme", product="Scores"), VETOES)
    assert len(vendor_lacks(nobody)) == 12


@given(RATINGS, st.sampled_from(list(WEIGHTS)))
def test_a_worse_rating_never_makes_the_whole_better(ratings: dict[VendorCriterion, Rating], worse: VendorCriterion) -> None:
    order = list(Recommendation)
    raised = ratings | {worse: Rating.CRITICAL}
    assert order.index(read(raised).recommendation) >= order.index(read(ratings).recommendation)


@given(RATINGS)
def test_what_is_refused_says_why(ratings: dict[VendorCriterion, Rating]) -> None:
    reading = read(ratings)
    closed = reading.recommendation in (Recommendation.REJECTED, Recommendation.REQUIRES_REMEDIATION)
    assert bool(vendor_lacks(reading)) is closed
    assert all(len(words) <= 256 for words in vendor_lacks(reading))
