"""Who sees which case: audit samples that nobody shops for, rare segments that do not starve, seeded errors that nobody recognises."""

from collections import Counter
from datetime import UTC, datetime

import pytest

from headgate.review import (
    AuditSampling,
    Calibration,
    OpenReview,
    ReviewMode,
    Route,
    Router,
    SeededError,
    Seeding,
    SeedOutcome,
    Suggestion,
)

KEY, OTHER = b"k" * 16, b"o" * 16
AT = datetime(2026, 3, 1, tzinfo=UTC)
CASES = [f"case-{number}" for number in range(5_000)]


def router(threshold: float | None = 0.8, share: float = 0.05) -> Router:
    found = Calibration(threshold, target=0.05, confidence=0.95, cases=1000, automatic=800, errors=5, bound=0.02)
    return Router(found, AuditSampling(KEY, share=share))


def test_a_twentieth_is_audited_and_asking_again_changes_nothing() -> None:
    sampling = AuditSampling(KEY)
    drawn = [case for case in CASES if sampling.drawn(case)]
    assert 200 <= len(drawn) <= 300
    assert drawn == [case for case in CASES if AuditSampling(KEY).drawn(case)]


def test_without_the_key_nobody_knows_what_is_audited() -> None:
    ours, theirs = AuditSampling(KEY, share=0.5), AuditSampling(OTHER, share=0.5)
    same = sum(ours.drawn(case) == theirs.drawn(case) for case in CASES)
    assert 2_350 <= same <= 2_650


def test_a_rare_segment_gets_its_minimum_and_a_common_one_its_share() -> None:
    sampling = AuditSampling(KEY, share=0.05, minimum=30, expected={"city": 5_000, "island": 200, "farm": 12})
    assert sampling.rate("city") == 0.05
    assert (sampling.rate("farm"), sampling.rate("never seen")) == (1.0, 1.0)
    enough = 0
    for period in range(60):
        drawn = sum(sampling.drawn(f"{period}/{number}", "island") for number in range(200))
        enough += drawn >= 30
    assert enough >= 52, "with 95 % certainty"
    assert sampling.rate("island") < 0.25


def test_of_a_period_that_is_over_the_minimum_is_certain() -> None:
    sampling = AuditSampling(KEY, share=0.05, minimum=10)
    cases = [(case, "city") for case in CASES[:1000]] + [(f"i{n}", "island") for n in range(40)] + [(f"f{n}", "farm") for n in range(4)]
    chosen = sampling.chosen(cases)
    segments = Counter(dict(cases)[case] for case in chosen)
    assert segments == {"city": 50, "island": 10, "farm": 4}
    assert sampling.chosen([*reversed(cases), *cases]) == chosen
    assert sampling.chosen([]) == frozenset()


@pytest.mark.parametrize("key", [b"", b"short"])
def test_a_key_that_can_be_guessed_is_refused(key: bytes) -> None:
    for make in (lambda: AuditSampling(key), lambda: Seeding(key, ())):
        with pytest.raises(ValueError, match="16 random"):
            make()


@pytest.mark.parametrize("share", [-0.1, 1.1, float("nan")])
def test_a_share_is_0_to_1(share: float) -> None:
    with pytest.raises(ValueError, match="0 to 1"):
        AuditSampling(KEY, share=share)
    with pytest.raises(ValueError, match="0 or more"):
        AuditSampling(KEY, minimum=-1)


@pytest.mark.parametrize(
    ("confidence", "mode", "route"),
    [
        (0.8, ReviewMode.LOW_CONFIDENCE, Route.AUTOMATIC),
        (1.0, ReviewMode.LOW_CONFIDENCE, Route.AUTOMATIC),
        (0.799, ReviewMode.LOW_CONFIDENCE, Route.LOW_CONFIDENCE),
        (float("nan"), ReviewMode.LOW_CONFIDENCE, Route.LOW_CONFIDENCE),
        (1.7, ReviewMode.LOW_CONFIDENCE, Route.LOW_CONFIDENCE),
        (float("inf"), ReviewMode.LOW_CONFIDENCE, Route.LOW_CONFIDENCE),
        (1.0, ReviewMode.ALL, Route.REVIEW_MODE),
    ],
)
def test_low_confidence_goes_to_a_person(confidence: float, mode: ReviewMode, route: Route) -> None:
    assert router(share=0.0).route("case-1", confidence, mode=mode) is route


def test_without_a_threshold_people_decide_everything() -> None:
    assert router(threshold=None).route("case-1", 1.0) is Route.LOW_CONFIDENCE


def test_what_is_audited_was_decided_by_the_model() -> None:
    route = router(share=1.0).route("case-1", 0.9)
    assert (route, route.decided_by_model) == (Route.AUDIT, True)
    assert not Route.LOW_CONFIDENCE.decided_by_model


WRONG = SeededError("application-17", Suggestion("approve", 0.97), right="deny")


def test_a_seeded_error_follows_some_cases_and_looks_like_any() -> None:
    seeding = Seeding(KEY, [WRONG], share=0.02)
    found = [seeded for seeded in map(seeding.after, CASES) if seeded is not None]
    assert 65 <= len(found) <= 135
    assert len({seeded.case.case_id for seeded in found}) == len(found)
    assert found == [seeded for seeded in map(Seeding(KEY, [WRONG], share=0.02).after, CASES) if seeded is not None]
    assert "approve" not in repr(found[0].case)
    assert Seeding(KEY, []).after("case-1") is None


@pytest.mark.parametrize(("final", "outcome"), [("deny", SeedOutcome.FOUND), ("ask", SeedOutcome.FOUND), ("approve", SeedOutcome.MISSED)])
def test_a_seeded_error_is_found_by_who_does_not_let_it_stand(final: str, outcome: SeedOutcome) -> None:
    seeded = Seeding(KEY, [WRONG], share=1.0).after("case-1")
    assert seeded is not None
    record = OpenReview(seeded.case, "ann").decide("deny", 0.8).conclude(final, AT)
    assert seeded.outcome(record) is outcome
    other = Seeding(KEY, [WRONG], share=1.0).after("case-2")
    assert other is not None
    with pytest.raises(ValueError, match="is of case"):
        other.outcome(record)


def test_an_error_that_is_none_is_refused() -> None:
    with pytest.raises(ValueError, match="nothing could be found"):
        SeededError("application-1", Suggestion("deny", 0.9), right="deny")
