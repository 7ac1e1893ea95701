"""One column of a file of rows, counted by the bins of a reference, piece by piece."""

from typing import Any

import numpy as np
import pyarrow
import pyarrow.compute

from headgate.evidence.bets.arrays import Floats
from headgate.monitoring.bins import FINE_PARTS, PARTS, Codes, bin_of, coarser, declared_edges, quantile_edges
from headgate.monitoring.drift import Feature
from headgate.monitoring.inservice.reference import MOST_CLASSES, MOST_EDGES, Distribution
from headgate.monitoring.tally import Tally, Thinned

MOST_LABELS = 1000
"""Of one category. More are names or numbers of single things, and no category."""


def floats(column: Any) -> Floats | None:
    """NaN where there is no value; None if something is not a number."""
    try:
        values: Floats = column.cast(pyarrow.float64()).to_numpy(zero_copy_only=False)
    except (pyarrow.ArrowInvalid, pyarrow.ArrowNotImplementedError):
        return None
    return values


class Numbers:
    """A numeric column in bins of the reference."""

    def __init__(self, name: str, thinned: Thinned, declared: tuple[float, ...] | None) -> None:
        if declared is not None:
            self._fine = self._coarse = declared_edges(declared)
        else:
            self._fine = quantile_edges(thinned.values, thinned.least, thinned.greatest, FINE_PARTS)
            # Each tenth part ends at an edge of the hundredths.
            self._coarse = quantile_edges(thinned.values, thinned.least, thinned.greatest, PARTS)
        self._name = name
        self._tally = self._empty()
        self._unreadable, self._example = 0, ""
        self.trouble = ""

    def _empty(self) -> Tally:
        return Tally(len(self._fine) + 2)

    @property
    def notes(self) -> tuple[str, ...]:
        if not self._unreadable:
            return ()
        return (f"{self._unreadable} values of {self._name} are no numbers (like {self._example!r}): they count as missing",)

    def add(self, column: Any) -> None:
        values = floats(column)
        if values is None:
            values = np.array([self._number(text) for text in column.to_pylist()])
        codes = bin_of(values, self._fine)
        codes[np.isnan(values)] = len(self._fine) + 1
        self._tally.add(codes)

    def _number(self, value: object) -> float:
        try:
            return np.nan if value is None else float(str(value))
        except ValueError:
            self._unreadable += 1
            self._example = self._example or str(value)[:40]
            return np.nan

    def turn(self) -> Tally:
        """What was counted, and begin anew."""
        counted, self._tally = self._tally, self._empty()
        return counted

    def feature(self, name: str, before: Tally) -> Feature:
        return Feature(name, before.stretches, self._tally.stretches, coarser(self._fine, self._coarse))

    def distribution(self) -> Distribution:
        """What was counted, without rows that have no value. Raises ValueError if there is none, or too many edges."""
        counts = self._tally.stretches[:, :-1]
        if len(self._fine) > MOST_EDGES or not counts.sum():
            raise ValueError(f"{len(self._fine)} edges are more than {MOST_EDGES}" if counts.sum() else "it has no values")
        return Distribution(counts, edges=tuple(self._fine.tolist()))


class Labels:
    """A category. Bins in the order of appearance in the reference; then one for labels it does not have, and one for none."""

    notes: tuple[str, ...] = ()

    def __init__(self) -> None:
        self._labels = pyarrow.array([], pyarrow.string())
        self._frozen = False
        self._tally = Tally(2)
        self.trouble = ""

    def add(self, column: Any) -> None:
        if self.trouble:
            return
        try:
            text = column.cast(pyarrow.string())
        except (pyarrow.ArrowInvalid, pyarrow.ArrowNotImplementedError):
            self.trouble = f"its values are neither numbers nor text ({column.type})"
            return
        if not self._frozen:
            self._learn(text.unique().drop_null())
            if self.trouble:
                return
        known = pyarrow.compute.index_in(text, value_set=self._labels).fill_null(-2).to_numpy(zero_copy_only=False)
        self._tally.add(np.where(text.is_null().to_numpy(zero_copy_only=False), 1, 2 + known))

    def _learn(self, found: Any) -> None:
        new = found.filter(pyarrow.compute.invert(pyarrow.compute.is_in(found, value_set=self._labels)))
        if len(self._labels) + len(new) > MOST_LABELS:
            self.trouble = f"more than {MOST_LABELS} different values that are not all numbers: names of single things are no category"
            return
        self._labels = pyarrow.concat_arrays([self._labels, new])
        self._tally.widen(len(self._labels) + 2)

    def turn(self) -> Tally:
        counted, self._tally, self._frozen = self._tally, Tally(len(self._labels) + 2), True
        return counted

    def feature(self, name: str, before: Tally) -> Feature:
        order: Codes = np.append(np.arange(2, len(self._labels) + 2), (0, 1))
        return Feature(name, before.stretches[:, order], self._tally.stretches[:, order], None)

    def distribution(self) -> Distribution:
        """What was counted of the most frequent labels, and of all others together. Raises ValueError if there is nothing to tell apart."""
        counts = self._tally.stretches[:, 2:]
        if self.trouble or not counts.sum():
            raise ValueError(self.trouble or "it has no values")
        kept = sorted(np.argsort(-counts.sum(axis=0), kind="stable")[:MOST_CLASSES])
        others = counts.sum(axis=1) - counts[:, kept].sum(axis=1)
        return Distribution(np.column_stack([counts[:, kept], others]), classes=tuple(self._labels[int(at)].as_py() for at in kept))
