"""lint: what is wrong with manifests, on which line, and how badly."""

import json
from collections.abc import Callable
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.unit.cli.cluster_in_memory import headgate

from headgate.api.aimodel import Classification
from headgate.api.vendor import Vendor
from headgate.api.vocabulary import Tier
from headgate.cli.manifest_file import Unreadable, documents_in
from headgate.governance.subjects import subject_of, tier_lowering_statement, use_case_statement

ROOT = Path(__file__).resolve().parents[3]
DIGEST = "sha256:" + "ab" * 32
MODEL: dict[str, Any] = {
    "apiVersion": "headgate.dev/v1alpha1",
    "kind": "AIModel",
    "metadata": {"name": "credit-scorer", "namespace": "lending"},
    "spec": {
        "version": "2.3.1",
        "policy": {"name": "careful"},
        "artifact": {"uri": "s3://models/credit/2.3.1/", "digest": DIGEST},
        "serving": {
            "deployment": {"template": {"spec": {"containers": [{"name": "model", "image": f"registry.example/credit@{DIGEST}"}]}}},
            "sideEffects": "None",
        },
        "traffic": {"parentRefs": [{"name": "public", "namespace": "gateways"}]},
        "owners": {"business": {"user": "maria@bank.example"}, "technical": {"user": "chen@bank.example"}},
        "classification": {"declaredTier": "Medium"},
    },
}
POLICY: dict[str, Any] = {
    "apiVersion": "headgate.dev/v1alpha1",
    "kind": "RolloutPolicy",
    "metadata": {"name": "careful", "namespace": "headgate-system"},
    "spec": {
        "stages": [
            {"name": "shadow", "mirrorPercent": 100, "minDuration": "1h", "maxDuration": "1d"},
            {"name": "full", "holdbackPercent": 1, "minDuration": "1d", "maxDuration": "3d"},
        ],
    },
}


def person(name: str, *roles: str, until: str = "2100-01-01T00:00:00Z") -> dict[str, Any]:
    return {"name": name, "usernames": [f"{name}@bank.example"], "roles": list(roles), "trainingValidUntil": until}


STORE: dict[str, Any] = {
    "apiVersion": "headgate.dev/v1alpha1",
    "kind": "TrustStore",
    "metadata": {"name": "headgate", "namespace": "headgate-system"},
    "spec": {"persons": [person("chen", "technical-validation"), person("dana", "fairness-audit"), person("sam", "security-review")]},
}
APPROVAL: dict[str, Any] = {
    "apiVersion": "headgate.dev/v1alpha1",
    "kind": "GovernanceApproval",
    "metadata": {"name": "credit-scorer-deployment-fairness-audit-abababab", "namespace": "lending"},
    "spec": {
        "model": "credit-scorer",
        "decision": "Approve",
        "gate": "Deployment",
        "role": "fairness-audit",
        "approver": "dana@bank.example",
        "subject": DIGEST,
        "rationale": "Parity 0.91.",
        "expiresAt": "2100-01-01T00:00:00Z",
    },
}


def changed(manifest: dict[str, Any], path: str, value: Any) -> dict[str, Any]:
    """A copy with one field set; a value of None takes it out."""
    made = deepcopy(manifest)
    *into, last = [int(part) if part.isdigit() else part for part in path.split(".")]
    holder: Any = made
    for part in into:
        holder = holder[part]
    if value is None:
        del holder[last]
    else:
        holder[last] = value
    return made


Linted = Callable[..., dict[str, Any]]


@pytest.fixture
def linted(tmp_path: Path) -> Linted:
    """Writes objects into one file and says what lint finds."""

    def run(*objects: dict[str, Any], options: tuple[str, ...] = (), code: int | None = None) -> dict[str, Any]:
        file = tmp_path / "all.yaml"
        file.write_text(yaml.safe_dump_all(objects, sort_keys=False))
        done = headgate("lint", str(file), "-o", "json", *options)
        found: dict[str, Any] = json.loads(done.stdout)
        assert done.exit_code == (bool(found["errors"]) if code is None else code), done.output
        found["text"] = file.read_text().splitlines()
        return found

    return run


def test_what_fits_together_is_not_complained_about(linted: Linted) -> None:
    found = linted(MODEL, POLICY, STORE)
    assert (found["objects"], found["findings"]) == (3, [])


