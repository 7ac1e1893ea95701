"""Options that several commands share."""

import json
from enum import StrEnum
from typing import Annotated, Any

import typer
import yaml

from headgate.api.quantities import Duration
from headgate.api.vocabulary import Gate
from headgate.cli.completing.names import model_names

EXIT_CODES = "Exit codes: 0 done, 1 refused or failed, 2 wrong usage."
"""At the end of each command's help, unless it has more to say by its exit code."""

MODEL_NAME = Annotated[str, typer.Argument(metavar="MODEL", help="Name of the AIModel.", show_default=False, autocompletion=model_names)]
NAMESPACE = Annotated[
    str | None, typer.Option("--namespace", "-n", help="Namespace of the model. Default: that of the kubeconfig.", show_default=False)
]
CONTEXT = Annotated[str | None, typer.Option("--context", help="Context of the kubeconfig to use.", show_default=False)]
AS_USER = Annotated[str | None, typer.Option("--as", help="Act as this user; needs the right to impersonate.", show_default=False)]
GATE = Annotated[Gate, typer.Option("--gate", "-g", help="Which gate is decided on.")]
OPERATOR_NAMESPACE = Annotated[str, typer.Option("--operator-namespace", help="Where the operator runs and keeps what is its own.")]
YES = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]


class Format(StrEnum):
    """How to print."""

    TEXT = "text"
    WIDE = "wide"
    JSON = "json"
    YAML = "yaml"

    @property
    def is_document(self) -> bool:
        """Whether it is for programs."""
        return self in (Format.JSON, Format.YAML)


OUTPUT = Annotated[
    Format, typer.Option("--output", "-o", help="text or wide (more columns, where there are more) for people, json or yaml for programs.")
]


def parse_duration(text: str) -> Duration:
    """Raises typer.BadParameter."""
    try:
        return Duration.parse(text)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from error


def rendered(document: Any, output: Format) -> str:
    """`document` as YAML, or as JSON, without a line feed at the end."""
    written = json.dumps(document, indent=2, allow_nan=False)
    if output is not Format.YAML:
        return written
    # By way of JSON: no enums, and no part that YAML would write once and refer to.
    return str(yaml.safe_dump(json.loads(written), sort_keys=False, allow_unicode=True, width=120)).rstrip("\n")
