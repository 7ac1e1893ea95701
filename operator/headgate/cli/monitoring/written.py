"""Small files that people write: YAML of one document, CSV with named columns. What is wrong with them is said in one line."""

import csv
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

import yaml
from pydantic import BaseModel, ValidationError

from headgate.api.faults import first_fault
from headgate.cli.refused import Refused

_Document = TypeVar("_Document", bound=BaseModel)
_Row = TypeVar("_Row")


def document(file: Path, model: type[_Document]) -> _Document:
    """Raises Refused, naming the first field that is wrong."""
    try:
        return model.model_validate(yaml.safe_load(file.read_text()))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise Refused(f"{file} cannot be read: {' '.join(str(error).split())}") from error
    except ValidationError as error:
        raise Refused(f"{file}: {first_fault(error, whole='the document')}") from error


def rows(file: Path, columns: Sequence[str], most: int, parse: Callable[[dict[str, str]], _Row], example: str) -> list[_Row]:
    """Each row parsed; `parse` raises ValueError for what is wrong with it, and gets "" for a cell that is missing.

    Raises Refused, naming the row and showing an example, where columns are missing, and for more than `most` rows.
    """
    try:
        with file.open(newline="") as opened:
            reader = csv.DictReader(opened, restval="")
            if missing := [name for name in columns if name not in (reader.fieldnames or ())]:
                raise Refused(f"{file} has no column {', '.join(missing)}. Columns: {', '.join(columns)}")
            found: list[_Row] = []
            for row in reader:
                if len(found) == most:
                    raise Refused(f"{file} has more than {most} rows: the newest are enough")
                try:
                    found.append(parse(row))
                except ValueError as error:
                    raise Refused(f"{file}, row {len(found) + 1}: {error}. Write like {example}") from error
            return found
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise Refused(f"{file} cannot be read: {error}") from error
