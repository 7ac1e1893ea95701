"""The projection is the constrained minimum: checked against a general minimiser, its first-order condition, and the unit square."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import minimize_scalar

from headgate.evidence.bets.projection import project

rates = st.floats(1e-6, 1 - 1e-6)
requests = st.floats(1, 1e6)


def _divergence(t: float, x: float) -> float:
    return t * np.log(t / x) + (1 - t) * np.log((1 - t) / (1 - x))


@pytest.mark.parametrize(
    ("s", "c", "n_b", "n_c", "r", "d"),
    [
        (0.01, 0.0325, 2850, 150, 1.0, 0.0025),
        (0.005, 0.005, 80, 20, 1.0, 0.01),
        (0.2, 0.4, 5, 5, 1.05, 0.0),
        (0.03, 0.001, 80, 20, 1.0, 0.0),
        (1e-5, 1e-5, 50_000, 800, 1.0, 0.005),
        (0.9, 0.2, 7, 300, 2.0, 0.0),
    ],
)
def test_it_is_the_minimum_on_the_line(s: float, c: float, n_b: float, n_c: float, r: float, d: float) -> None:
    low, high = max(0.0, -d / r), min(1.0, (1 - d) / r)
    best = minimize_scalar(
        lambda x: n_b * _divergence(s, x) + n_c * _divergence(c, r * x + d), bounds=(low, high), method="bounded", options={"xatol": 1e-13}
    )
    x, y = project(s, c, n_b, n_c, r, d)
    assert float(y) == pytest.approx(r * float(x) + d)
    assert n_b * _divergence(s, float(x)) + n_c * _divergence(c, float(y)) <= best.fun + 1e-9 * (1 + best.fun)


@given(rates, rates, requests, requests, st.floats(0.5, 2.0), st.floats(0.0, 0.9))
def test_it_stays_inside_the_unit_square_and_between_the_supposed_rates(
    s: float, c: float, n_b: float, n_c: float, r: float, d: float
) -> None:
    x, y = (float(v) for v in project(s, c, n_b, n_c, r, d))
    assert 0.0 < x < 1.0
    assert 0.0 < y < 1.0
    assert min(s, (c - d) / r) - 1e-9 <= x <= max(s, (c - d) / r) + 1e-9


def test_arrays_of_many_series_and_effects_give_what_each_gives_alone() -> None:
    stable = np.array([0.01, 0.05])[:, None]
    candidate = np.array([0.02, 0.1, 0.5])
    n_b, n_c = np.array([900.0, 50.0])[:, None], np.array([100.0, 50.0])[:, None]
    x, y = project(stable, candidate, n_b, n_c, 1.0, 0.0025)
    assert x.shape == y.shape == (2, 3)
    alone, _ = project(0.05, 0.5, 50.0, 50.0, 1.0, 0.0025)
    assert x[1, 2] == float(alone)
