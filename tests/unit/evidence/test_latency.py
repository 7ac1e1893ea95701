"""Which bucket bounds answer a question about a quantile, and when none can."""

import re

import numpy as np
import pytest

from headgate.api.quantities import Margin, Unit
from headgate.evidence.bets.comparison import NOTHING
from headgate.evidence.counting.block import ArmCounts, Block
from headgate.evidence.latency.native import BOUNDS
from headgate.evidence.latency.slow_shares import Choice, Pair, Past, Unresolved, choose, pair_counts, remember, slow

DEFAULT = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
FINE = tuple(round(0.025 * k, 3) for k in range(1, 41))


def _past(bounds: tuple[float, ...], p95: float, n: int = 2000, sigma: float = 0.4) -> Past:
    seconds = np.exp(np.log(p95) + sigma * (np.random.default_rng(3).standard_normal(n) - 1.645))
    return Past(bounds, n, tuple(int((seconds <= b).sum()) for b in bounds))


def _ms(value: float) -> Margin:
    return Margin(value, Unit.MILLISECONDS)


@pytest.mark.parametrize("p95", [0.027, 0.035, 0.044])
def test_default_buckets_resolve_fifty_milliseconds_at_small_latencies(p95: float) -> None:
    choice = choose(_past(DEFAULT, p95), 0.95, _ms(50))
    assert isinstance(choice, Choice)
    assert choice.harm.offset == choice.act.offset == choice.good.offset == 0.0
    assert choice.harm.candidate - choice.harm.stable >= 0.025
    assert choice.act.candidate - choice.act.stable >= 0.05
    assert 0 < choice.good.candidate - choice.good.stable <= 0.05 + 1e-9


def test_fine_buckets_compare_bounds_a_margin_apart() -> None:
    choice = choose(_past(FINE, 0.205), 0.95, _ms(50))
    assert isinstance(choice, Choice)
    assert choice.act.candidate - choice.act.stable == pytest.approx(0.05)
    assert choice.harm.candidate - choice.harm.stable == pytest.approx(0.025)
    assert choice.good.candidate - choice.good.stable == pytest.approx(0.05)
    assert "interpolated" not in choice.detail


def test_wide_buckets_share_one_bound_and_say_so() -> None:
    choice = choose(_past(DEFAULT, 0.205), 0.95, _ms(50))
    assert isinstance(choice, Choice)
    assert choice.act.stable == choice.act.candidate == 0.25
    assert 0 < choice.harm.offset < choice.act.offset < 0.2
    assert "interpolated" in choice.detail


@pytest.mark.parametrize(
    ("bounds", "p95", "margin", "named"),
    [(DEFAULT, 0.205, 10, "near 2"), (DEFAULT, 3.0, 50, "2500ms to 5000ms"), ((0.1,), 0.4, 50, "longer bounds")],
)
def test_a_margin_far_below_the_buckets_is_not_measurable(bounds: tuple[float, ...], p95: float, margin: float, named: str) -> None:
    unresolved = choose(_past(bounds, p95, n=200_000), 0.95, _ms(margin))
    assert isinstance(unresolved, Unresolved)
    assert "add" in unresolved.detail
    assert named in unresolved.detail


def test_bounds_are_chosen_only_after_ten_expected_slow_requests() -> None:
    assert choose(_past(DEFAULT, 0.035, n=199), 0.95, _ms(50)) is None
    assert choose(_past(DEFAULT, 0.035, n=200), 0.95, _ms(50)) is not None
    assert choose(_past(DEFAULT, 0.035, n=900), 0.99, _ms(50)) is None


def test_a_relative_margin_is_a_part_of_the_stable_quantile() -> None:
    past = _past(FINE, 0.21, n=100_000)
    assert choose(past, 0.95, Margin(25, Unit.RELATIVE)) == choose(past, 0.95, _ms(0.25 * 210))
    assert choose(past, 0.95, Margin(50, Unit.RELATIVE)) == choose(past, 0.95, _ms(0.5 * 210))


def test_only_the_stable_version_is_remembered_and_infinity_is_no_bound() -> None:
    block = Block(1.0, ArmCounts(timed=10, below=(4, 8, 10)), ArmCounts(timed=99, below=(0, 0, 99)), (0.1, 0.2, float("inf")))
    past = remember(remember(Past(), block), block)
    assert past == Past((0.1, 0.2), 20, (8, 16))
    other = Block(2.0, ArmCounts(timed=3, below=(1,)), ArmCounts(), (0.5,))
    assert remember(past, other) == Past((0.5,), 3, (1,))
    assert remember(past, Block(2.0, ArmCounts(), ArmCounts(), (0.5,))) == past


def test_slow_requests_are_counted_at_a_bound_or_not_at_all() -> None:
    arm = ArmCounts(timed=10, below=(4, 8))
    assert slow(arm, (0.1, 0.2), 0.1) == 6
    assert slow(arm, (0.1, 0.2), 0.15) is None
    assert slow(ArmCounts(timed=3), (0.1, 0.2), 0.1) is None
    block = Block(0.0, arm, arm, (0.1, 0.2))
    assert pair_counts(block, Pair(0.1, 0.2))[3] == 2
    assert pair_counts(block, Pair(0.1, 0.3)) == NOTHING


@pytest.mark.parametrize(
    ("bounds", "p95", "margin", "lacks"),
    [
        (FINE, 0.205, 50, ""),
        (DEFAULT, 0.205, 50, "jump from 100ms to 250ms, where p95 lies; a difference of 50ms is interpolated: add bounds near 1"),
        (tuple(float(bound) for bound in BOUNDS), 0.205, 50, ""),
        (tuple(float(bound) for bound in BOUNDS), 0.205, 25, ""),
    ],
)
def test_what_is_interpolated_names_the_bounds_to_add(bounds: tuple[float, ...], p95: float, margin: float, lacks: str) -> None:
    choice = choose(_past(bounds, p95), 0.95, _ms(margin))
    assert isinstance(choice, Choice)
    assert lacks in choice.lacks
    assert bool(choice.lacks) == ("interpolated" in choice.detail) == bool(lacks)


def test_the_named_bounds_are_enough() -> None:
    lacking = choose(_past(DEFAULT, 0.205), 0.95, _ms(50))
    assert isinstance(lacking, Choice)
    named = [float(bound) / 1000 for bound in re.findall(r"([0-9.]+)ms", lacking.lacks.split("add bounds near")[1])]
    better = choose(_past(tuple(sorted({*DEFAULT, *named})), 0.205), 0.95, _ms(50))
    assert isinstance(better, Choice)
    assert better.lacks == ""
