"""A RolloutPolicy from a file."""

from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from headgate.api.policy import RolloutPolicySpec
from headgate.cli.refused import Refused


def policy_of(file: Path) -> RolloutPolicySpec:
    """The RolloutPolicy of a manifest, the first if there are several. Raises Refused."""
    try:
        documents = list(yaml.safe_load_all(file.read_text()))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise Refused(f"{file} cannot be read: {error}") from error
    found = next((one for one in documents if isinstance(one, dict) and one.get("kind") == "RolloutPolicy"), None)
    if found is None:
        raise Refused(f"{file} holds no RolloutPolicy")
    return parsed_policy(found.get("spec"), str(file))


def parsed_policy(spec: Any, where: str) -> RolloutPolicySpec:
    """Raises Refused, naming the first field that is wrong."""
    try:
        return RolloutPolicySpec.model_validate(spec)
    except ValidationError as error:
        first = error.errors()[0]
        raise Refused(f"{where}: {'.'.join(map(str, ('spec', *first['loc'])))}: {first['msg']}") from error
