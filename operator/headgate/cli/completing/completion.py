"""`headgate completion`, and what kubectl runs to complete `kubectl headgate`."""

import io
import os
import shlex
from contextlib import redirect_stdout, suppress
from enum import StrEnum
from typing import Annotated

import typer
from typer._completion_classes import completion_init
from typer._completion_shared import get_completion_script

_PROGRAM = "headgate"
_VARIABLE = "_HEADGATE_COMPLETE"
_NO_FILES, _FILES = ":4", ":0"
"""What kubectl understands at the end: whether the shell may offer files as well."""


class Shell(StrEnum):
    """For which there is a script."""

    BASH = "bash"
    ZSH = "zsh"
    FISH = "fish"
    POWERSHELL = "powershell"


SHELL = Annotated[Shell, typer.Argument(metavar="SHELL", help="bash, zsh, fish or powershell.", show_default=False)]


def completion(shell: SHELL) -> None:
    """Print the script that completes `headgate` in SHELL: commands, options, and names of models from the cluster.

    bash: source <(headgate completion bash), in ~/.bashrc. zsh: the same in ~/.zshrc, after compinit. fish: headgate completion fish >
    ~/.config/fish/completions/headgate.fish. powershell: headgate completion powershell | Out-String | Invoke-Expression.
    `kubectl headgate` is completed by kubectl's own script, by way of kubectl_complete-headgate on the PATH.
    """
    typer.echo(get_completion_script(prog_name=_PROGRAM, complete_var=_VARIABLE, shell=shell.value))


def prepare() -> None:
    """Let the program answer what these scripts ask."""
    completion_init()


def complete_for_kubectl(app: typer.Typer, typed: list[str]) -> str:
    """What kubectl expects of a plugin: one offer a line, with its meaning behind a tab, and a directive. `typed` are the words after
    `kubectl headgate`, the last one unfinished."""
    *done, unfinished = typed or [""]
    asked = {
        _VARIABLE: "complete_fish",
        "_TYPER_COMPLETE_FISH_ACTION": "get-args",
        "_TYPER_COMPLETE_ARGS": f"{shlex.join([_PROGRAM, *done])} {unfinished}",
    }
    before = {name: os.environ.get(name) for name in asked}
    os.environ.update(asked)
    told = io.StringIO()
    prepare()
    try:
        # An answer ends the program.
        with redirect_stdout(told), suppress(SystemExit):
            app(args=[], prog_name=_PROGRAM)
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
    offers = [line for line in told.getvalue().splitlines() if line.strip()]
    return "\n".join((*offers, _NO_FILES if offers else _FILES))
