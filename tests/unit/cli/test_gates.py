"""gates, and approve and subject at the gates of the use case."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from tests.unit.cli.cluster_in_memory import IN_CANARY, LIVE, ClusterInMemory, headgate, pointed_at

from headgate.api.aimodel import Classification
from headgate.api.dossier import Requirements
from headgate.api.vocabulary import Tier
from headgate.governance.subjects import subject_of, tier_lowering_statement, use_case_statement
from headgate.kube.resources import AIMODELS

CLASSIFICATION: dict[str, Any] = {
    "domain": "CreditScoring",
    "decisions": "Automated",
    "affectedRights": ["Privacy"],
    "practices": [],
    "regions": ["EU"],
}
REQUIREMENTS: dict[str, Any] = {"businessContext": "Fewer losses", "technicalScope": {"excludes": ["mortgages"]}}
STATEMENT = use_case_statement(
    environment="production",
    namespace="lending",
    name="credit-scorer",
    classification=Classification.model_validate(CLASSIFICATION),
    requirements=Requirements.model_validate(REQUIREMENTS),
    vendor=None,
    tier=Tier.HIGH,
)
SUBJECT = subject_of(STATEMENT)
ASKED: dict[str, Any] = {
    "subject": SUBJECT,
    "environment": "production",
    "tier": "High",
    "required": ["business-owner", "risk-review", "legal-approval", "legal-approval"],
    "missing": ["legal-approval: 1 of 2 approvals; a different person is needed"],
    "counted": ["business-owner: maria@bank.example until 2027-02-01 12:00 UTC"],
}
APPROVED: dict[str, Any] = ASKED | {"open": True, "missing": [], "standsFor": SUBJECT, "until": "2027-02-01T12:00:00Z", "warned": 30}
ENDED = ASKED | {"standsFor": SUBJECT, "until": "2026-11-01T12:00:00Z", "lapsedSince": "2026-11-01T12:00:00Z"}
WAITING: dict[str, Any] = {"phase": "AwaitingUseCase", "useCase": ASKED, "tier": "High"}
WHERE = ("credit-scorer", "-n", "lending")
APPROVE = ("approve", *WHERE, "--role", "legal-approval", "--yes", "--rationale", "looked at it")


@pytest.fixture
def at(monkeypatch: pytest.MonkeyPatch) -> Any:
    """A cluster with one model of that status."""

    def made(status: dict[str, Any]) -> ClusterInMemory:
        memory = ClusterInMemory()
        memory.model(status)
        spec = memory.objects[AIMODELS.plural, "lending", "credit-scorer"]["spec"]
        spec["classification"], spec["requirements"] = CLASSIFICATION, REQUIREMENTS
        pointed_at(memory, monkeypatch)
        return memory

    return made


def test_gates_shows_those_that_ask_for_something(at: Any) -> None:
    at(IN_CANARY | {"useCase": APPROVED})
    shown = headgate("gates", *WHERE).stdout
    for words in ("UseCase gate is open", "Deployment gate is closed", "fairness-audit: nobody", "stands until 2027-02-01 12:00:00 UTC"):
        assert words in shown
    at(WAITING)
    shown = headgate("gates", *WHERE).stdout
    assert "UseCase gate is closed" in shown
    assert "the use case of credit-scorer comes first" in shown


@pytest.mark.parametrize("output", ["json", "yaml"])
def test_gates_for_programs(at: Any, output: str) -> None:
    at(IN_CANARY | {"useCase": ENDED})
    told = headgate("gates", *WHERE, "-o", output).stdout
    found = (json.loads(told) if output == "json" else yaml.safe_load(told))["gates"]
    assert set(found) == {"UseCase", "Deployment", "Continuation"}
    assert (found["UseCase"]["open"], found["Continuation"]["open"]) == (False, False)
    assert found["Deployment"]["missing"]


def test_a_use_case_is_approved_by_its_own_subject_after_it_was_shown(at: Any) -> None:
    memory = at(WAITING)
    done = headgate(*APPROVE, "--gate", "UseCase")
    assert done.exit_code == 0, done.output
    (created,) = memory.decided()
    assert created["spec"]["gate"] == "UseCase"
    assert created["spec"]["subject"] == SUBJECT
    assert created["metadata"]["name"] == f"credit-scorer-usecase-legal-approval-{SUBJECT.removeprefix('sha256:')[:8]}"
    for words in (
        "at the gate UseCase",
        "CreditScoring",
        "Fewer losses",
        "not for      mortgages",
        "practices    none",
        "maria@bank.example",
    ):
        assert words in done.stderr


@pytest.mark.parametrize(
    ("arguments", "status", "says"),
    [
        (("--gate", "Deployment"), WAITING, "the use case of credit-scorer comes first (--gate UseCase)"),
        (("--gate", "UseCase"), IN_CANARY, "asks for no approved use case"),
        (("--gate", "Continuation"), WAITING, "there is nothing to continue"),
        (("--gate", "UseCase", "--role", "fairness-audit"), WAITING, "by the gate UseCase: business-owner, risk-review, legal-approval is"),
    ],
)
def test_what_there_is_not_to_approve_is_refused(at: Any, arguments: tuple[str, ...], status: dict[str, Any], says: str) -> None:
    memory = at(status)
    refused = headgate(*APPROVE, *arguments)
    assert refused.exit_code == 1
    assert says in refused.stderr
    assert memory.decided() == ()


def test_a_continuation_is_a_decision_of_its_own_each_time(at: Any) -> None:
    memory = at(IN_CANARY | {"useCase": APPROVED})
    for days in ("30d", "60d", "60d"):
        assert headgate(*APPROVE, "--gate", "Continuation", "--expires", days).exit_code == 0
    names = [made["metadata"]["name"] for made in memory.decided()]
    assert names[0].startswith("credit-scorer-continuation-legal-approval-")
    assert names[1] == f"{names[0]}-2"


@pytest.mark.parametrize(("verb", "gate"), [("reject", "UseCase"), ("reject", "Continuation"), ("revoke", "Continuation")])
def test_no_to_a_use_case(at: Any, verb: str, gate: str) -> None:
    memory = at(LIVE | {"useCase": APPROVED | {"standsFor": "sha256:" + "5a" * 32}})
    done = headgate(verb, *APPROVE[1:], "--gate", gate)
    assert done.exit_code == 0, done.output
    assert "its use case" in done.stderr
    (created,) = memory.decided()
    subject = SUBJECT if verb == "reject" else "sha256:" + "5a" * 32
    assert (created["spec"]["gate"], created["spec"]["decision"], created["spec"]["subject"]) == (gate, verb.capitalize(), subject)


@pytest.mark.parametrize(("verb", "status", "says"), [("reject", LIVE, "nothing to reject"), ("revoke", WAITING, "never approved")])
def test_no_use_case_to_say_no_to(at: Any, verb: str, status: dict[str, Any], says: str) -> None:
    memory = at(status)
    refused = headgate(verb, *APPROVE[1:], "--gate", "UseCase")
    assert refused.exit_code == 1
    assert says in refused.stderr
    assert memory.decided() == ()


def test_a_use_case_is_signed_for_its_own_environment(at: Any, tmp_path: Path) -> None:
    memory = at(WAITING)
    file = tmp_path / "key.pem"
    file.write_bytes(Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    done = headgate(*APPROVE, "--gate", "UseCase", "--sign", str(file), "-o", "yaml")
    assert done.exit_code == 0, done.output
    spec = yaml.safe_load(done.stdout)["spec"]
    assert (spec["gate"], spec["subject"], spec["signature"]["environment"]) == ("UseCase", SUBJECT, "production")
    assert memory.decided() == ()


def test_the_statement_of_a_use_case_is_made_anew_and_compared(at: Any) -> None:
    memory = at(WAITING)
    told = json.loads(headgate("subject", *WHERE, "--gate", "UseCase", "-o", "json").stdout)
    assert told == {"subject": SUBJECT, "statement": STATEMENT}
    memory.objects[AIMODELS.plural, "lending", "credit-scorer"]["spec"]["requirements"] = {}
    refused = headgate("subject", *WHERE, "--gate", "UseCase")
    assert refused.exit_code == 1
    assert "does not have the digest" in refused.stderr
    assert headgate(*APPROVE, "--gate", "UseCase").exit_code == 1
    assert memory.decided() == ()


@pytest.mark.parametrize("command", ["status", "explain"])
def test_status_and_explain_say_what_to_type(at: Any, command: str) -> None:
    at(WAITING)
    shown = headgate(command, *WHERE).stdout
    assert "legal-approval: 1 of 2 approvals" in shown
    assert "approve credit-scorer -n lending --gate UseCase --role legal-approval" in shown
    at(IN_CANARY | {"useCase": APPROVED})
    assert "--gate Continuation --role business-owner" in headgate(command, *WHERE).stdout
    at(IN_CANARY | {"useCase": ENDED})
    assert "--gate Continuation --role legal-approval" in headgate(command, *WHERE).stdout


LOWERING: dict[str, Any] = {
    "subject": subject_of(
        tier_lowering_statement(
            environment="production",
            namespace="lending",
            name="credit-scorer",
            classification=Classification.model_validate(CLASSIFICATION),
            requirements=Requirements.model_validate(REQUIREMENTS),
            vendor=None,
            table_tier=Tier.HIGH,
            declared=Tier.LOW,
        )
    ),
    "environment": "production",
    "tier": "High",
    "declared": "Low",
    "required": ["legal-approval"],
    "missing": ["legal-approval: nobody has approved yet"],
}


def test_gates_shows_a_tier_that_is_to_be_lowered(at: Any) -> None:
    at(IN_CANARY | {"tierLowering": LOWERING})
    shown = headgate("gates", *WHERE).stdout
    assert "The TierLowering gate is closed (tier High, Low is declared, subject" in shown
    assert "Missing: legal-approval: nobody has approved yet" in shown
    found = json.loads(headgate("gates", *WHERE, "-o", "json").stdout)["gates"]["TierLowering"]
    assert (found["open"], found["tier"], found["declared"]) == (False, "High", "Low")
    at(IN_CANARY)
    assert "TierLowering" not in headgate("gates", *WHERE).stdout


@pytest.mark.parametrize("verb", ["approve", "reject", "revoke"])
def test_a_lower_tier_is_decided_on_by_its_own_subject(at: Any, verb: str) -> None:
    memory = at(IN_CANARY | {"tierLowering": LOWERING})
    done = headgate(verb, *APPROVE[1:], "--gate", "TierLowering")
    assert done.exit_code == 0, done.output
    (created,) = memory.decided()
    assert (created["spec"]["gate"], created["spec"]["subject"]) == ("TierLowering", LOWERING["subject"])
    assert ("High, to be lowered to Low" if verb == "approve" else "tier Low instead of High") in done.stderr


def test_the_statement_of_a_lower_tier_says_both_tiers(at: Any) -> None:
    at(IN_CANARY | {"tierLowering": LOWERING})
    shown = headgate("subject", *WHERE, "--gate", "TierLowering", "-o", "json").stdout
    statement = json.loads(shown)["statement"]
    assert (statement["kind"], statement["tableTier"], statement["tier"]) == ("tierLowering", "High", "Low")


def test_where_no_lower_tier_is_declared_there_is_nothing_to_approve(at: Any) -> None:
    memory = at(IN_CANARY)
    refused = headgate(*APPROVE, "--gate", "TierLowering")
    assert "declares no tier below the table's" in refused.stderr
    assert memory.decided() == ()
