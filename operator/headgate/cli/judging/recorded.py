"""Recorded blocks of many rollouts from a file: columns to arrays."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow
import pyarrow.csv
import pyarrow.parquet

from headgate.cli.refused import Refused
from headgate.evidence.bets.arrays import Floats
from headgate.evidence.counting.tally import Counts
from headgate.evidence.latency.recorded import Histograms
from headgate.evidence.pods.arms import PodBlock

EVENTS = ("stable_requests", "stable_errors", "candidate_requests", "candidate_errors")
SUMS = ("stable_value_sum", "candidate_value_sum")
_BUCKET = re.compile(r"(stable|candidate)_le_(.+)")
_INFINITE = ("inf", "+inf")


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of a file as columns. `series` and `arm` number the names in `names` and the arms of each series; `arm` is 0 without arms."""

    names: tuple[str, ...]
    series: np.ndarray
    arm: np.ndarray
    t: Floats
    events: Floats
    """(rows, 4), as EVENTS."""
    buckets: Histograms | None
    """(rows, 2, bounds + 1)."""
    values: Floats | None = None
    """(rows, 4): requests and sums of values, as EVENTS."""


@dataclass(frozen=True, slots=True)
class Recorded:
    """Blocks on a grid: `ends` (series, blocks), NaN where there is none; `events` and `values` (series, blocks, 4)."""

    names: tuple[str, ...]
    ends: Floats
    events: Floats
    buckets: Histograms | None
    values: Floats | None = None


@dataclass(frozen=True, slots=True)
class Pods:
    """A/A counts beside the blocks, (series, arms, blocks, 4); 0 where an arm has none."""

    events: Floats
    buckets: Histograms | None
    values: Floats | None = None


def read(file: Path, *, of: tuple[str, ...] | None = None) -> Table:
    """`.csv`, `.csv.gz` or `.parquet`. With `of`, the file has A/A arms of the series of these names; other series are left out.

    Raises Refused, naming what is missing.
    """
    table = _load(file)
    columns = set(table.column_names)
    needed = ("series", "t", *EVENTS, *(() if of is None else ("arm",)))
    missing = [name for name in needed if name not in columns]
    if missing:
        raise Refused(f"{file} has no column {', '.join(missing)}. Columns: {', '.join(needed)}")
    names, series = _numbered(table["series"])
    if of is not None:
        places = {name: number for number, name in enumerate(of)}
        series = np.array([places.get(name, -1) for name in names], dtype=np.intp)[series]
        table = table.filter(pyarrow.array(series >= 0))
        series, names = series[series >= 0], of
    values = np.stack([_numbers(table, name, file) for name in ("t", *EVENTS)], axis=-1)
    if (values[:, 1:] < 0).any():
        raise Refused(f"{file} has counts below 0")
    arm = np.zeros(len(series), dtype=np.intp) if of is None else _numbered(table["arm"])[1]
    events = _sound(values[:, 1:])
    return Table(names, series, arm, values[:, 0], events, _buckets(table, file), _values(table, events, file))


def blocks(table: Table) -> Recorded:
    """Each series' blocks in order of time. Raises Refused where a series has two at one time."""
    rank, width = _ranks(table.series, table.t)
    shape = (len(table.names), width)
    ends = np.full(shape, np.nan)
    ends[table.series, rank] = table.t
    if np.isfinite(ends).sum() != len(table.t):
        raise Refused("a series has more than one block with the same t")
    index = (table.series, rank)
    return Recorded(
        table.names,
        ends,
        _laid(table.events, shape, *index),
        _laid_buckets(table, shape, *index),
        _laid_values(table, shape, *index),
    )


def pod_blocks(table: Table, *, arms: bool) -> dict[str, list[PodBlock]]:
    """By series, what the stable version counted in each block, in order of time: each arm as a pod, or all of it as a single one."""
    side = 1 if arms else 0
    found: dict[str, dict[float, dict[str, Counts]]] = {name: {} for name in table.names}
    for row, (series, arm, t) in enumerate(zip(table.series, table.arm, table.t, strict=True)):
        requests, errors = (int(value) for value in table.events[row, 2 * side : 2 * side + 2])
        counts = {"requests": requests, "errors": errors}
        if table.buckets is not None:
            names = [*(f"le {bound:.9g}" for bound in table.buckets.bounds), "le +Inf"]
            counts |= {name: int(value) for name, value in zip(names, table.buckets.counts[row, side], strict=True)}
        found[table.names[series]].setdefault(float(t), {})[f"pod-{arm}"] = counts
    return {name: [PodBlock(t, blocks[t]) for t in sorted(blocks)] for name, blocks in found.items()}


def history(table: Table) -> Pods | None:
    """What was counted before the rollouts began (t < 0), each series by its own times."""
    return _pods(_part(table, table.t < 0), None)


def beside(table: Table, recorded: Recorded) -> Pods | None:
    """What was counted during the rollouts, at the times of their blocks; other times are left out."""
    return _pods(_part(table, table.t >= 0), recorded)


