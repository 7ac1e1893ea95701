"""The threshold above which a model may decide by itself: it keeps its target, and is refused where nobody can tell."""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binom

from headgate.evidence.shares import clopper_pearson
from headgate.review import Labelled, TooFewCases, calibrate, error_bound, fewest_cases
from headgate.review.bounds import at_most
from headgate.review.calibration import TRIED


@given(st.integers(1, 3000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))), st.sampled_from([0.8, 0.95, 0.999]))
@settings(max_examples=30)
def test_the_bound_is_that_of_clopper_and_pearson(counts: tuple[int, int], confidence: float) -> None:
    errors, cases = counts
    assert error_bound(errors, cases, confidence) == pytest.approx(clopper_pearson(errors, cases, 2 * confidence - 1)[1], abs=1e-6)


@pytest.mark.parametrize("trials", [1, 30, 1000, 1_000_000])
@pytest.mark.parametrize("share", [0.001, 0.02, 0.5, 0.97])
def test_the_binomial_tail_agrees_with_scipy(trials: int, share: float) -> None:
    mean = int(trials * share)
    for events in {0, mean // 2, mean, min(trials, mean + 1), min(trials, int(mean * 1.3)), trials}:
        assert at_most(events, trials, share) == pytest.approx(float(binom.cdf(events, trials, share)), abs=1e-8)


def test_nothing_found_is_the_rule_of_three() -> None:
    assert error_bound(0, 60) == pytest.approx(0.0487, abs=1e-4)
    assert error_bound(0, 0) == 1.0
    with pytest.raises(ValueError, match="that cannot be"):
        error_bound(2, 1)


def history(cases: int, seed: int = 1) -> list[Labelled]:
    """A model that is right as often as its confidence squared: overconfident, as models are."""
    chance = random.Random(seed)
    drawn = (chance.uniform(0.5, 1.0) for _ in range(cases))
    return [Labelled(sure, chance.random() < sure**0.5) for sure in drawn]


def test_the_threshold_lets_through_what_keeps_the_target() -> None:
    found = calibrate(history(10_000), 0.06)
    assert found.threshold is not None
    assert found.bound <= 0.06
    assert found.errors / found.automatic < 0.06
    # The model is wrong in 1 - sqrt(c) of the cases of confidence c: the mean over c from 0.78 on is 0.06.
    assert 0.77 < found.threshold < 0.86
    assert "of 10,000 cases without a person" in found.words


def test_the_target_holds_among_new_cases_as_often_as_promised() -> None:
    """Chosen by the history that it is measured with, an uncorrected threshold would break its promise in far more than 5 %."""
    broken = 0
    for seed in range(40):
        found = calibrate(history(800, seed), 0.08)
        if found.threshold is None:
            continue
        # 1 - sqrt(c), averaged from the threshold to 1.
        begin = found.threshold
        wrong = 1.0 - (1.0 - begin**1.5) / (1.5 * (1.0 - begin)) if begin < 1.0 else 0.0
        broken += wrong > 0.08
    assert broken <= 2


def test_a_history_too_short_is_refused_with_the_length_that_would_do() -> None:
    perfect = [Labelled(0.9, True)] * 100
    with pytest.raises(TooFewCases, match="597 at least are needed") as refused:
        calibrate(perfect, 0.01)
    assert refused.value.needed == fewest_cases(0.01, 0.05 / TRIED) == 597
    assert calibrate([Labelled(0.9, True)] * 597, 0.01).threshold == 0.9
    with pytest.raises(TooFewCases):
        calibrate([], 0.5)


def test_a_model_that_is_never_good_enough_decides_nothing() -> None:
    found = calibrate([Labelled(0.99, number % 3 > 0) for number in range(3000)], 0.05)
    assert (found.threshold, found.automatic, found.bound) == (None, 0, 1.0)
    assert "people decide all 3,000" in found.words


def test_equal_confidences_fall_on_one_side() -> None:
    mixed = [Labelled(0.9, True)] * 2000 + [Labelled(0.6, number % 2 == 0) for number in range(2000)]
    found = calibrate(mixed, 0.02)
    assert (found.threshold, found.automatic, found.errors) == (0.9, 2000, 0)
    assert calibrate(list(reversed(mixed)), 0.02) == found


@pytest.mark.parametrize("confidence", [-0.1, 1.01, float("nan"), float("inf")])
def test_a_confidence_is_0_to_1(confidence: float) -> None:
    with pytest.raises(ValueError, match="0 to 1"):
        Labelled(confidence, True)


@pytest.mark.parametrize(("target", "confidence"), [(0.0, 0.95), (1.0, 0.95), (0.1, 1.0), (float("nan"), 0.95)])
def test_a_target_that_nothing_keeps_is_refused(target: float, confidence: float) -> None:
    with pytest.raises(ValueError, match="between 0 and 1"):
        calibrate([], target, confidence=confidence)