SCORE = {"name": "csat", "dimension": "Adoption", "bad": "1", "good": "5", "stated": {"value": "4.2", "asOf": "2026-10-01"}}
CASE = {
    "developmentCosts": 500_000,
    "infrastructurePerYear": 60_000,
    "operationPerYear": 90_000,
    "revenueImpactPerYear": 250_000,
    "costSavingsPerYear": 200_000,
}
_STAGE = "spec.stages.0.minDuration"


@pytest.mark.parametrize(
    ("objects", "severity", "rule", "line", "words"),
    [
        ([changed(MODEL, "spec.artifact.digest", "latest"), POLICY], "error", "schema", "digest: latest", "spec.artifact.digest: String"),
        ([changed(MODEL, "spec.verison", "1"), POLICY], "error", "schema", "verison:", "spec.verison: there is no such field"),
        ([changed(MODEL, "spec.version", None), POLICY], "error", "schema", "spec:", "spec.version: Field required"),
        ([MODEL | {"spce": {}}, POLICY], "error", "schema", "spce:", "spce: there is no such field"),
        ([MODEL | {"kind": "AiModel"}, POLICY], "error", "kind", "kind: AiModel", "there is no AiModel of headgate.dev/v1alpha1"),
        ([MODEL | {"apiVersion": "headgate.dev/v1"}, POLICY], "error", "kind", "kind: AIModel", "there is no AIModel of headgate.dev/v1:"),
        ([changed(MODEL, "metadata.name", "Credit_Scorer"), POLICY], "error", "name", "name: Credit_Scorer", "at most 50 lower-case"),
        ([changed(MODEL, "metadata.name", None), POLICY], "error", "name", "metadata:", "metadata.name is missing"),
        ([MODEL, MODEL, POLICY], "error", "twice", "name: credit-scorer", "it is written twice"),
        ([changed(STORE, "metadata.name", "mine")], "error", "name", "name: mine", "there is one trust store: name it headgate"),
        ([MODEL, changed(POLICY, _STAGE, "1s")], "error", "schema", "spec:", "at least 2 x warmup + 4 x interval = 3m"),
        ([changed(MODEL, "spec.policy.name", "crefal"), POLICY], "error", "policy-missing", "name: crefal", "there are careful"),
        ([MODEL], "note", "policy-unread", "name: careful", "name its file as well"),
        ([MODEL, changed(POLICY, _STAGE, "soon")], "note", "policy-unread", "name: careful", "policy careful cannot be read"),
        (
            [changed(MODEL, "spec.serving.sideEffects", "Some"), POLICY],
            "error",
            "policy-misfit",
            "serving:",
            "set spec.serving.sideEffects",
        ),
        (
            [
                changed(
                    changed(
                        MODEL, "spec.requirements", {"successMetrics": [{"name": "good payments that are stopped", "threshold": "< 1 %"}]}
                    ),
                    "spec.monitoring",
                    {"scorecard": {"indicators": [SCORE]}},
                ),
                POLICY,
            ],
            "note",
            "success-unscored",
            "- name: good payments",
            "no indicator of spec.monitoring.scorecard is called good payments that are stopped",
        ),
        ([changed(MODEL, "spec.valueCase", CASE), POLICY], "note", "value-unmeasured", "valueCase:", "names no summary"),
        (
            [changed(changed(MODEL, "spec.valueCase", CASE), "spec.monitoring", {"value": {"plannedPerYear": 7}}), POLICY],
            "warning",
            "value-plans-differ",
            "plannedPerYear: 7",
            "spec.valueCase plans 450,000 a year",
        ),
        ([changed(MODEL, "spec.mode", "Observe"), POLICY], "warning", "policy-misfit", "mode: Observe", "does not allow it"),
        (
            [changed(MODEL, "spec.owners.business.user", "Chen@bank.example"), POLICY],
            "warning",
            "owner-conflict",
            "business:",
            "is business and technical owner",
        ),
        (
            [changed(MODEL, "spec.classification", {"domain": "CreditScoring", "decisions": "Automated"}), POLICY],
            "error",
            "tier",
            "classification:",
            "no version can start: classification.affectedRights is not given",
        ),
        (
            [changed(MODEL, "spec.serving.deployment.template.spec.containers.0.image", "registry.example/credit:v2"), POLICY],
            "warning",
            "image-not-pinned",
            "template:",
            "the image of container model is not pinned",
        ),
        (
            [MODEL, changed(POLICY, "spec.gates", {"dossier": {}})],
            "error",
            "dossier",
            "spec:",
            "the Deployment gate stays closed at tier Medium: spec.evidence has none of type performance",
        ),
        (
            [MODEL, POLICY, changed(STORE, "spec.persons.2.trainingValidUntil", "2020-01-01T00:00:00Z")],
            "error",
            "role-unfillable",
            "policy:",
            "the Deployment gate needs security-review at tier Medium: in the trust store nobody can give it",
        ),
        (
            [MODEL, POLICY, changed(STORE, "spec.persons.2", person("sue", "technical-validation"))],
            "error",
            "role-unfillable",
            "policy:",
            "needs security-review",
        ),
        (
            [MODEL, POLICY, changed(STORE, "spec.persons", [person("chen", "technical-validation"), person("dana", "fairness-audit")])],
            "error",
            "role-unfillable",
            "policy:",
            "needs security-review",
        ),
        (
            [MODEL, POLICY, changed(STORE, "spec.persons.0", person("dana2", "technical-validation"))],
            "error",
            "owner",
            "user: chen@bank.example",
            "chen@bank.example is no person of the trust store",
        ),
        (
            [changed(STORE, "spec.persons.1.usernames", ["SAM@bank.example"])],
            "error",
            "username",
            "usernames:",
            "is listed for dana and sam",
        ),
        (
            [
                changed(
                    STORE, "spec.delegations", [{"from": "dana", "to": "zoe", "roles": ["fairness-audit"], "until": "2100-01-01T00:00:00Z"}]
                )
            ],
            "error",
            "delegation",
            "to: zoe",
            "zoe is no person of the trust store",
        ),
        ([APPROVAL], "note", "model-missing", "model: credit-scorer", "it was held against nothing"),
        ([MODEL, POLICY, APPROVAL], "note", "subject-unread", "subject:", "say --environment"),
        (
            [MODEL, POLICY, changed(APPROVAL, "spec.expiresAt", "2020-01-01T00:00:00Z")],
            "warning",
            "expired",
            "expiresAt:",
            "it ended at 2020-01-01 00:00:00 UTC",
        ),
        (
            [changed(APPROVAL, "spec.approver", "system:serviceaccount:lending:bot")],
            "error",
            "approver",
            "approver:",
            "is no person: a decision needs one",
        ),
    ],
)
def test_each_rule(linted: Linted, objects: list[dict[str, Any]], severity: str, rule: str, line: str, words: str) -> None:
    found = linted(*objects)
    matching = [one for one in found["findings"] if (one["severity"], one["rule"]) == (severity, rule) and words in one["message"]]
    assert matching, found["findings"]
    assert matching[0]["file"].endswith("all.yaml")
    assert found["text"][matching[0]["line"] - 1].strip().startswith(line)


