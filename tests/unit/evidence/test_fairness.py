"""Batches of decisions in, a reading out."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headgate.api.vocabulary import Verdict
from headgate.evidence.check import FairnessQuestion
from headgate.evidence.fairness.disparity import Batch, Lines, is_full, log_evidence, pair_up
from headgate.evidence.fairness.judge import evaluate
from headgate.evidence.fairness.words import fairness_words

ASKED = FairnessQuestion(min_ratio=0.8, alpha=0.05, reference="A")
BEST = replace(ASKED, reference="")


def batches(count: int, **groups: tuple[int, int]) -> list[Batch]:
    return [dict(groups) for _ in range(count)]


UNFAIR = batches(30, A=(10, 4), B=(10, 2))
FAIR = batches(300, A=(10, 4), B=(10, 4))
LACKING = batches(4, A=(10, 4), B=(5, 0))


def test_a_batch_is_full_after_ten_decisions_and_later_after_a_twentieth_more() -> None:
    assert [is_full({"A": (n, 0)}, 0) for n in (9, 10)] == [False, True]
    assert is_full({"A": (6, 6), "B": (4, 4)}, 200)
    assert [is_full({"A": (n, 0)}, 1000) for n in (49, 50)] == [False, True]


def test_a_group_at_half_the_rate_is_proven_to_be_treated_unfairly() -> None:
    reading = evaluate(UNFAIR, ASKED)
    assert (reading.verdict, reading.worst, reading.against, reading.named) == (Verdict.FAIL, "B", "A", ("B",))
    assert reading.ratio == pytest.approx(0.5)
    assert reading.difference == pytest.approx(-0.2)
    assert reading.harm >= 20.0
    assert reading.holds


def test_what_is_proven_lies_outside_the_bounds_of_the_ratio() -> None:
    reading = evaluate(UNFAIR, ASKED)
    assert reading.ratio_bounds is not None
    low, high = reading.ratio_bounds
    assert low < 0.5 < high < 0.8


def test_equal_treatment_is_proven_after_a_while() -> None:
    reading = evaluate(FAIR, ASKED)
    assert (reading.verdict, reading.suspected, reading.holds) == (Verdict.PASS, False, False)
    assert reading.ratio_bounds is not None
    assert reading.ratio_bounds[0] >= 0.8


def test_without_a_named_reference_the_best_treated_group_is_it() -> None:
    reading = evaluate(batches(60, A=(10, 2), B=(10, 4), C=(10, 4)), BEST)
    assert (reading.verdict, reading.worst) == (Verdict.FAIL, "A")
    assert reading.against in ("B", "C")
    assert reading.ratio_bounds is not None
    assert reading.ratio_bounds[1] <= 1.0


def test_a_group_treated_better_than_a_named_reference_is_no_violation() -> None:
    assert evaluate(batches(60, A=(10, 2), B=(10, 4)), ASKED).verdict is not Verdict.FAIL


def test_a_suspicion_holds_before_a_violation_is_proven_and_ends_when_it_is_not_observed_any_more() -> None:
    suspicious = evaluate(UNFAIR[:12], ASKED)
    assert (suspicious.verdict, suspicious.suspected, suspicious.holds) == (Verdict.INCONCLUSIVE, True, True)
    over = evaluate([*UNFAIR[:12], *batches(20, A=(10, 4), B=(10, 4))], ASKED)
    assert (over.verdict, over.suspected) == (Verdict.INCONCLUSIVE, False)


def test_a_violation_stands_whatever_is_decided_later() -> None:
    assert evaluate([*UNFAIR, *FAIR], ASKED).verdict is Verdict.FAIL


def test_a_parity_difference_is_a_limit_of_its_own() -> None:
    """Ratio 0.85 is within the limit, 12 points are not."""
    decided = batches(200, A=(25, 20), B=(25, 17))
    assert evaluate(decided, ASKED).verdict is not Verdict.FAIL
    reading = evaluate(decided, replace(ASKED, max_difference=0.05))
    assert reading.verdict is Verdict.FAIL
    assert "difference -12.0 pp (between" in fairness_words(reading)
    assert "your limit is -5 pp" in fairness_words(reading)


@pytest.mark.parametrize(
    ("decided", "asked", "words"),
    [
        ([], ASKED, "no decision about the reference group A yet"),
        ([], BEST, "two groups with 30 decisions each are needed to compare: none so far"),
        (LACKING, ASKED, "two groups with 30 decisions each are needed to compare: 40 in group A, 20 in group B so far"),
        (batches(9, B=(10, 1)), ASKED, "no decision about the reference group A yet"),
        (batches(9, A=(10, 1)), BEST, "two groups with 30 decisions each are needed to compare: 90 in group A so far"),
    ],
)
def test_too_few_decisions_are_no_data_and_said(decided: list[Batch], asked: FairnessQuestion, words: str) -> None:
    reading = evaluate(decided, asked)
    assert (reading.verdict, fairness_words(reading)) == (Verdict.NO_DATA, words)
    assert not reading.holds
    assert evaluate(decided, replace(asked, required=True)).holds


def test_a_group_with_too_few_decisions_is_not_blamed_however_it_was_treated() -> None:
    decided = [{"A": (20, 18), "B": (20, 18), "C": (1, 0)} for _ in range(25)]
    reading = evaluate(decided, ASKED)
    assert reading.worst == "B"
    assert reading.verdict is not Verdict.FAIL


@pytest.mark.parametrize("rate", [0, 10])
def test_groups_that_all_get_the_same_answer_are_treated_alike(rate: int) -> None:
    reading = evaluate(batches(50, A=(10, rate), B=(10, rate)), BEST)
    assert reading.verdict is not Verdict.FAIL
    assert np.isfinite(reading.harm)


def test_the_sentence_has_the_counts_of_both_groups() -> None:
    words = fairness_words(evaluate(UNFAIR, ASKED))
    assert words.startswith("approved 20.0 % of 300 in group B against 40.0 % of 300 in group A: ratio 0.50 (between 0.")
    assert words.endswith("your limit is 0.80; proven to be beyond the limit")
    assert "nothing rises until this is settled" in fairness_words(evaluate(UNFAIR[:12], ASKED))


@st.composite
def histories(draw: st.DrawFn) -> list[Batch]:
    counts = st.integers(0, 8).flatmap(lambda n: st.tuples(st.just(n), st.integers(0, n)))
    return draw(st.lists(st.dictionaries(st.sampled_from("ABCD"), counts, max_size=4), min_size=1, max_size=12))


@settings(max_examples=60)
@given(histories(), st.sampled_from([ASKED, BEST]))
def test_what_comes_later_changes_no_evidence_of_before(history: list[Batch], asked: FairnessQuestion) -> None:
    lines = Lines(np.array([0.8, 1.0]), np.array([0.0, -0.1]), np.array([-1.0, 1.0]), np.array([True, False]))
    whole, half = pair_up(history, asked.reference), pair_up(history[: (len(history) + 1) // 2], asked.reference)
    if whole is None or half is None:
        return
    groups = [whole.groups.index(group) for group in half.groups]
    assert np.all(np.isfinite(log_evidence(whole, lines)))
    if asked.reference:
        later = log_evidence(whole, lines)[:, : len(half.rate)][..., groups]
        np.testing.assert_allclose(later, log_evidence(half, lines), atol=1e-9)


@settings(max_examples=40)
@given(histories())
def test_a_reading_is_a_function_of_the_batches_however_often_it_was_read(history: list[Batch]) -> None:
    asked = replace(BEST, min_decisions=10)
    before = None
    for end in range(1, len(history) + 1):
        before = evaluate(history[:end], asked, before)
    assert before == evaluate(history, asked)
