"""vendor and fingerprint: files, no cluster; and what gates and explain say of a vendor."""

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.resources import ROOT
from tests.unit.cli.cluster_in_memory import IN_CANARY, ClusterInMemory, headgate, pointed_at
from tests.unit.replay.servers import serving

from headgate.api.aimodel import Classification
from headgate.api.vendor import Vendor
from headgate.api.vocabulary import Tier, VendorCriterion
from headgate.governance.subjects import subject_of, use_case_statement
from headgate.kube.resources import AIMODELS

LOW = {str(criterion): "Low" for criterion in VendorCriterion}
WHERE = ("credit-scorer", "-n", "lending")


def written(folder: Path, evaluation: dict[str, str] | None = None, **more: Any) -> str:
    vendor = {"name": "Acme", "product": "Scores 3", "evaluation": evaluation if evaluation is not None else LOW, **more}
    file = folder / "model.yaml"
    file.write_text(yaml.safe_dump({"kind": "AIModel", "metadata": {"name": "credit"}, "spec": {"vendor": vendor}}))
    return str(file)


def test_it_says_what_the_evaluation_comes_to_rating_by_rating(tmp_path: Path) -> None:
    notice = {"date": "2026-03-01", "effective": "2026-03-31", "what": "Scores 3.1"}
    done = headgate("vendor", "-f", written(tmp_path, LOW | {"security": "High", "auditRights": "Critical"}, changeNotices=[notice]))
    assert done.exit_code == 0, done.output
    for words in (
        "Acme Scores 3: WITH_CONDITIONS",
        "auditRights is Critical; security is High",
        "biasTesting       0.15  Low (1), veto",
        "security          0.15  High (3), veto",
        "with 30 days of notice, less than the 60 days that the contract asks for; it may be put off until 2026-06-29",
    ):
        assert words in done.stdout


def test_an_unquoted_date_is_a_date(tmp_path: Path) -> None:
    file = tmp_path / "model.yaml"
    notices = "[{date: 2026-03-01, effective: 2026-04-30, what: new}]"
    file.write_text(f"kind: AIModel\nspec: {{vendor: {{name: A, product: B, changeNotices: {notices}}}}}")
    assert "with 60 days of notice of 60 days" in headgate("vendor", "-f", str(file)).stdout


@pytest.mark.parametrize(
    ("evaluation", "shown"),
    [(LOW | {"liability": "Critical"}, "REJECTED (1.15 of 4)"), ({"security": "Low"}, "REQUIRES_REMEDIATION; trainingData is not rated")],
)
def test_what_keeps_the_gate_closed_is_an_error_for_scripts(tmp_path: Path, evaluation: dict[str, str], shown: str) -> None:
    done = headgate("vendor", "-f", written(tmp_path, evaluation))
    assert done.exit_code == 1
    assert shown in done.stdout


def test_vetoes_of_a_policy(tmp_path: Path) -> None:
    policy = yaml.safe_load((ROOT / "examples" / "policies" / "standard.yaml").read_text())
    policy["spec"]["gates"]["vendor"] = {"vetoes": ["auditRights"]}
    file = tmp_path / "policy.yaml"
    file.write_text(yaml.safe_dump(policy))
    done = headgate("vendor", "-f", written(tmp_path, LOW | {"auditRights": "Critical"}), "--policy", str(file))
    assert (done.exit_code, "REJECTED" in done.stdout) == (1, True)


@pytest.mark.parametrize(
    ("vendor", "fault"),
    [
        ({"evaluation": LOW | {"security": "Fine"}}, "spec.vendor.evaluation.security"),
        ({"changeNotices": [{"date": "2026-04-02", "effective": "2026-04-01", "what": "x"}]}, "effective must not be before date"),
        ({"fingerprint": {"probes": {"configMap": {"name": "x"}}, "compare": [{"pointer": "/a"}]}}, "probes.digest is required"),
    ],
)
def test_a_mistake_is_named(tmp_path: Path, vendor: dict[str, Any], fault: str) -> None:
    evaluation = vendor.pop("evaluation", LOW)
    done = headgate("vendor", "-f", written(tmp_path, evaluation, **vendor))
    assert done.exit_code == 1
    assert fault in done.output


