"""A reference from what a version counted: its edges and classes, and how many rows fell into each."""

from collections.abc import Mapping, Sequence
from math import inf, isfinite

import numpy as np

from headgate.evidence.bets.arrays import Floats
from headgate.monitoring.inservice.binning import Row, bins_of
from headgate.monitoring.inservice.counting import Grown, of_feature
from headgate.monitoring.inservice.plan import FeaturePlan, Plan
from headgate.monitoring.inservice.reference import MOST_CLASSES, MOST_EDGES, Distribution, Reference

CAPTURED_STRETCHES = 20


def captured(plan: Plan, stretches: Sequence[Grown], told: str) -> tuple[Reference, Mapping[str, str]]:
    """The reference of the features that could be counted, and why the others could not. `stretches` follow each other in time."""
    features, left_out = dict[str, Distribution](), dict[str, str]()
    for feature in plan.features:
        rows = [of_feature(feature, grown) for grown in stretches]
        try:
            features[feature.name] = _distribution(feature, [own for own in rows if own])
        except ValueError as error:
            left_out[feature.name] = str(error)
    return Reference(plan.model, told, features), left_out


def _distribution(feature: FeaturePlan, stretches: Sequence[Sequence[Row]]) -> Distribution:
    if not stretches:
        raise ValueError(f"its pods counted nothing under {feature.metric}")
    like = _edges(stretches) if feature.numeric else _classes(feature.label, stretches)
    counts: Floats = np.array([bins_of(feature, rows, like) for rows in stretches])
    if not counts.sum():
        raise ValueError(f"{feature.metric} counted nothing in this time")
    return Distribution(counts, like.edges, like.classes)


def _edges(stretches: Sequence[Sequence[Row]]) -> Distribution:
    """The bounds that were there all the time."""
    known = [{_number(labels.get("le", "")) for labels, _ in rows} for rows in stretches]
    edges = tuple(sorted(bound for bound in set.intersection(*known) if isfinite(bound)))
    if not edges or len(edges) > MOST_EDGES:
        raise ValueError(f"its histogram has {len(edges)} finite bounds that were there all the time: 1 to {MOST_EDGES} are needed")
    return Distribution(np.zeros((1, len(edges) + 1)), edges=edges)


def _number(bound: str) -> float:
    try:
        return float(bound)
    except ValueError:
        return inf


def _classes(label: str, stretches: Sequence[Sequence[Row]]) -> Distribution:
    """The most frequent ones; the others are together in the last bin."""
    totals: dict[str, float] = {}
    for rows in stretches:
        for labels, value in rows:
            if isfinite(value):
                totals[labels.get(label, "")] = totals.get(labels.get(label, ""), 0.0) + value
    classes = tuple(sorted(sorted(totals, key=lambda name: (-totals[name], name))[:MOST_CLASSES]))
    if not classes:
        raise ValueError("its counter has no class")
    return Distribution(np.zeros((1, len(classes) + 1)), classes=classes)
