"""The frozen distributions that a live model is compared with: counts by bin, and a digest by which the model names them."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from headgate.api.digests import sha256
from headgate.evidence.bets.arrays import Floats
from headgate.monitoring.bins import declared_edges

KEY = "reference.json"
"""Of the ConfigMap's data."""
VERSION = 1
MOST_CLASSES = 50
MOST_EDGES = 100
MOST_STRETCHES = 40
MOST_FEATURES = 51
_MOST_COUNT = 1e12


class UnusableReference(ValueError):  # noqa: N818  what it is, where it is caught
    """The message says what is wrong with the reference, and what to do."""


@dataclass(frozen=True, slots=True)
class Distribution:
    """Counts of one feature, shape (stretches, bins): consecutive stretches of time in their order.

    Numbers have `edges` and one bin more than edges. Categories have `classes`, and one bin more for all other values.
    """

    counts: Floats
    edges: tuple[float, ...] = ()
    classes: tuple[str, ...] = ()

    @property
    def bins(self) -> int:
        return int(self.counts.shape[1])

    def document(self) -> dict[str, Any]:
        named = {"edges": list(self.edges)} if self.edges else {"classes": list(self.classes)}
        return {**named, "counts": [[round(count) for count in stretch] for stretch in self.counts.tolist()]}


@dataclass(frozen=True, slots=True)
class Reference:
    """Of one model, `namespace/name`; `told` says where it was taken from."""

    model: str
    told: str
    features: Mapping[str, Distribution]

    def document(self) -> dict[str, Any]:
        features = {name: self.features[name].document() for name in sorted(self.features)}
        return {"version": VERSION, "model": self.model, "takenFrom": self.told, "features": features}

    @property
    def digest(self) -> str:
        return sha256(self.document())


def read(text: str, *, model: str, digest: str) -> Reference:
    """The reference in a ConfigMap's `text`. Raises UnusableReference unless it is of `model` and has this digest."""
    try:
        document = json.loads(text)
    except ValueError as error:
        raise UnusableReference(f"it is no JSON ({error}): write it anew with `kubectl headgate reference`") from error
    found = parsed(document)
    if sha256(document) != digest:
        raise UnusableReference(
            f"its digest is {sha256(document)} and spec.monitoring.reference.digest is {digest}: it was changed, or is not the one meant"
        )
    if found.model != model:
        raise UnusableReference(f"it is the reference of {found.model}, not of {model}: capture one of this model")
    return found


def parsed(document: Any) -> Reference:
    """Raises UnusableReference."""
    if not isinstance(document, dict) or document.get("version") != VERSION or not isinstance(document.get("features"), dict):
        raise UnusableReference(f"it is not a reference of version {VERSION}: write it with `kubectl headgate reference`")
    if not 1 <= len(document["features"]) <= MOST_FEATURES:
        raise UnusableReference(f"it has {len(document['features'])} features: 1 to {MOST_FEATURES} can be watched")
    features = {}
    for name, one in document["features"].items():
        try:
            features[str(name)] = _distribution(one)
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise UnusableReference(f"feature {name}: {error}") from error
    return Reference(str(document.get("model")), str(document.get("takenFrom") or ""), features)


def _distribution(one: Mapping[str, Any]) -> Distribution:
    edges, classes = tuple(map(float, one.get("edges") or ())), tuple(map(str, one.get("classes") or ()))
    if bool(edges) is bool(classes):
        raise ValueError("it has neither edges nor classes, or both")
    if edges:
        declared_edges(edges)
    if len(edges) > MOST_EDGES or len(classes) > MOST_CLASSES:
        raise ValueError(f"at most {MOST_EDGES} edges or {MOST_CLASSES} classes can be told apart: join the rare ones")
    if len(set(classes)) != len(classes):
        raise ValueError("a class is there twice")
    counts = np.asarray(one["counts"], dtype=np.float64)
    width = len(edges or classes) + 1
    if counts.ndim != 2 or counts.shape[1] != width or not 1 <= counts.shape[0] <= MOST_STRETCHES:
        raise ValueError(f"counts must be 1 to {MOST_STRETCHES} rows of {width} numbers: one for each bin, and one for what is beyond")
    if not (np.isfinite(counts).all() and (counts >= 0.0).all() and (counts <= _MOST_COUNT).all()):
        raise ValueError("a count is not a number, or below 0")
    return Distribution(counts, edges, classes)
