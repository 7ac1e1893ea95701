"""Features of values and labels, binned as the command does it."""

import numpy as np
from numpy.typing import NDArray

from headgate.monitoring.bins import FINE_PARTS, PARTS, bin_of, coarser, quantile_edges
from headgate.monitoring.drift import Feature, Finding, Rules, assess
from headgate.monitoring.tally import Tally

Values = NDArray[np.float64]


def numeric(reference: Values, current: Values, name: str = "x") -> Feature:
    least, greatest = float(reference.min()), float(reference.max())
    fine, coarse = (quantile_edges(reference, least, greatest, parts) for parts in (FINE_PARTS, PARTS))
    before, after = (_tallied(bin_of(values, fine), len(fine) + 2) for values in (reference, current))
    return Feature(name, before, after, coarser(fine, coarse))


def of_counts(reference: list[float], current: list[float], name: str = "c") -> Feature:
    """A category whose last class is "no value". Nothing is known of the order of rows."""
    return Feature(name, np.array([reference], dtype=float), np.array([current], dtype=float), None)


def by_statistic(feature: Feature, rules: Rules | None = None) -> dict[str, Finding]:
    return {finding.result.statistic: finding for finding in assess([feature], rules or Rules())}


def autoregressive(rng: np.random.Generator, rows: int, phi: float) -> Values:
    """Standard normal values, each correlated with the one before."""
    noise = rng.normal(size=rows) * np.sqrt(1 - phi**2)
    values = np.empty(rows)
    last = rng.normal()
    for at, one in enumerate(noise):
        values[at] = last = phi * last + one
    return values


def _tallied(codes: NDArray[np.intp], bins: int) -> Values:
    tally = Tally(bins)
    tally.add(codes)
    return tally.stretches