def test_a_model_of_ones_own_has_none(tmp_path: Path) -> None:
    file = tmp_path / "model.yaml"
    file.write_text("kind: AIModel\nspec: {}")
    assert "spec.vendor is not there" in headgate("vendor", "-f", str(file)).output


@pytest.mark.parametrize("output", ["json", "yaml"])
def test_programs_read_it(tmp_path: Path, output: str) -> None:
    told = yaml.safe_load(headgate("vendor", "-f", written(tmp_path), "-o", output).stdout)
    assert (told["recommendation"], told["score"]) == ("APPROVED", "1.00")


def test_answers_are_recorded_with_their_digest(tmp_path: Path) -> None:
    requests, file = tmp_path / "requests.jsonl", tmp_path / "probes.jsonl"
    requests.write_text('{"id": "a", "body": {"n": 1}}\n\n{"body": {"n": 2}, "path": "/other"}\n')
    with serving(lambda method, path, body, headers: (200, json.dumps({"n": body["n"], "at": path}).encode())) as model:
        done = headgate("fingerprint", str(requests), "--url", f"{model}/", "-f", str(file), "--path", "/score")
    assert done.exit_code == 0, done.output
    data = file.read_bytes()
    assert f"sha256:{hashlib.sha256(data).hexdigest()}" in done.stdout
    assert [json.loads(line)["answer"] for line in data.splitlines()] == [{"n": 1, "at": "/score"}, {"n": 2, "at": "/other"}]


def test_a_file_that_cannot_be_used_is_named(tmp_path: Path) -> None:
    done = headgate("fingerprint", str(tmp_path / "none"), "--url", "http://127.0.0.1:1", "-f", str(tmp_path / "probes"))
    assert (done.exit_code, "No such file" in done.output) == (1, True)


VENDOR: dict[str, Any] = {
    "recommendation": "WITH_CONDITIONS",
    "score": "1.60",
    "reasons": ["security is High"],
    "fingerprint": {
        "asked": "sha256:" + "1" * 64,
        "revision": "01234567",
        "state": "UnannouncedChange",
        "since": "2026-11-20T12:00:00Z",
        "requests": 20,
        "alike": 17,
        "message": "the vendor's model answers otherwise, and no change notice covers that day",
    },
}


@pytest.mark.parametrize("command", ["gates", "explain"])
def test_a_vendor_is_shown(command: str, monkeypatch: pytest.MonkeyPatch) -> None:
    memory = ClusterInMemory()
    memory.model(IN_CANARY | {"vendor": VENDOR})
    pointed_at(memory, monkeypatch)
    shown = headgate(command, *WHERE).stdout
    assert "The evaluation is WITH_CONDITIONS (1.60 of 4); security is High." in shown
    assert "17 of 20 probes are answered as recorded since 2026-11-20 12:00 UTC: the vendor's model answers otherwise" in shown


def test_approvers_see_the_vendor_and_the_subject_of_the_statement_with_it(monkeypatch: pytest.MonkeyPatch) -> None:
    classification = {"domain": "CreditScoring", "decisions": "Automated", "affectedRights": [], "practices": [], "regions": ["EU"]}
    vendor = {"name": "Acme", "product": "Scores 3", "evaluation": LOW}
    statement = use_case_statement(
        environment="production",
        namespace="lending",
        name="credit-scorer",
        classification=Classification.model_validate(classification),
        requirements=None,
        tier=Tier.HIGH,
        vendor=Vendor.model_validate(vendor),
    )
    asked = {"subject": subject_of(statement), "environment": "production", "tier": "High", "required": ["risk-review"]}
    memory = ClusterInMemory()
    memory.model({"phase": "AwaitingUseCase", "useCase": asked, "vendor": VENDOR})
    spec = memory.objects[AIMODELS.plural, "lending", "credit-scorer"]["spec"]
    spec["classification"], spec["vendor"] = classification, vendor
    pointed_at(memory, monkeypatch)
    assert '"product": "Scores 3"' in headgate("subject", *WHERE, "--gate", "UseCase").stdout
    how = ("--role", "risk-review", "--gate", "UseCase", "--rationale", "looked at it", "--condition", "a person decides")
    done = headgate("approve", *WHERE, *how, typed="y\n")
    assert done.exit_code == 0, done.output
    assert "vendor       Acme: Scores 3" in done.stderr
    assert "The evaluation is WITH_CONDITIONS (1.60 of 4)" in done.stderr
