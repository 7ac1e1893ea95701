"""Manifests in files."""

from pathlib import Path
from typing import Any

import yaml

from headgate.cli.refused import Refused


def manifest_in(file: Path, kind: str) -> dict[str, Any]:
    """The first object of `kind` in a file of YAML documents. Raises Refused."""
    try:
        documents = list(yaml.safe_load_all(file.read_text()))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise Refused(f"{file} cannot be read: {error}") from error
    found = next((one for one in documents if isinstance(one, dict) and one.get("kind") == kind), None)
    if found is None:
        raise Refused(f"{file} holds no {kind}")
    return found
