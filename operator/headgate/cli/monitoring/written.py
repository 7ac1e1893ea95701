"""What people write: small files, YAML of one document or CSV with named columns, and parts of an AIModel. What is wrong with it is said in
one line."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

import yaml
from pydantic import BaseModel, ValidationError

from headgate.api.faults import first_fault
from headgate.api.tables import table_rows
from headgate.cli.refused import Refused
from headgate.kube.interface import Object

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


def part_of_model(stored: Object, called: str, field: str, model: type[_Document]) -> _Document:
    """A part of the spec of the AIModel `called` so. Raises Refused where it is not written, or not as this release reads it."""
    part = (stored.get("spec") or {}).get(field)
    if part is None:
        raise Refused(f"{called} has no spec.{field}: write one, or give a file with -f")
    try:
        return model.model_validate(part)
    except ValidationError as error:
        raise Refused(f"{called}: {first_fault(error, 'spec', field)}") from error


def rows(file: Path, columns: Sequence[str], most: int, parse: Callable[[dict[str, str]], _Row], example: str) -> list[_Row]:
    """Each row of a CSV file parsed, as `table_rows` does. Raises Refused where that raises ValueError."""
    try:
        with file.open(newline="") as opened:
            return table_rows(opened, columns, most, parse, example)
    except (OSError, UnicodeDecodeError) as error:
        raise Refused(f"{file} cannot be read: {error}") from error
    except ValueError as error:
        raise Refused(f"{file}: {error}") from error
