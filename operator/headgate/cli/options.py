"""Options that several commands share."""

import json
from enum import StrEnum
from typing import Annotated, Any

import typer
import yaml

from headgate.api.vocabulary import Gate

MODEL_NAME = Annotated[str, typer.Argument(metavar="MODEL", help="Name of the AIModel.", show_default=False)]
NAMESPACE = Annotated[
    str | None, typer.Option("--namespace", "-n", help="Namespace of the model. Default: that of the kubeconfig.", show_default=False)
]
CONTEXT = Annotated[str | None, typer.Option("--context", help="Context of the kubeconfig to use.", show_default=False)]
AS_USER = Annotated[str | None, typer.Option("--as", help="Act as this user; needs the right to impersonate.", show_default=False)]
GATE = Annotated[Gate, typer.Option("--gate", "-g", help="Which gate is decided on.")]
YES = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]


class Format(StrEnum):
    """How to print."""

    TEXT = "text"
    JSON = "json"


OUTPUT = Annotated[Format, typer.Option("--output", "-o", help="text for people, json for programs.")]


class Output(StrEnum):
    """How to print what has a form for files too."""

    TEXT = "text"
    JSON = "json"
    YAML = "yaml"


OUTPUT_OR_YAML = Annotated[Output, typer.Option("--output", "-o", help="text for people, json or yaml for programs.")]


def print_document(told: Any, output: Output) -> None:
    """As JSON or YAML."""
    typer.echo(json.dumps(told, indent=2) if output is Output.JSON else yaml.safe_dump(told, sort_keys=False), nl=output is Output.JSON)
