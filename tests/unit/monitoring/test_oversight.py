"""Reviewers and vendors: proven to fall short, proven not to, or too few cases to say."""

from datetime import date, timedelta
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from headgate.monitoring.floors import Floor, kept
from headgate.monitoring.oversight import (
    OVERRIDES,
    Reviews,
    audit_share,
    override_rate,
    passive_or_right,
    passive_reviewers,
    seeded_errors,
    under_load,
)
from headgate.monitoring.result import LimitVerdict

WITHIN, DRIFTING, VIOLATED, UNKNOWN = LimitVerdict
MONDAY = date(2026, 3, 2)


def days(*found: tuple[int, int]) -> list[tuple[date, Reviews]]:
    return [(MONDAY + timedelta(days=day), Reviews(*one)) for day, one in enumerate(found)]


@pytest.mark.parametrize(
    ("changed", "reviewed", "verdict"),
    [
        (0, 30, UNKNOWN),
        (0, 148, UNKNOWN),
        (0, 149, VIOLATED),
        (1, 149, UNKNOWN),
        (3, 149, WITHIN),
        (30, 1000, WITHIN),
        (8, 1000, VIOLATED),
        (0, 0, UNKNOWN),
    ],
)
def test_no_override_proves_passivity_from_149_reviews_on(changed: int, reviewed: int, verdict: LimitVerdict) -> None:
    """Reviewers who change 3 % change none of 30 with a chance of 0.40: the naive rule calls them passive."""
    assert override_rate([Reviews(reviewed, changed)]).verdict is verdict
    assert pytest.approx(0.40, abs=0.005) == 0.97**30
    assert OVERRIDES.needed() == 149


@pytest.mark.parametrize("reviewed", [50, 100, 150, 400, 3000])
def test_active_reviewers_are_seldom_called_passive_at_any_number(reviewed: int) -> None:
    chance = sum(
        stats.binom.pmf(changed, reviewed, 0.02)
        for changed in range(reviewed // 10)
        if override_rate([Reviews(reviewed, changed)]).verdict is VIOLATED
    )
    assert chance <= 0.05


def test_days_are_added_up_by_reviews_and_not_averaged() -> None:
    found = override_rate([Reviews(10, 5), Reviews(990, 5)])
    assert found.value == pytest.approx(0.01)
    assert found.verdict is VIOLATED


@settings(max_examples=50)
@given(st.integers(0, 300), st.integers(0, 300))
def test_a_floor_is_exact(events: int, more: int) -> None:
    found = kept("share", events, events + more, Floor(0.5, 0.2))
    if found.verdict is VIOLATED:
        assert stats.binom.cdf(events, events + more, 0.5) <= 0.05 + 1e-9
    if found.verdict is WITHIN:
        assert found.value is not None
        assert found.value >= 0.5


def test_more_cases_always_show_a_shortfall() -> None:
    floor = Floor(0.85, 0.02)
    assert not floor.shows(floor.needed() - 1)
    assert floor.needed() == pytest.approx(1000, rel=0.1)
    with pytest.raises(ValueError, match="no more than the floor"):
        Floor(0.01, 0.02)
    with pytest.raises(ValueError, match="is no share"):
        kept("share", 5, 4, floor)


def test_busy_days_with_half_the_overrides_are_a_violation() -> None:
    quiet, normal, busy = [(200, 10)] * 4, [(400, 20)] * 8, [(2000, 20)] * 4
    found = under_load(days(*busy, *quiet, *normal))
    assert (found.verdict, found.value) == (VIOLATED, pytest.approx(0.2, abs=0.02))
    assert under_load(days(*[(2000, 100)] * 4, *quiet, *normal)).verdict is WITHIN


@pytest.mark.parametrize(
    ("found", "why"),
    [
        ([(100, 3)] * 11, "12 at least"),
        ([(0, 0)] * 40, "12 at least"),
        ([(100, 0)] * 4 + [(300, 9)] * 12, "no decision was changed on quiet days"),
        ([(20, 1)] * 16, "too few reviews"),
    ],
)
def test_load_is_not_assessed_where_it_cannot_be_and_nothing_divides_by_zero(found: list[tuple[int, int]], why: str) -> None:
    result = under_load(days(*found))
    assert result.verdict is UNKNOWN
    assert why in result.why


def test_the_order_of_the_days_changes_nothing_nor_are_they_changed() -> None:
    some = days(*[(200 + 10 * day, 8) for day in range(16)])
    before = list(some)
    assert under_load(some) == under_load(some[::-1])
    assert some == before


def test_passive_reviewers_are_told_from_reviewers_with_few_reviews() -> None:
    """Of 20 reviewers who change 2 %, 16 have changed none of their 10 decisions: the naive rule calls 80 % of them passive."""
    rng = np.random.default_rng(1)
    few = [Reviews(10, int(rng.binomial(10, 0.02))) for _ in range(20)]
    assert np.mean([one.changed == 0 for one in few]) > 0.5
    assert passive_reviewers(few).verdict is UNKNOWN
    active = [Reviews(400, int(rng.binomial(400, 0.04))) for _ in range(20)]
    assert passive_reviewers(active).verdict is WITHIN
    half = [Reviews(600, int(rng.binomial(600, 0.002 if at % 2 else 0.05))) for at in range(20)]
    found = passive_reviewers(half)
    assert (found.verdict, found.value) == (VIOLATED, pytest.approx(0.5, abs=0.1))


def test_reviewers_without_end_and_without_changes_are_not_assessed() -> None:
    assert passive_reviewers([Reviews(200, 5)] * 501).verdict is UNKNOWN
    assert passive_reviewers([Reviews(200, 0)] * 10).verdict is UNKNOWN
    assert passive_reviewers([]).verdict is UNKNOWN


def test_few_overrides_are_no_fault_where_seeded_errors_are_noticed() -> None:
    overrides = override_rate([Reviews(2000, 10)])
    noticed, missed, few = (seeded_errors(*found, Floor(0.8, 0.3)) for found in ((95, 100), (40, 100), (3, 3)))
    assert [one.verdict for one in (overrides, noticed, missed, few)] == [VIOLATED, WITHIN, VIOLATED, UNKNOWN]
    assert passive_or_right(overrides, noticed).verdict is WITHIN
    assert passive_or_right(overrides, missed).verdict is VIOLATED
    assert passive_or_right(overrides, few).verdict is VIOLATED
    assert passive_or_right(override_rate([Reviews(2000, 100)]), missed).verdict is WITHIN


def test_the_audit_sample_keeps_its_share_and_a_thin_segment_is_not_assessed() -> None:
    assert audit_share(500, 10_000).verdict is WITHIN
    assert audit_share(300, 10_000).verdict is VIOLATED
    assert audit_share(2, 40).verdict is UNKNOWN


def test_more_changed_than_reviewed_cannot_be() -> None:
    with pytest.raises(ValueError, match="cannot be"):
        Reviews(3, 4)


@settings(max_examples=50)
@given(st.lists(st.integers(0, 200), min_size=2, max_size=5, unique=True))
def test_more_overrides_never_make_it_worse(changed: list[int]) -> None:
    ranks = {VIOLATED: 0, UNKNOWN: 1, WITHIN: 2}
    found = [ranks[override_rate([Reviews(200, one)]).verdict] for one in sorted(changed)]
    assert all(one <= other for one, other in pairwise(found))
