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
    POLICY,
    ROLLED_BACK,
    STATEMENT,
    SUBJECT,
    SUBJECT8,
    ClusterInMemory,
    headgate,
)

from headgate.api.approval import GovernanceApprovalSpec
from headgate.api.vocabulary import Mode, Tier
from headgate.governance.subjects import deployment_statement, subject_of
from headgate.kube.errors import Forbidden, KubeError, NotFound

APPROVE = ("approve", "credit-scorer", "-n", "lending", "--role", "fairness-audit")
SUBJECT_COMMAND = ("subject", "credit-scorer", "-n", "lending")
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


def test_nothing_empty_is_written_that_an_earlier_release_may_not_know(memory: ClusterInMemory) -> None:
    assert headgate(*DECIDED).exit_code == 0
    (created,) = memory.decided()
    assert not [name for name, value in created["spec"].items() if value in ([], {}, None)]


def test_it_shows_what_is_approved_and_asks(memory: ClusterInMemory) -> None:
    result = headgate(*APPROVE, typed="looked at it\nn\n")
    assert result.exit_code == 1
    assert memory.decided() == ()
    for shown in (SUBJECT, "2.3.1 (revision 22222222, attempt 3)", "production", "dana@bank.example", "Medium", "chen@bank.example until"):
        assert shown in result.stderr
    assert headgate(*APPROVE, typed="looked at it\ny\n").exit_code == 0
    assert memory.decided()[0]["spec"]["rationale"] == "looked at it"


def test_a_version_that_evidence_will_not_take_back_is_approved_as_such(memory: ClusterInMemory) -> None:
    statement = deployment_statement(
        environment="production",
        namespace="lending",
        name="credit-scorer",
        content=CANDIDATE["content"],
        tier=Tier.MEDIUM,
        policy=POLICY,
        mode=Mode.OBSERVE,
    )
    assert "Observe" not in headgate(*APPROVE, typed="r\nn\n").stderr
    gate = GATE | {"mode": "Observe", "subject": subject_of(statement)}
    memory.model(IN_CANARY | {"candidate": CANDIDATE | {"gate": gate}})
    assert "mode         Observe: evidence takes this version back" in headgate(*APPROVE, typed="r\nn\n").stderr
    assert json.loads(headgate(*SUBJECT_COMMAND, "-o", "json").stdout)["statement"] == statement


def test_what_could_not_be_verified_is_said(memory: ClusterInMemory) -> None:
    assert "not verified" not in headgate(*APPROVE, typed="r\nn\n").stderr
    memory.denied["configmaps"] = Forbidden("no ConfigMaps for you", status=403)
    told = headgate(*APPROVE, typed="r\nn\n").stderr
    assert "not verified" in told
    assert CANDIDATE["policyCopy"] in told


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


WEAKER = POLICY.model_copy(update={"guards": ()}).model_dump_json(by_alias=True, exclude_none=True)
ANOTHER_GATE = [{"environment": "staging"}, {"tier": "High"}, {"subject": f"sha256:{'0' * 64}"}]


def refuses_to_approve(memory: ClusterInMemory) -> None:
    for arguments in (DECIDED, SUBJECT_COMMAND):
        result = headgate(*arguments)
        assert result.exit_code == 1
        assert "do not approve" in result.stderr
        assert "{" not in result.stdout
    assert memory.decided() == ()


@pytest.mark.parametrize("text", [WEAKER, "", "{}", "not json"])
def test_an_edited_policy_copy_stops_the_approval(memory: ClusterInMemory, text: str) -> None:
    memory.policy_text(text)
    refuses_to_approve(memory)


@pytest.mark.parametrize("change", ANOTHER_GATE)
def test_a_gate_about_something_else_stops_the_approval(memory: ClusterInMemory, change: dict[str, str]) -> None:
    memory.model(IN_CANARY | {"candidate": CANDIDATE | {"gate": GATE | change}})
    refuses_to_approve(memory)


def test_other_content_stops_the_approval(memory: ClusterInMemory) -> None:
    memory.model(IN_CANARY | {"candidate": CANDIDATE | {"content": f"sha256:{'cd' * 32}"}})
    refuses_to_approve(memory)


def test_subject_prints_the_digest_and_the_statement_made_anew(memory: ClusterInMemory) -> None:
    printed = headgate(*SUBJECT_COMMAND, "-o", "json")
    assert json.loads(printed.stdout) == {"subject": SUBJECT, "statement": STATEMENT}
    digest, _, statement = headgate(*SUBJECT_COMMAND).stdout.partition("\n")
    assert (digest, json.loads(statement)) == (SUBJECT, STATEMENT)


@pytest.mark.parametrize("error", [Forbidden("no ConfigMaps for you", status=403), NotFound("gone", status=404, reason="NotFound")])
def test_subject_without_the_policy_prints_only_the_digest(memory: ClusterInMemory, error: KubeError) -> None:
    memory.denied["configmaps"] = error
    bare = headgate(*SUBJECT_COMMAND)
    assert bare.stdout == f"{SUBJECT}\n"
    assert CANDIDATE["policyCopy"] in bare.stderr
    assert json.loads(headgate(*SUBJECT_COMMAND, "-o", "json").stdout) == {"subject": SUBJECT, "statement": None}