def subject(linted: Linted) -> str:
    """What lint takes for the present subject in production, by the first 8 digits that it names."""
    found = linted(MODEL, POLICY, APPROVAL, options=("--environment", "production"))
    (stale,) = found["findings"]
    assert (stale["severity"], stale["rule"]) == ("warning", "subject")
    return str(stale["message"].partition("the present one (")[2][:8])


def test_an_approval_is_held_against_the_subject_of_its_environment(linted: Linted, monkeypatch: pytest.MonkeyPatch) -> None:
    present = subject(linted)
    monkeypatch.setattr("headgate.cli.linting.decisions.subject_of", lambda statement: DIGEST)
    assert linted(MODEL, POLICY, STORE, APPROVAL, options=("--environment", "production"))["findings"] == []
    assert present != DIGEST.removeprefix("sha256:")[:8]


def test_an_approval_that_would_not_count_is_an_error(linted: Linted, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("headgate.cli.linting.decisions.subject_of", lambda statement: DIGEST)
    by_owner = changed(APPROVAL, "spec.approver", "chen@bank.example")
    (found,) = linted(MODEL, POLICY, by_owner, options=("--environment", "production"))["findings"]
    assert (found["rule"], found["message"]) == (
        "not-counted",
        "it would not count: chen@bank.example is the technical owner, who may not give fairness-audit",
    )
    stranger = changed(APPROVAL, "spec.approver", "zoe@bank.example")
    (found,) = linted(MODEL, POLICY, STORE, stranger, options=("--environment", "production"))["findings"]
    assert found["message"] == "it would not count: zoe@bank.example is no person of the trust store"


LOWERED: dict[str, Any] = {
    "domain": "CreditScoring",
    "decisions": "HumanInTheLoop",
    "affectedRights": [],
    "practices": [],
    "regions": ["EU"],
    "declaredTier": "Medium",
}


def test_a_lower_tier_counts_if_these_files_agree_to_it(linted: Linted) -> None:
    model = changed(MODEL, "spec.classification", LOWERED)
    in_production = ("--environment", "production")
    (found,) = (one for one in linted(model, POLICY, options=in_production)["findings"] if one["rule"] == "tier-not-lowered")
    assert found["severity"] == "warning"
    assert found["message"].startswith("Medium is declared, and the table says High for domain CreditScoring, which counts")
    statement = tier_lowering_statement(
        environment="production",
        namespace="lending",
        name="credit-scorer",
        classification=Classification.model_validate(LOWERED),
        requirements=None,
        vendor=None,
        table_tier=Tier.HIGH,
        declared=Tier.MEDIUM,
    )
    asked = {"gate": "TierLowering", "role": "legal-approval", "approver": "lou@bank.example", "subject": subject_of(statement)}
    agreed = APPROVAL | {"spec": APPROVAL["spec"] | asked}
    assert linted(model, POLICY, agreed, options=in_production)["findings"] == []
    by_owner = changed(agreed, "spec.approver", "chen@bank.example")
    rules = [one["rule"] for one in linted(model, POLICY, by_owner, options=in_production)["findings"]]
    assert {"tier-not-lowered", "not-counted"} <= set(rules)
    (pointless,) = linted(MODEL, POLICY, agreed, options=in_production)["findings"]
    assert (pointless["rule"], pointless["severity"]) == ("nothing-to-lower", "warning")


def test_the_use_case_of_a_vendors_model_is_asked_about_with_its_vendor(linted: Linted) -> None:
    vendor = {"name": "Acme", "product": "Scores 3"}
    statement = use_case_statement(
        environment="production",
        namespace="lending",
        name="credit-scorer",
        classification=Classification.model_validate(MODEL["spec"]["classification"]),
        requirements=None,
        vendor=Vendor.model_validate(vendor),
        tier=Tier.MEDIUM,
    )
    approval = APPROVAL | {"spec": APPROVAL["spec"] | {"gate": "UseCase", "subject": subject_of(statement)}}
    found = linted(changed(MODEL, "spec.vendor", vendor), POLICY, approval, options=("--environment", "production"))["findings"]
    assert "subject" not in [one["rule"] for one in found]
    found = linted(MODEL, POLICY, approval, options=("--environment", "production"))["findings"]
    assert "subject" in [one["rule"] for one in found]


def test_only_the_legal_role_may_be_written_at_that_gate(linted: Linted) -> None:
    wrong = changed(APPROVAL, "spec.gate", "TierLowering")
    found = linted(MODEL, POLICY, wrong)["findings"]
    assert any("only the role legal-approval decides at the gate TierLowering" in one["message"] for one in found)


def test_a_signature_that_does_not_verify_is_an_error() -> None:
    signed = yaml.safe_load((ROOT / "examples/approvals/signed-fairness-audit.yaml").read_text())
    forged = changed(signed, "spec.rationale", "Something else.")
    model = yaml.safe_load((ROOT / "examples/models/credit-scorer.yaml").read_text())
    store = yaml.safe_load((ROOT / "examples/trust/headgate.yaml").read_text())
    text = yaml.safe_dump_all([forged, model, store])
    from typer.testing import CliRunner

    from headgate.cli.main import app

    done = CliRunner().invoke(app, ["lint", "-", "-o", "json"], input=text)
    (found,) = (one for one in json.loads(done.stdout)["findings"] if one["rule"] == "signature")
    assert "the signature does not fit" in found["message"]
    assert found["file"] == "standard input"
    assert done.exit_code == 1


def test_a_list_is_opened_and_other_kinds_are_passed_over(tmp_path: Path) -> None:
    service = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "a"}, "spec": {"nonsense": 1}}
    whole = {"apiVersion": "v1", "kind": "List", "items": [service, MODEL | {"spec": {}}]}
    (tmp_path / "list.yaml").write_text(yaml.safe_dump(whole))
    done = headgate("lint", str(tmp_path), "-o", "json")
    found = json.loads(done.stdout)
    assert found["objects"] == 1
    assert {one["object"] for one in found["findings"]} == {"AIModel lending/credit-scorer"}


