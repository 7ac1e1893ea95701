"""A RolloutPolicy from a file."""

from pathlib import Path
from typing import Any

from pydantic import ValidationError

from headgate.api.faults import first_fault
from headgate.api.policy import RolloutPolicySpec
from headgate.cli.manifest_file import manifest_in
from headgate.cli.refused import Refused


def policy_of(file: Path) -> RolloutPolicySpec:
    """The RolloutPolicy of a manifest, the first if there are several. Raises Refused."""
    return parsed_policy(manifest_in(file, "RolloutPolicy").get("spec"), str(file))


def parsed_policy(spec: Any, where: str) -> RolloutPolicySpec:
    """Raises Refused, naming the first field that is wrong."""
    try:
        return RolloutPolicySpec.model_validate(spec)
    except ValidationError as error:
        raise Refused(f"{where}: {first_fault(error, 'spec')}") from error
