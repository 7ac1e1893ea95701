"""completion: the scripts of each shell, what they ask, and what kubectl is told."""

import asyncio
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from tests.unit.cli.cluster_in_memory import LIVE, ClusterInMemory, headgate

from headgate.cli.completing import names
from headgate.cli.completing.completion import complete_for_kubectl
from headgate.cli.main import app
from headgate.kube.errors import Unavailable

ROOT = Path(__file__).resolve().parents[3]


@pytest.mark.parametrize(
    ("shell", "words"),
    [
        ("bash", "complete -o default"),
        ("zsh", "compdef"),
        ("fish", "complete --command headgate"),
        ("powershell", "Register-ArgumentCompleter"),
    ],
)
def test_there_is_a_script_for_each_shell(shell: str, words: str) -> None:
    done = headgate("completion", shell)
    assert done.exit_code == 0
    assert words in done.stdout
    assert "_HEADGATE_COMPLETE" in done.stdout


def test_another_shell_is_wrong_usage() -> None:
    assert headgate("completion", "csh").exit_code == 2


def offered(*typed: str) -> tuple[list[str], str]:
    """What kubectl is told: offers without their meanings, and the directive."""
    *lines, directive = complete_for_kubectl(app, list(typed)).splitlines()
    return [line.partition("\t")[0] for line in lines], directive


def test_commands_and_options_are_offered() -> None:
    commands, directive = offered("hist")
    assert (commands, directive) == (["history"], ":4")
    assert "status" in offered("")[0]
    assert "--namespace" in offered("status", "--na")[0]
    assert "_HEADGATE_COMPLETE" not in os.environ


def test_names_of_models_are_offered(memory: ClusterInMemory) -> None:
    memory.model(LIVE, name="churn")
    memory.model(LIVE, name="elsewhere", namespace="cards")
    assert offered("status", "-n", "lending", "") == (["churn", "credit-scorer"], ":4")
    assert offered("explain", "-n", "lending", "cr") == (["credit-scorer"], ":4")
    assert offered("halt", "-n", "cards", "") == (["elsewhere"], ":4")


def test_a_cluster_that_does_not_answer_offers_nothing_and_says_nothing(memory: ClusterInMemory, monkeypatch: pytest.MonkeyPatch) -> None:
    memory.failure = Unavailable("no connection")
    assert offered("status", "-n", "lending", "") == ([], ":0")

    async def never(*_: Any, **__: Any) -> Any:
        await asyncio.Event().wait()

    memory.failure = None
    monkeypatch.setattr(memory, "list", never)
    monkeypatch.setattr(names, "_PATIENCE", 0.01)
    assert offered("status", "-n", "lending", "") == ([], ":0")


def test_the_script_of_bash_completes() -> None:
    """The program itself, asked as the script asks it."""
    asked = {"_HEADGATE_COMPLETE": "complete_bash", "COMP_WORDS": "headgate hist", "COMP_CWORD": "1"}
    line = [sys.executable, "-c", "import sys; sys.argv = ['headgate']; from headgate.cli.main import main; main()"]
    done = subprocess.run(
        line, env={**os.environ, **asked, "PYTHONPATH": str(ROOT / "operator")}, capture_output=True, text=True, check=False
    )
    assert done.stdout.split() == ["history"]
