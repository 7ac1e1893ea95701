"""Interventions name the revision and attempt that are under way now, and act once."""

import re
from typing import Any

import pytest
from tests.unit.cli.cluster_in_memory import IN_CANARY, LIVE, ROLLED_BACK, T0, ClusterInMemory, headgate

from headgate.api.approval import GovernanceApprovalSpec

WHY = ("--yes", "--reason", "customers complain")
PAUSED = IN_CANARY | {"paused": {"decision": "Pause", "name": "p", "by": "eve", "at": T0}}


def intervene(verb: str, *more: str) -> Any:
    return headgate(verb, "credit-scorer", "-n", "lending", *WHY, *more)


@pytest.mark.parametrize(
    ("verb", "status", "target"),
    [
        ("halt", IN_CANARY, ("22222222", 3)),
        ("rollback", IN_CANARY, ("22222222", 3)),
        ("pause", IN_CANARY, ("22222222", 3)),
        ("promote", IN_CANARY, ("22222222", 3)),
        ("resume", PAUSED, ("22222222", 3)),
        ("halt", LIVE, ("11111111", 2)),
        ("rollback", LIVE, ("11111111", 2)),
        ("retry", ROLLED_BACK, ("22222222", 3)),
        ("aa-test", LIVE, ("11111111", 2)),
    ],
)
def test_each_names_what_is_under_way(memory: ClusterInMemory, verb: str, status: dict[str, Any], target: tuple[str, int]) -> None:
    memory.model(status)
    result = intervene(verb)
    assert result.exit_code == 0, result.output
    (created,) = memory.decided()
    spec = GovernanceApprovalSpec.model_validate(created["spec"])
    assert spec.decision == ("AATest" if verb == "aa-test" else verb.capitalize())
    assert re.fullmatch(rf"credit-scorer-{spec.decision.lower()}-[0-9a-f]{{8}}", created["metadata"]["name"])
    assert spec.target is not None
    assert (spec.target.revision, spec.target.attempt) == target
    assert (spec.approver, spec.rationale) == ("dana@bank.example", "customers complain")


@pytest.mark.parametrize(
    ("verb", "status", "words"),
    [
        ("pause", LIVE, "nothing to pause"),
        ("promote", LIVE, "nothing to promote"),
        ("resume", LIVE, "nothing to resume"),
        ("resume", IN_CANARY, "is not paused"),
        ("retry", IN_CANARY, "attempt 3 of 2.3.1 is under way"),
        ("retry", LIVE, "was not taken back"),
        ("halt", {}, "nothing to halt"),
        ("aa-test", IN_CANARY, "attempt 3 of 2.3.1 is under way: an A/A test waits for its end"),
        ("aa-test", ROLLED_BACK, "credit-scorer is RolledBack"),
        ("rollback", {}, "nothing to rollback"),
    ],
)
def test_nothing_to_do_is_refused_in_words(memory: ClusterInMemory, verb: str, status: dict[str, Any], words: str) -> None:
    memory.model(status)
    result = intervene(verb)
    assert result.exit_code == 1
    assert words in result.stderr
    assert memory.decided() == ()


def test_rollback_to_a_named_revision(memory: ClusterInMemory) -> None:
    memory.model(LIVE)
    assert intervene("rollback", "--to", "0000aaaa").exit_code == 0
    assert memory.decided()[0]["spec"]["toRevision"] == "0000aaaa"
    refused = intervene("rollback", "--to", "v1")
    assert refused.exit_code == 2
    assert "8 hex digits" in refused.stderr


def test_without_yes_it_asks_first(memory: ClusterInMemory) -> None:
    arguments = ("halt", "credit-scorer", "-n", "lending")
    declined = headgate(*arguments, typed="too many errors\nn\n")
    assert declined.exit_code == 1
    assert "it gets no traffic from now on" in declined.stderr
    assert memory.decided() == ()
    assert headgate(*arguments, typed="too many errors\ny\n").exit_code == 0
    assert memory.decided()[0]["spec"]["rationale"] == "too many errors"


def test_a_reason_is_needed(memory: ClusterInMemory) -> None:
    assert headgate("halt", "credit-scorer", "-n", "lending", "--yes").exit_code == 2
    assert headgate("halt", "credit-scorer", "-n", "lending", "--yes", "--reason", " ").exit_code == 2


def test_the_same_intervention_waits_once_and_can_be_repeated_after_it_was_taken_up(memory: ClusterInMemory) -> None:
    intervene("pause")
    assert "still stands" in intervene("pause").stdout
    (first,) = memory.decided()
    memory.model(IN_CANARY | {"takenUp": [first["metadata"]["name"]]})
    assert "recorded" in intervene("pause").stdout
    assert [entry["metadata"]["name"] for entry in memory.decided()] == [first["metadata"]["name"], first["metadata"]["name"] + "-2"]
