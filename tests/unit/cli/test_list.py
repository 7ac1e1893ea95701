"""list: which models, in which order, and how they are printed."""

import json
from typing import Any

import pytest
import yaml
from tests.unit.cli.cluster_in_memory import CANDIDATE, GATE, IN_CANARY, LIVE, ROLLED_BACK, T0, ClusterInMemory, headgate

from headgate.cli.showing.attention import Attention, attention, waiting_for
from headgate.cli.view import ModelView, view_of


def condition(kind: str, status: str, reason: str = "Serving") -> dict[str, Any]:
    return {"type": kind, "status": status, "reason": reason, "message": "so it is", "lastTransitionTime": T0}


OPEN_GATE = {**GATE, "open": True, "missing": []}
ROLLING = IN_CANARY | {"candidate": {**CANDIDATE, "gate": OPEN_GATE}, "conditions": []}
FAILED_OVER = LIVE | {"failover": {"to": "Fallback", "since": T0, "why": "no pod is ready"}}


def view(status: dict[str, Any]) -> ModelView:
    return view_of({"metadata": {"name": "credit-scorer", "namespace": "lending"}, "spec": {}, "status": status})


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (LIVE, Attention.SETTLED),
        (ROLLING, Attention.MOVING),
        ({}, Attention.MOVING),
        (ROLLING | {"candidate": {**CANDIDATE, "gate": OPEN_GATE, "verdict": "NoData", "exposed": T0}}, Attention.IN_DOUBT),
        (ROLLING | {"candidate": {**CANDIDATE, "gate": OPEN_GATE, "verdict": "NoData"}}, Attention.MOVING),
        (IN_CANARY, Attention.WAITS_FOR_PEOPLE),
        (ROLLING | {"conditions": [condition("Ready", "False", "PromoteRequired")]}, Attention.WAITS_FOR_PEOPLE),
        (ROLLED_BACK, Attention.TAKEN_BACK),
        (LIVE | {"phase": "Frozen"}, Attention.TAKEN_BACK),
        (ROLLED_BACK | {"conditions": [condition("Stalled", "True", "RolledBack")]}, Attention.TAKEN_BACK),
        (LIVE | {"conditions": [condition("Stalled", "True", "InvalidSpec")]}, Attention.TO_REPAIR),
        (IN_CANARY | {"conditions": [condition("GovernanceEnforced", "False", "GovernanceNotEnforced")]}, Attention.TO_REPAIR),
        (ROLLED_BACK | {"conditions": [condition("Serving", "False", "NotServing")]}, Attention.USERS_AT_RISK),
        (IN_CANARY | {"phase": "RollingBack"}, Attention.USERS_AT_RISK),
        (FAILED_OVER, Attention.USERS_AT_RISK),
    ],
)
def test_what_needs_somebody_most(status: dict[str, Any], expected: Attention) -> None:
    assert attention(view(status)) is expected


def test_it_is_said_who_is_waited_for() -> None:
    assert waiting_for(view(IN_CANARY)) == ("fairness-audit",)
    latch = {"decision": "Pause", "name": "pause-1", "by": "chen@bank.example", "at": T0}
    assert waiting_for(view(ROLLING | {"paused": latch})) == ("resume",)
    assert waiting_for(view(LIVE)) == ()


@pytest.fixture
def several(memory: ClusterInMemory) -> ClusterInMemory:
    memory.model(LIVE, name="a-settled")
    memory.model(ROLLED_BACK, name="z-taken-back")
    memory.model(FAILED_OVER, name="elsewhere", namespace="cards")
    memory.objects["aimodels", "lending", "a-settled"]["metadata"]["labels"] = {"team": "credit-ml"}
    return memory


def listed(*arguments: str) -> list[str]:
    done = headgate("list", *arguments)
    assert done.exit_code == 0, done.output
    return done.stdout.splitlines()


def test_those_that_need_somebody_come_first(several: ClusterInMemory) -> None:
    assert [line.split()[0] for line in listed("-n", "lending")] == ["NAME", "z-taken-back", "credit-scorer", "a-settled"]
    everywhere = [line.split()[:2] for line in listed("-A")]
    assert everywhere == [
        ["NAMESPACE", "NAME"],
        ["cards", "elsewhere"],
        ["lending", "z-taken-back"],
        ["lending", "credit-scorer"],
        ["lending", "a-settled"],
    ]


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (("--phase", "RolledBack"), ["z-taken-back"]),
        (("--phase", "RolledBack", "--phase", "Live"), ["z-taken-back", "a-settled"]),
        (("--waiting-for", "fairness-audit"), ["credit-scorer"]),
        (("--waiting-for", "legal-approval"), []),
        (("-l", "team=credit-ml"), ["a-settled"]),
    ],
)
def test_some_of_them(several: ClusterInMemory, arguments: tuple[str, ...], expected: list[str]) -> None:
    assert listed("-n", "lending", "-o", "name", *arguments) == [f"aimodel.headgate.dev/{name}" for name in expected]


def test_wide_says_why_by_which_policy_whose_and_who_is_waited_for(several: ClusterInMemory) -> None:
    head, *rows = listed("-n", "lending", "-o", "wide")
    assert head.split()[-5:] == ["REASON", "POLICY", "OWNER", "WAITS", "FOR"]
    (waiting,) = (line for line in rows if line.startswith("credit-scorer"))
    assert "WaitingForApproval" in waiting
    assert waiting.split()[-2:] == ["chen@bank.example", "fairness-audit"]


def test_for_programs_a_list_holds_what_status_holds(several: ClusterInMemory) -> None:
    documents = json.loads("\n".join(listed("-n", "lending", "-o", "json")))
    assert [one["name"] for one in documents] == ["z-taken-back", "credit-scorer", "a-settled"]
    assert documents[1] == json.loads(headgate("status", "credit-scorer", "-n", "lending", "-o", "json").stdout)
    assert yaml.safe_load("\n".join(listed("-n", "lending", "-o", "yaml"))) == documents


def test_nothing_is_a_sentence_and_no_failure(several: ClusterInMemory) -> None:
    assert listed("-n", "lending", "--waiting-for", "legal-approval") == ["none of 3 AIModels in lending is like that"]
    assert listed("-n", "empty") == ["no AIModels in empty"]


def test_every_command_says_what_its_exit_codes_mean() -> None:
    import typer
    from typer.core import TyperGroup

    from headgate.cli.main import app

    group = typer.main.get_command(app)
    assert isinstance(group, TyperGroup)
    parts: dict[str, Any] = dict(group.commands)
    groups = [parts.pop(name) for name in list(parts) if hasattr(parts[name], "commands")]
    every = parts | {f"{one.name} {name}": command for one in groups for name, command in one.commands.items()}
    silent = [name for name, command in every.items() if "xit code" not in f"{command.help or ''} {command.epilog or ''}"]
    assert silent == []


@pytest.mark.parametrize("arguments", [("history", "credit-scorer"), ("status",), ("gates", "credit-scorer"), ("list",)])
def test_wide_is_understood_wherever_something_is_shown(memory: ClusterInMemory, arguments: tuple[str, ...]) -> None:
    assert headgate(*arguments, "-n", "lending", "-o", "wide").exit_code == 0


def test_errors_have_no_colour_where_nobody_wants_any(memory: ClusterInMemory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("FORCE_COLOR", "1")
    done = headgate("status", "none", "-n", "lending")
    assert done.stderr.startswith("error: there is no AIModel none")