def test_a_directory_is_searched_and_templates_and_patches_are_named(tmp_path: Path) -> None:
    chart = tmp_path / "chart"
    (chart / "templates").mkdir(parents=True)
    (chart / "Chart.yaml").write_text("name: x\nversion: 1.0.0\n")
    (chart / "templates/model.yaml").write_text(
        'apiVersion: headgate.dev/v1alpha1\nkind: AIModel\nmetadata: {name: "{{ .Values.name }}"}\n'
    )
    (tmp_path / "loose.yaml").write_text(
        "apiVersion: headgate.dev/v1alpha1\nkind: AIModel\nspec:\n{{- toYaml .Values.spec | nindent 2 }}\n"
    )
    (tmp_path / "kustomization.yaml").write_text("resources: [model.yaml]\npatches: [{path: patch.yaml}]\n")
    (tmp_path / "patch.yaml").write_text("apiVersion: headgate.dev/v1alpha1\nkind: AIModel\nspec: {version: 2}\n")
    (tmp_path / "model.yaml").write_text(yaml.safe_dump(MODEL))
    (tmp_path / ".hidden").mkdir()
    (tmp_path / ".hidden/model.yaml").write_text("apiVersion: headgate.dev/v1alpha1\nkind: [")
    (tmp_path / "other.yaml").write_text("kind: [")
    done = headgate("lint", str(tmp_path))
    assert done.exit_code == 0, done.output
    told = {line.partition(":")[0].removeprefix(f"{tmp_path}/"): line for line in done.stdout.splitlines()}
    assert set(told) == {"chart/templates/model.yaml", "loose.yaml", "patch.yaml", "model.yaml"}
    assert "note: a Helm template" in told["chart/templates/model.yaml"]
    assert "note: a Helm template" in told["loose.yaml"]
    assert "note: a patch of a kustomization" in told["patch.yaml"]


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("apiVersion: headgate.dev/v1alpha1\nkind: AIModel\nspec:\n  version: a\n  version: b\n", 5, "the key version is written twice"),
        ("apiVersion: headgate.dev/v1alpha1\nkind: [\n", 3, "it cannot be read"),
        ("apiVersion: headgate.dev/v1alpha1\nkind: AIModel\nspec: !ref x\n", 3, "it cannot be read"),
    ],
)
def test_what_is_no_yaml_is_said_with_its_line(tmp_path: Path, text: str, line: int, words: str) -> None:
    file = tmp_path / "model.yaml"
    file.write_text(text)
    done = headgate("lint", str(file))
    assert done.exit_code == 1
    assert done.stdout.startswith(f"{file}:{line}: error: ")
    assert words in done.stdout


