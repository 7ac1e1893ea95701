"""Two files of rows as features to compare: read in pieces, in memory that does not grow with the files."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow
import pyarrow.csv
import pyarrow.parquet

from headgate.cli.monitoring.columns import Labels, Numbers, floats
from headgate.cli.refused import Refused
from headgate.monitoring.bins import PARTS, declared_edges, quantile_edges
from headgate.monitoring.drift import Feature
from headgate.monitoring.inservice.reference import Distribution
from headgate.monitoring.tally import Thinned

MOST_COLUMNS = 500
_PIECE = 4 << 20


@dataclass(frozen=True, slots=True)
class Reading:
    """What the files hold, beside what was asked for."""

    time: str | None
    edges: Mapping[str, tuple[float, ...]]
    categorical: frozenset[str]
    ignored: frozenset[str]


@dataclass(frozen=True, slots=True)
class Samples:
    """`features` can be compared, `left_out` says why the others cannot, `notes` what else was noticed."""

    features: tuple[Feature, ...]
    left_out: Mapping[str, str]
    notes: tuple[str, ...]


def samples(reference: Path, current: Path, reading: Reading) -> Samples:
    """Raises Refused where a file cannot be read, or the files and what was asked for do not fit together."""
    columns, present = _columns(reference), _columns(current)
    _check(columns, reference, reading)
    wanted = [name for name in columns if name not in reading.ignored and name != reading.time]
    common = [name for name in wanted if name in present]
    if not common:
        raise Refused(f"{current} has none of the columns of {reference}: {', '.join(wanted[:10]) or 'no column is left'}")
    if reading.time and reading.time not in present:
        raise Refused(f"{current} has no column {reading.time}, which --time names")
    numeric = _numeric(reference, common, reading)
    coders: dict[str, Numbers | Labels] = {
        name: Numbers(name, numeric[name], reading.edges.get(name)) if name in numeric else Labels() for name in common
    }
    _read(reference, coders, reading.time)
    before = {name: coder.turn() for name, coder in coders.items()}
    _read(current, coders, reading.time)
    left_out = {name: f"{current} has no such column" for name in wanted if name not in present}
    left_out |= {name: coder.trouble for name, coder in coders.items() if coder.trouble}
    features = (coder.feature(name, before[name]) for name, coder in coders.items() if name not in left_out)
    notes = [f"{current}: {note}" for coder in coders.values() for note in coder.notes]
    if extra := [name for name in present if name not in columns]:
        notes.append(f"{current} has other columns, which are not compared: {', '.join(extra[:10])}")
    return Samples(tuple(features), left_out, tuple(notes))


def distributions(file: Path, reading: Reading) -> tuple[dict[str, Distribution], dict[str, str]]:
    """One file counted by its own bins, and why columns are left out. Raises Refused as `samples` does."""
    columns = _columns(file)
    _check(columns, file, reading)
    wanted = [name for name in columns if name not in reading.ignored]
    numeric = _numeric(file, wanted, reading)
    coders: dict[str, Numbers | Labels] = {
        name: Numbers(name, numeric[name], reading.edges.get(name, _tenths(numeric[name]))) if name in numeric else Labels()
        for name in wanted
    }
    _read(file, coders, None)
    found, left_out = dict[str, Distribution](), dict[str, str]()
    for name, coder in coders.items():
        try:
            found[name] = coder.distribution()
        except ValueError as error:
            left_out[name] = str(error)
    return found, left_out


def _tenths(thinned: Thinned) -> tuple[float, ...]:
    return tuple(quantile_edges(thinned.values, thinned.least, thinned.greatest, PARTS).tolist())


def _check(columns: list[str], file: Path, reading: Reading) -> None:
    named = {*reading.edges, *reading.categorical, *reading.ignored, *([reading.time] if reading.time else [])}
    if missing := sorted(named - set(columns)):
        raise Refused(f"{file} has no column {', '.join(missing)}. Columns: {', '.join(columns[:20])}")
    if len(columns) - len(reading.ignored) > MOST_COLUMNS:
        raise Refused(f"{file} has {len(columns)} columns, and {MOST_COLUMNS} can be compared at once: leave some out with --ignore")
    for name, edges in reading.edges.items():
        try:
            declared_edges(edges)
        except ValueError as error:
            raise Refused(f"--edges of {name}: {error}") from error


def _columns(file: Path) -> list[str]:
    with _trouble(file):
        if file.suffix == ".parquet":
            names = list(pyarrow.parquet.read_schema(file).names)
        else:
            with pyarrow.csv.open_csv(file, read_options=pyarrow.csv.ReadOptions(block_size=_PIECE)) as opened:
                names = list(opened.schema.names)
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise Refused(f"{file} has more than one column {', '.join(twice)}")
    return names


class _trouble:  # noqa: N801  a context, read like a function
    """Says in one line why a file cannot be read."""

    def __init__(self, file: Path) -> None:
        self._file = file

    def __enter__(self) -> None:
        return

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, (OSError, pyarrow.ArrowException)):
            raise Refused(f"{self._file} cannot be read: {' '.join(str(error).split())}") from error


def _pieces(file: Path, columns: list[str]) -> Iterator[Any]:
    """Record batches of these columns; those of CSV are text, because types guessed from the first rows may not hold for later ones."""
    with _trouble(file):
        if file.suffix == ".parquet":
            with pyarrow.parquet.ParquetFile(file) as opened:
                yield from opened.iter_batches(columns=columns)
            return
        text = dict.fromkeys(columns, pyarrow.string())
        convert = pyarrow.csv.ConvertOptions(column_types=text, include_columns=columns, strings_can_be_null=True)
        with pyarrow.csv.open_csv(file, pyarrow.csv.ReadOptions(block_size=_PIECE), convert_options=convert) as opened:
            yield from opened


def _numeric(file: Path, columns: list[str], reading: Reading) -> dict[str, Thinned]:
    """The columns whose every value is a number, with a thinned sample of them."""
    found = {name: Thinned() for name in columns if name not in reading.categorical}
    for piece in _pieces(file, columns):
        for name in list(found):
            values = floats(piece.column(name))
            if values is None:
                del found[name]
            else:
                found[name].add(values)
    if wrong := sorted(set(reading.edges) - set(found) - reading.ignored):
        raise Refused(f"--edges of {', '.join(wrong)}: the column of {file} is not all numbers")
    return {name: thinned for name, thinned in found.items() if len(thinned.values)}


def _read(file: Path, coders: Mapping[str, Numbers | Labels], time: str | None) -> None:
    rows, last = 0, None
    for piece in _pieces(file, [*coders, *([time] if time else [])]):
        if time:
            last = _in_order(piece.column(time), last, file, time, rows)
        rows += piece.num_rows
        for name, coder in coders.items():
            coder.add(piece.column(name))
    if not rows:
        raise Refused(f"{file} has no rows")


def _in_order(column: Any, last: Any, file: Path, time: str, rows: int) -> Any:
    """The last time of the piece. Numbers are compared as numbers, else text as ISO 8601 sorts."""
    numbers = floats(column)
    values: list[Any] = column.cast(pyarrow.string()).to_pylist() if numbers is None else numbers.tolist()
    if column.null_count or (numbers is not None and np.isnan(numbers).any()):
        raise Refused(f"{file}: column {time} has rows without a time")
    if last is not None and values and type(last) is not type(values[0]):
        raise Refused(f"{file}: column {time} has numbers in some rows and text in others")
    before = values[:1] if last is None else [last]
    for number, (one, other) in enumerate(zip([*before, *values], values, strict=False), rows + 1):
        if other < one:
            raise Refused(f"{file}: row {number} is earlier than the one before it: sort the rows by {time}")
    return values[-1] if values else last
