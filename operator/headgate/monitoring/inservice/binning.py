"""Rows of a histogram, or of a counter of classes, counted by the bins of a reference."""

from collections.abc import Iterable, Mapping
from math import inf, isfinite

import numpy as np

from headgate.evidence.bets.arrays import Floats
from headgate.monitoring.inservice.plan import FeaturePlan
from headgate.monitoring.inservice.reference import MOST_CLASSES, MOST_EDGES, Distribution

MOST_ROWS = 4 * MOST_CLASSES
"""Rows of one metric and feature that are read. A label with more values tells single things apart, and no classes."""
MOST_BUCKETS = 4 * MOST_EDGES
"""The same of a histogram."""

Labels = Mapping[str, str]
Row = tuple[Labels, float]
"""Labels of a sum of increments, and the sum."""


def bins_of(feature: FeaturePlan, rows: Iterable[Row], like: Distribution) -> Floats:
    """Counts by the bins of the reference. Raises ValueError, saying what to do, where the rows cannot be counted so."""
    rows = list(rows)
    if not all(isfinite(value) for _, value in rows):
        raise ValueError(f"{feature.metric} is not a number: look at what the model exports")
    if feature.numeric:
        if len(rows) > MOST_BUCKETS:
            raise ValueError(too_many_buckets(feature.metric))
        return _by_edges(feature.metric, rows, like.edges)
    found = np.zeros(len(like.classes) + 1)
    places = {name: at for at, name in enumerate(like.classes)}
    if len(rows) > MOST_ROWS:
        raise ValueError(
            f"{feature.metric} has more than {MOST_ROWS} series that label {feature.label} tells apart: these are single things, not "
            "classes. Count classes, or numbers in a histogram"
        )
    for labels, value in rows:
        found[places.get(labels.get(feature.label, ""), len(like.classes))] += value
    return found


def too_many_buckets(metric: str) -> str:
    return f"{metric} has more than {MOST_BUCKETS} buckets: these are single things, not bounds. Export the same few bounds in all pods"


def _by_edges(metric: str, rows: Iterable[Row], edges: tuple[float, ...]) -> Floats:
    below: dict[float, float] = {}
    for labels, value in rows:
        try:
            bound = float(labels.get("le", ""))
        except ValueError:
            raise ValueError(f"{metric} has a bucket without a bound that is a number: le={labels.get('le')!r}") from None
        below[bound] = below.get(bound, 0.0) + value
    missing = [f"{edge:g}" for edge in edges if edge not in below]
    if missing or inf not in below:
        had = ", ".join(f"{bound:g}" for bound in sorted(below)[:12])
        raise ValueError(
            f"{metric} has no bucket that ends at {', '.join(missing[:8]) or '+Inf'}, as the reference has; it has {had}. Export the edges "
            "of the reference, or capture the reference anew"
        )
    # Scrapes of a pod that has just come may hold some buckets and not yet others.
    counts: Floats = np.maximum(np.diff([0.0, *(below[edge] for edge in edges), below[inf]]), 0.0)
    return counts
