"""gates, reject, revoke, break-glass, and approvals that are signed for Git and verified without a cluster."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, NoEncryption, PrivateFormat
from tests.resources import ROOT, TRUST_STORE, changed
from tests.unit.cli.cluster_in_memory import CANDIDATE, GATE, IN_CANARY, LIVE, STABLE, SUBJECT, SUBJECT8, ClusterInMemory, headgate

from headgate.api.approval import GovernanceApprovalSpec
from headgate.governance.signatures import public_key_of
from headgate.kube.errors import Forbidden
from headgate.kube.resources import DEPLOYMENTS

MODEL = ("credit-scorer", "-n", "lending")
ROLE = ("--role", "fairness-audit")
WHY = ("--yes", "--rationale", "r")
KEY = Ed25519PrivateKey.from_private_bytes(b"k" * 32)
LIVE_SUBJECT = "sha256:" + "5a" * 32
APPROVED = LIVE | {"stable": STABLE | {"subject": LIVE_SUBJECT}}


def decided(memory: ClusterInMemory) -> GovernanceApprovalSpec:
    (body,) = memory.decided()
    return GovernanceApprovalSpec.model_validate(body["spec"])


@pytest.mark.parametrize("verb", ["reject", "revoke"])
def test_no_to_what_waits_at_the_gate(memory: ClusterInMemory, verb: str) -> None:
    result = headgate(verb, *MODEL, *ROLE, *WHY)
    assert result.exit_code == 0, result.output
    assert "2.3.1 (revision 22222222)" in result.stderr
    spec = decided(memory)
    assert (spec.decision, spec.subject, spec.role, spec.expires_at) == (verb.capitalize(), SUBJECT, "fairness-audit", None)
    assert memory.decided()[0]["metadata"]["name"] == f"credit-scorer-deployment-fairness-audit-{SUBJECT8}"
    assert "still stands" in headgate(verb, *MODEL, *ROLE, *WHY).stdout


def test_a_live_version_is_revoked_by_what_was_approved(memory: ClusterInMemory) -> None:
    memory.model(APPROVED)
    assert headgate("revoke", *MODEL, *ROLE, *WHY).exit_code == 0
    assert decided(memory).subject == LIVE_SUBJECT


def test_the_live_one_may_be_meant_while_another_is_on_its_way(memory: ClusterInMemory) -> None:
    memory.model(IN_CANARY | {"stable": STABLE | {"subject": LIVE_SUBJECT}})
    assert headgate("revoke", *MODEL, *ROLE, *WHY, "--live").exit_code == 0
    assert decided(memory).subject == LIVE_SUBJECT


@pytest.mark.parametrize(
    ("verb", "status", "words"),
    [("reject", APPROVED, "nothing to reject"), ("revoke", LIVE, "nothing to revoke"), ("revoke", {}, "nothing to revoke")],
)
def test_nothing_to_say_no_to_is_said(memory: ClusterInMemory, verb: str, status: dict[str, Any], words: str) -> None:
    memory.model(status)
    result = headgate(verb, *MODEL, *ROLE, *WHY)
    assert result.exit_code == 1
    assert words in result.stderr
    assert memory.decided() == ()


def test_no_is_asked_for(memory: ClusterInMemory) -> None:
    assert headgate("reject", *MODEL, *ROLE, typed="unfair\nn\n").exit_code == 1
    assert memory.decided() == ()


def test_the_glass_is_broken_for_hours_and_for_a_day_at_most(memory: ClusterInMemory) -> None:
    result = headgate("break-glass", *MODEL, "--yes", "--reason", "the live version leaks", "--expires", "2h")
    assert result.exit_code == 0, result.output
    assert "a second person" in result.stderr
    spec = decided(memory)
    assert (spec.decision, spec.target.revision if spec.target else None) == ("BreakGlass", "22222222")
    assert spec.expires_at is not None
    assert abs(spec.expires_at - datetime.now(UTC) - timedelta(hours=2)) < timedelta(minutes=1)
    assert headgate("break-glass", *MODEL, "--yes", "--reason", "r", "--expires", "25h").exit_code == 2


def test_gates_show_who_is_missing_and_what_became_of_each_decision(memory: ClusterInMemory) -> None:
    headgate("approve", *MODEL, *ROLE, *WHY, "--condition", "re-test by March")
    memory.decided()[0]["status"] = {"state": "NotCounted", "message": "dana is no person of the trust store"}
    shown = headgate("gates", *MODEL)
    assert shown.exit_code == 0, shown.output
    for words in ("closed", SUBJECT, "nobody has approved yet", "NotCounted", "dana is no person", "dana@bank.example"):
        assert words in shown.stdout
    told = json.loads(headgate("gates", *MODEL, "-o", "json").stdout)
    assert [(name, gate["open"], gate["missing"]) for name, gate in told["gates"].items()] == [("Deployment", False, GATE["missing"])]
    (one,) = told["decisions"]
    assert (one["state"], one["signed"], one["conditions"]) == ("NotCounted", False, ["re-test by March"])
    assert yaml.safe_load(headgate("gates", *MODEL, "-o", "yaml").stdout) == told


def test_without_a_gate_that_is_said(memory: ClusterInMemory) -> None:
    memory.model(LIVE)
    assert "no rollout of credit-scorer is under way" in headgate("gates", *MODEL).stdout
    assert json.loads(headgate("gates", *MODEL, "-o", "json").stdout)["gates"] == {}


@pytest.mark.parametrize("command", ["subject", "explain", "status", "gates"])
def test_yaml_says_what_json_says(memory: ClusterInMemory, command: str) -> None:
    said = (headgate(command, *MODEL, "-o", kind).stdout for kind in ("json", "yaml"))
    as_json, as_yaml = (yaml.safe_load(text) for text in said)
    assert as_json == as_yaml


def deployment(memory: ClusterInMemory, revision: str, **container: Any) -> None:
    name = f"credit-scorer-{revision}"
    env = [{"name": "LIMITS", "valueFrom": {"configMapKeyRef": {"name": f"{name}-1a2b3c4d", "key": "x"}}}, *container.pop("env", [])]
    template = {"spec": {"containers": [{"name": "model", "env": env, **container}]}}
    memory.put(DEPLOYMENTS, {"metadata": {"name": name, "namespace": "lending"}, "spec": {"template": template}})


def test_approve_shows_what_differs_from_the_live_version(memory: ClusterInMemory) -> None:
    memory.model(IN_CANARY | {"stable": STABLE | {"tier": "Low", "content": "sha256:" + "cd" * 32}})
    deployment(memory, "11111111", image="r/credit@sha256:aa", args=["--fast"])
    env = [{"name": "THRESHOLD", "value": "0.4"}]
    deployment(memory, "22222222", image="r/credit@sha256:bb", args=["--fast"], env=env, workingDir="/srv/2")
    shown = headgate("approve", *MODEL, *ROLE, typed="r\nn\n").stderr
    for words in (
        "version 2.3.0 (revision 11111111) -> 2.3.1 (revision 22222222)",
        f"content sha256:{'cd' * 32} -> {CANDIDATE['content']}",
        "tier Low -> Medium",
        "image of model: r/credit@sha256:aa -> r/credit@sha256:bb",
        "environment of model: THRESHOLD\n",
        "workingDir of model: null -> /srv/2",
    ):
        assert f"against live {words}" in shown
    assert "args of model" not in shown


def test_what_could_not_be_compared_is_said(memory: ClusterInMemory) -> None:
    memory.denied["deployments"] = Forbidden("no Deployments for you", status=403)
    shown = headgate("approve", *MODEL, *ROLE, typed="r\nn\n").stderr
    assert "you may not read Deployments" in shown
    memory.model(IN_CANARY | {"stable": None})
    assert "it would be the first version" in headgate("approve", *MODEL, *ROLE, typed="r\nn\n").stderr


# ---- signed


def pem(folder: Path, key: Any = KEY, form: PrivateFormat = PrivateFormat.PKCS8, secret: str = "") -> str:
    file = folder / "key.pem"
    hidden = BestAvailableEncryption(secret.encode()) if secret else NoEncryption()
    file.write_bytes(key.private_bytes(Encoding.PEM, form, hidden))
    return str(file)


def trust_store(folder: Path, key: Ed25519PrivateKey = KEY, **person: Any) -> str:
    now = datetime.now(UTC)
    keys = [{"publicKey": public_key_of(key), "validFrom": str(now - timedelta(1)), "validUntil": str(now + timedelta(1))}]
    dana = {**TRUST_STORE["spec"]["persons"][0], "trainingValidUntil": str(now + timedelta(1)), "keys": keys, **person}
    file = folder / "trust.yaml"
    file.write_text(yaml.safe_dump(changed(TRUST_STORE, (("persons", 0), dana))))
    return str(file)


def signed(memory: ClusterInMemory, folder: Path, *more: str, verb: str = "approve") -> Path:
    file = folder / "approval.yaml"
    result = headgate(verb, *MODEL, *ROLE, *WHY, "--sign", pem(folder), *more)
    assert result.exit_code == 0, result.output
    assert memory.decided() == ()
    file.write_text(result.stdout)
    return file


def verify(file: Path, store: str, *more: str) -> Any:
    return headgate("verify", "-f", str(file), "--trust-store", store, *more)


@pytest.mark.parametrize("verb", ["approve", "reject", "revoke"])
@pytest.mark.parametrize("form", ["yaml", "json"])
def test_what_is_signed_for_git_verifies_without_a_cluster(memory: ClusterInMemory, tmp_path: Path, verb: str, form: str) -> None:
    file = signed(memory, tmp_path, "-o", form, verb=verb)
    body = yaml.safe_load(file.read_text())
    assert (body["kind"], body["metadata"]["namespace"]) == ("GovernanceApproval", "lending")
    assert body["spec"]["signature"]["environment"] == "production"
    result = verify(file, trust_store(tmp_path), "--environment", "production")
    assert result.exit_code == 0, result.output
    assert "verified" in result.stdout
    told = json.loads(verify(file, trust_store(tmp_path), "-o", "json").stdout)
    assert [(one["verified"], one["subject"], one["approver"]) for one in told] == [(True, SUBJECT, "dana@bank.example")]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("rationale: r", "rationale: s"),
        ("namespace: lending", "namespace: claims"),
        ("environment: production", "environment: staging"),
        ("decision: Approve", "decision: Revoke"),
        (SUBJECT, "sha256:" + "0" * 64),
    ],
)
def test_a_changed_file_does_not_verify(memory: ClusterInMemory, tmp_path: Path, old: str, new: str) -> None:
    file = signed(memory, tmp_path)
    assert old in file.read_text()
    file.write_text(file.read_text().replace(old, new))
    result = verify(file, trust_store(tmp_path))
    assert result.exit_code == 1
    assert "NOT VERIFIED: the signature does not fit" in result.stdout


@pytest.mark.parametrize(
    ("person", "says"),
    [
        ({"usernames": ["someone@else"]}, "no person of the trust store"),
        ({"roles": ["security-review"]}, "does not have the role"),
        ({"trainingValidUntil": "2026-01-01T00:00:00Z"}, "training of dana"),
        ({"keys": []}, "none of dana's"),
    ],
)
def test_who_would_not_count_does_not_verify(memory: ClusterInMemory, tmp_path: Path, person: dict[str, Any], says: str) -> None:
    result = verify(signed(memory, tmp_path), trust_store(tmp_path, **person))
    assert result.exit_code == 1
    assert says in result.stdout


def test_for_another_cluster_it_does_not_verify(memory: ClusterInMemory, tmp_path: Path) -> None:
    result = verify(signed(memory, tmp_path), trust_store(tmp_path), "--environment", "staging")
    assert "signed for environment production; this one is staging" in result.stdout


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("kind: [", "cannot be read"),
        ("kind: ConfigMap", "holds no GovernanceApproval"),
        ("spec:\n  role: a\n  role: b\n", "the key role is written twice"),
        ('{"spec": {"model": "a", "model": "b"}}', "the key model is written twice"),
    ],
)
def test_what_can_be_read_in_two_ways_is_not_read(tmp_path: Path, text: str, says: str) -> None:
    file = tmp_path / "approval.yaml"
    file.write_text(text)
    result = verify(file, trust_store(tmp_path))
    assert result.exit_code == 1
    assert says in result.stderr


def test_without_a_signature_there_is_nothing_to_verify(tmp_path: Path) -> None:
    result = verify(ROOT / "examples/approvals/approve-fairness-audit.yaml", trust_store(tmp_path))
    assert result.exit_code == 1
    assert "it carries no signature" in result.stdout


def test_the_example_is_signed_by_the_examples_key() -> None:
    told = verify(ROOT / "examples/approvals/signed-fairness-audit.yaml", str(ROOT / "examples/trust/headgate.yaml")).stdout
    assert "does not fit" not in told
    assert "none of dana's" not in told


def test_the_passphrase_of_a_key_is_asked_for(memory: ClusterInMemory, tmp_path: Path) -> None:
    file = pem(tmp_path, secret="open sesame")
    arguments = ("approve", *MODEL, *ROLE, *WHY, "--sign", file)
    assert "kind: GovernanceApproval" in headgate(*arguments, typed="open sesame\n").stdout
    assert "passphrase is another one" in headgate(*arguments, typed="wrong\n").stderr


def test_an_ssh_key_signs_as_well(memory: ClusterInMemory, tmp_path: Path) -> None:
    file = pem(tmp_path, form=PrivateFormat.OpenSSH)
    assert public_key_of(KEY) in headgate("approve", *MODEL, *ROLE, *WHY, "--sign", file).stderr


def test_a_key_of_another_kind_signs_nothing(memory: ClusterInMemory, tmp_path: Path) -> None:
    file = pem(tmp_path, generate_private_key(65537, 2048))
    result = headgate("approve", *MODEL, *ROLE, *WHY, "--sign", file)
    assert result.exit_code == 1
    assert "openssl genpkey -algorithm ed25519" in result.stderr
    missing = headgate("approve", *MODEL, *ROLE, *WHY, "--sign", str(tmp_path / "none"))
    assert "cannot be read" in missing.stderr