def test_aliases_of_aliases_are_refused_and_not_followed() -> None:
    levels = "\n".join(f"l{k}: &l{k} [{', '.join([f'*l{k - 1}'] * 9) if k else 'x'}]" for k in range(12))
    with pytest.raises(Unreadable, match="more than 200,000 parts"):
        documents_in(levels)


def test_findings_for_github_stand_on_one_line(tmp_path: Path) -> None:
    file = tmp_path / "a,b.yaml"
    file.write_text(yaml.safe_dump(changed(MODEL, "spec.artifact.digest", "latest"), sort_keys=False))
    done = headgate("lint", str(file), "-o", "github")
    (error,) = done.stdout.splitlines()
    assert error.startswith("::error file=")
    assert "a%2Cb.yaml,line=" in error
    assert "title=schema::AIModel lending/credit-scorer: spec.artifact.digest" in error


def test_warnings_fail_only_where_that_is_asked_for(linted: Linted) -> None:
    observed = changed(MODEL, "spec.mode", "Observe")
    assert linted(observed, POLICY)["warnings"] == 1
    assert linted(observed, POLICY, options=("--strict",), code=1)["warnings"] == 1


def test_a_path_that_holds_nothing_is_wrong_usage(tmp_path: Path) -> None:
    (tmp_path / "service.yaml").write_text("apiVersion: v1\nkind: Service\n")
    empty = headgate("lint", str(tmp_path))
    assert empty.exit_code == 2
    assert "there is nothing of headgate.dev in" in empty.stderr
    assert headgate("lint", str(tmp_path / "none.yaml")).exit_code == 2


def test_the_examples_hold_no_error_by_themselves() -> None:
    for part in ("models", "policies", "trust"):
        done = headgate("lint", str(ROOT / "examples" / part), "-o", "json")
        assert done.exit_code == 0, done.stdout
