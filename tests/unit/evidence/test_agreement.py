"""Agreement beyond chance and the direction of flips: against published examples and scipy's own."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from headgate.evidence.answers.agreement import ac1, directions, kappa, mcnemar

COUNTS = st.integers(0, 400)
FLIPS = st.dictionaries(st.tuples(st.sampled_from("abc"), st.sampled_from("abc")), st.integers(1, 500), min_size=1)


@given(lost=COUNTS, gained=COUNTS)
def test_flips_of_both_directions_are_compared_by_the_exact_binomial_test(lost, gained):
    expected = stats.binomtest(lost, lost + gained).pvalue if lost + gained else 1.0
    assert mcnemar(lost, gained) == pytest.approx(expected, rel=1e-9, abs=1e-300)
    assert mcnemar(lost, gained) == mcnemar(gained, lost)


@pytest.mark.parametrize(
    ("flips", "cohen", "gwet"),
    [
        # Two readers of 50 cases, 20 and 15 alike: p_o 0.7, p_e 0.5.
        ({("yes", "yes"): 20, ("yes", "no"): 5, ("no", "yes"): 10, ("no", "no"): 15}, 0.4, 0.4059),
        # Nearly all is one class: kappa collapses though 95 of 100 agree, AC1 does not.
        ({("good", "good"): 95, ("good", "bad"): 3, ("bad", "good"): 2}, -0.0246, 0.9474),
        ({("a", "a"): 4, ("b", "b"): 6}, 1.0, 1.0),
    ],
)
def test_agreement_beyond_chance(flips, cohen, gwet):
    assert kappa(flips) == pytest.approx(cohen, abs=1e-4)
    assert ac1(flips) == pytest.approx(gwet, abs=1e-4)


def test_nothing_is_beyond_chance_where_there_is_one_class_only():
    for flips in ({}, {("a", "a"): 10}):
        assert kappa(flips) is None
        assert ac1(flips) is None


@given(FLIPS)
def test_no_flip_is_lost_and_each_is_counted_twice(flips):
    rows = directions(flips).values()
    total, same = sum(flips.values()), sum(n for (one, other), n in flips.items() if one == other)
    assert sum(row[0] for row in rows) == sum(row[1] for row in rows) == total
    assert sum(row[2] for row in rows) == sum(row[3] for row in rows) == total - same


@given(FLIPS)
def test_agreement_beyond_chance_is_at_most_one_and_blind_to_names(flips):
    renamed = {(f"{one}{one}", f"{other}{other}"): count for (one, other), count in flips.items()}
    for measure in (kappa, ac1):
        value = measure(flips)
        assert value is None or value <= 1.0 + 1e-9
        assert measure(renamed) == (None if value is None else pytest.approx(value))
