"""Tables that people write as CSV: named columns, a bounded number of rows. What is wrong with one is said in one sentence."""

import csv
from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar

Row = TypeVar("Row")


def table_rows(lines: Iterable[str], columns: Sequence[str], most: int, parse: Callable[[dict[str, str]], Row], example: str) -> list[Row]:
    """Each row parsed; `parse` raises ValueError for what is wrong with it, and gets "" for a cell that is missing.

    Raises ValueError, naming the row and showing an example, where columns are missing, and for more than `most` rows.
    """
    reader = csv.DictReader(lines, restval="")
    found: list[Row] = []
    try:
        if missing := [name for name in columns if name not in (reader.fieldnames or ())]:
            raise ValueError(f"it has no column {', '.join(missing)}. Columns: {', '.join(columns)}")
        for row in reader:
            if len(found) == most:
                raise ValueError(f"it has more than {most} rows: the newest are enough")
            try:
                found.append(parse(row))
            except ValueError as error:
                raise ValueError(f"row {len(found) + 1}: {error}. Write like {example}") from error
    except csv.Error as error:
        raise ValueError(f"it is no CSV: {error}") from error
    return found
