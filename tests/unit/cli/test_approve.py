"""approve: what it shows, what it writes, and what it refuses."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from tests.unit.cli.cluster_in_memory import (
    CANDIDATE,
    GATE,
    IN_CANARY,
    LIVE,
    ROLLED_BACK,
    STATEMENT,
    SUBJECT,
    SUBJECT8,
    ClusterInMemory,
    headgate,
)

from headgate.api.approval import GovernanceApprovalSpec
from headgate.kube.errors import Forbidden

APPROVE = ("approve", "credit-scorer", "-n", "lending", "--role", "fairness-audit")
DECIDED = (*APPROVE, "--yes", "--rationale", "parity 0.91")
NAME = f"credit-scorer-deployment-fairness-audit-{SUBJECT8}"


def test_it_records_exactly_what_the_gate_asks_for(memory: ClusterInMemory) -> None:
    result = headgate(*DECIDED, "--expires", "30d", "--evidence", f"report=https://x/y@z@sha256:{'0' * 64}", "--evidence", "note=uri")
    assert result.exit_code == 0, result.output
    (created,) = memory.decided()
    assert created["metadata"]["name"] == NAME
    assert created["metadata"]["namespace"] == "lending"
    spec = GovernanceApprovalSpec.model_validate(created["spec"])
    assert (spec.decision, spec.gate, spec.role, spec.subject) == ("Approve", "Deployment", "fairness-audit", SUBJECT)
    assert (spec.approver, spec.rationale) == ("dana@bank.example", "parity 0.91")
    assert spec.expires_at is not None
    assert abs(spec.expires_at - datetime.now(UTC) - timedelta(days=30)) < timedelta(minutes=1)
    assert [(e.type, e.uri, e.digest) for e in spec.evidence] == [
        ("report", "https://x/y@z", f"sha256:{'0' * 64}"),
        ("note", "uri", None),
    ]


def test_it_shows_what_is_approved_and_asks(memory: ClusterInMemory) -> None:
    memory.publish(**{"statement.json": json.dumps(STATEMENT)})
    result = headgate(*APPROVE, typed="looked at it\nn\n")
    assert result.exit_code == 1
    assert memory.decided() == ()
    for shown in (SUBJECT, "2.3.1 (revision 22222222, attempt 3)", "production", "dana@bank.example", "Medium", "chen@bank.example until"):
        assert shown in result.stderr
    assert headgate(*APPROVE, typed="looked at it\ny\n").exit_code == 0
    assert memory.decided()[0]["spec"]["rationale"] == "looked at it"


def test_json_prints_the_created_object_and_nothing_else(memory: ClusterInMemory) -> None:
    result = headgate(*DECIDED, "-o", "json")
    assert json.loads(result.stdout)["metadata"]["name"] == NAME


def test_impersonation_and_context_reach_the_client(memory: ClusterInMemory) -> None:
    headgate(*DECIDED, "--as", "eve", "--context", "prod")
    assert {(a.user, a.context, a.namespace) for a in memory.accesses} == {("eve", "prod", "lending")}


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (LIVE, "no rollout of credit-scorer is under way (phase Live; 2.3.0 is live)"),
        (ROLLED_BACK, "was taken back"),
        (IN_CANARY | {"candidate": CANDIDATE | {"gate": None}}, "nothing to approve yet"),
        (IN_CANARY | {"candidate": CANDIDATE | {"gate": None, "kind": "Unchanged"}}, "approved before"),
        ({}, "phase Pending"),
    ],
)
def test_nothing_to_approve_is_said_clearly(memory: ClusterInMemory, status: dict[str, Any], words: str) -> None:
    memory.model(status)
    result = headgate(*DECIDED)
    assert result.exit_code == 1
    assert "nothing to approve" in result.stderr
    assert words in result.stderr
    assert memory.decided() == ()


@pytest.mark.parametrize(
    ("role", "user", "words"),
    [
        ("automated-checks", "dana", "computed from the shadow verdict"),
        ("legal-approval", "dana", "technical-validation, fairness-audit is"),
        ("fairness-audit", "Chen@bank.example", "technical owner"),
    ],
)
def test_roles_that_one_may_not_give(memory: ClusterInMemory, role: str, user: str, words: str) -> None:
    memory.user = user
    result = headgate("approve", "credit-scorer", "-n", "lending", "--role", role, "--yes", "--rationale", "r")
    assert result.exit_code == 1
    assert words in result.stderr
    assert memory.decided() == ()


@pytest.mark.parametrize(
    "arguments",
    [
        (*APPROVE[:-1], "wizard"),
        APPROVE[:4],
        (*DECIDED, "--expires", "2 weeks"),
        (*DECIDED, "--expires", "0s"),
        (*DECIDED, "--evidence", "report"),
        (*DECIDED, "--evidence", "=uri"),
        (*DECIDED, "--evidence", "report=uri@sha256:12"),
        (*APPROVE, "--yes"),
    ],
)
def test_wrong_usage_is_2_and_decides_nothing(memory: ClusterInMemory, arguments: tuple[str, ...]) -> None:
    assert headgate(*arguments).exit_code == 2
    assert memory.decided() == ()


def test_admission_speaks_word_for_word(memory: ClusterInMemory) -> None:
    memory.denied["governanceapprovals"] = Forbidden("dana may not approve deployment.fairness-audit", status=403)
    result = headgate(*DECIDED)
    assert result.exit_code == 1
    assert "error: dana may not approve deployment.fairness-audit" in result.stderr


def test_deciding_twice_adds_nothing(memory: ClusterInMemory) -> None:
    headgate(*DECIDED)
    again = headgate(*DECIDED)
    assert again.exit_code == 0
    assert "still stands" in again.stdout
    assert len(memory.decided()) == 1


@pytest.mark.parametrize("change", [{"status": {"state": "NotCounted"}}, {"approver": "eve"}, {"expiresAt": "2020-01-01T00:00:00Z"}])
def test_a_decision_that_has_had_its_time_is_followed_by_another(memory: ClusterInMemory, change: dict[str, Any]) -> None:
    headgate(*DECIDED)
    old = memory.decided()[0]
    old.update({"status": change["status"]} if "status" in change else {"spec": old["spec"] | change})
    assert "recorded" in headgate(*DECIDED).stdout
    assert {entry["metadata"]["name"] for entry in memory.decided()} == {NAME, f"{NAME}-2"}


def test_notes_about_limits(memory: ClusterInMemory) -> None:
    long = headgate(*DECIDED, "--expires", "300d")
    assert "counts for 180 days at most" in long.stderr
    gate = GATE | {"counted": ["fairness-audit: eve until 2027-01-01 00:00 UTC"]}
    memory.model(IN_CANARY | {"candidate": CANDIDATE | {"gate": gate}})
    assert "already given" in headgate(*APPROVE, typed="r\nn\n").stderr


def test_a_forged_statement_stops_the_approval(memory: ClusterInMemory) -> None:
    memory.publish(**{"statement.json": json.dumps(STATEMENT | {"environment": "staging"})})
    for arguments in (DECIDED, ("subject", "credit-scorer", "-n", "lending")):
        result = headgate(*arguments)
        assert result.exit_code == 1
        assert "do not approve" in result.stderr
    assert memory.decided() == ()


def test_subject_prints_the_digest_and_the_verified_statement(memory: ClusterInMemory) -> None:
    bare = headgate("subject", "credit-scorer", "-n", "lending")
    assert bare.stdout == f"{SUBJECT}\n"
    assert "no statement" in bare.stderr
    memory.publish(**{"statement.json": json.dumps(STATEMENT)})
    printed = headgate("subject", "credit-scorer", "-n", "lending", "-o", "json")
    assert json.loads(printed.stdout) == {"subject": SUBJECT, "statement": STATEMENT}
    assert headgate("subject", "credit-scorer", "-n", "lending").stdout.startswith(f"{SUBJECT}\n{{")