def _pods(table: Table, recorded: Recorded | None) -> Pods | None:
    if not len(table.t):
        return None
    if recorded is None:
        place, width = _ranks(table.series, table.t)
        known = np.ones(len(place), dtype=bool)
    else:
        ends = np.where(np.isfinite(recorded.ends), recorded.ends, np.inf)
        width = ends.shape[1]
        place = np.array([np.searchsorted(ends[s], t) for s, t in zip(table.series, table.t, strict=True)])
        inside = np.minimum(place, width - 1)
        known = ends[table.series, inside] == table.t
        place = inside
    table, place = _part(table, known), place[known]
    shape = (len(table.names), int(table.arm.max(initial=0)) + 1, width)
    index = (table.series, table.arm, place)
    return Pods(_laid(table.events, shape, *index), _laid_buckets(table, shape, *index), _laid_values(table, shape, *index))


def _part(table: Table, rows: np.ndarray) -> Table:
    """Some rows, with the arms of each series numbered from 0 without gaps."""
    buckets = None if table.buckets is None else Histograms(table.buckets.bounds, table.buckets.counts[rows])
    arm = table.arm[rows]
    rank, _ = _ranks(table.series[rows], arm.astype(np.float64))
    values = None if table.values is None else table.values[rows]
    return Table(table.names, table.series[rows], rank, table.t[rows], table.events[rows], buckets, values)


def _ranks(group: np.ndarray, value: Floats) -> tuple[np.ndarray, int]:
    """The rank of each value among the different ones of its group, and the largest number of them."""
    if not len(group):
        return np.zeros(0, dtype=np.intp), 0
    order = np.lexsort((value, group))
    changes = np.diff(group[order]) != 0
    steps = np.concatenate(([0], (changes | (np.diff(value[order]) != 0)).astype(np.intp)))
    dense = np.cumsum(steps)
    starts = np.concatenate(([0], np.flatnonzero(changes) + 1))
    within = dense - np.repeat(dense[starts], np.diff(np.concatenate((starts, [len(group)]))))
    ranks = np.empty(len(group), dtype=np.intp)
    ranks[order] = within
    return ranks, int(within.max()) + 1


def _laid(values: Floats, shape: tuple[int, ...], *index: np.ndarray) -> Floats:
    grid = np.zeros((*shape, *values.shape[1:]))
    grid[index] = values
    return grid


def _laid_buckets(table: Table, shape: tuple[int, ...], *index: np.ndarray) -> Histograms | None:
    if table.buckets is None:
        return None
    return Histograms(table.buckets.bounds, _laid(table.buckets.counts, shape, *index))


def _laid_values(table: Table, shape: tuple[int, ...], *index: np.ndarray) -> Floats | None:
    return None if table.values is None else _laid(table.values, shape, *index)


def _load(file: Path) -> Any:
    try:
        return pyarrow.parquet.read_table(file) if file.suffix == ".parquet" else pyarrow.csv.read_csv(file)
    except (OSError, pyarrow.ArrowException) as error:
        raise Refused(f"{file} cannot be read: {error}") from error


def _numbered(column: Any) -> tuple[tuple[str, ...], np.ndarray]:
    """The different values as text in order of appearance, and which one each row has."""
    encoded = column.cast(pyarrow.string()).combine_chunks().dictionary_encode()
    return tuple(encoded.dictionary.to_pylist()), encoded.indices.to_numpy().astype(np.intp)


def _numbers(table: Any, name: str, file: Path) -> Floats:
    try:
        values: Floats = table[name].cast(pyarrow.float64()).to_numpy()
    except pyarrow.ArrowException as error:
        raise Refused(f"{file}: column {name} is not all numbers ({error})") from error
    if not np.isfinite(values).all():
        raise Refused(f"{file}: column {name} has empty or infinite values: leave out blocks without data")
    return values


def _sound(events: Floats) -> Floats:
    """No more events than requests: counters of one arm can be read a moment apart."""
    events[:, 1] = np.minimum(events[:, 1], events[:, 0])
    events[:, 3] = np.minimum(events[:, 3], events[:, 2])
    return events


def _values(table: Any, events: Floats, file: Path) -> Floats | None:
    """Sums of values with the requests they are of. Raises Refused where one version has them and the other has not."""
    there = [name for name in SUMS if name in table.column_names]
    if not there:
        return None
    if len(there) < len(SUMS):
        raise Refused(f"{file} has {there[0]} only: {' and '.join(SUMS)} belong together")
    stable, candidate = (_numbers(table, name, file) for name in SUMS)
    return np.stack((events[:, 0], stable, events[:, 2], candidate), axis=-1)


def _buckets(table: Any, file: Path) -> Histograms | None:
    """Bounds that both arms have. Without a bucket `inf` every request counts as timed."""
    found: dict[str, dict[float, str]] = {"stable": {}, "candidate": {}}
    for name in table.column_names:
        if (match := _BUCKET.fullmatch(name)) is not None:
            found[match[1]][_bound(match[2], name, file)] = name
    bounds = sorted(bound for bound in found["stable"].keys() & found["candidate"].keys() if np.isfinite(bound))
    if not bounds:
        return None
    arms = []
    for arm in ("stable", "candidate"):
        total = found[arm].get(np.inf, f"{arm}_requests")
        arms.append(np.stack([_numbers(table, name, file) for name in (*(found[arm][bound] for bound in bounds), total)], axis=-1))
    return Histograms(tuple(bounds), np.stack(arms, axis=1))


def _bound(text: str, name: str, file: Path) -> float:
    try:
        return np.inf if text.lower() in _INFINITE else float(text)
    except ValueError as error:
        raise Refused(f"{file}: {name} does not end in a bound in seconds, like stable_le_0.25") from error
