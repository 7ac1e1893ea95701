"""A signed decision counts exactly as it was signed, by whom, for where, and as long as its key is trusted."""

import json
import subprocess
from base64 import b64decode, b64encode
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.governance.builders import HOUR, MEDIUM, NOW, OTHER_SUBJECT, decision, read
from tests.unit.governance.signers import YEAR, key_of, listed, signed_decision, trusting

from headgate.api.approval import GovernanceApprovalSpec
from headgate.api.digests import canonical
from headgate.api.vocabulary import DecisionKind, Role
from headgate.governance.approvals import Approval
from headgate.governance.signatures import public_key_of, signed, statement_of
from headgate.governance.trust import Trust

FAIR = Role.FAIRNESS_AUDIT
SIGNED = signed_decision(FAIR, "dana")


def objection(approval: Approval, trust: Trust | None = None) -> str:
    return approval.unverified(trust or trusting())


def counts(approval: Approval, *others: Approval, trust: Trust | None = None) -> bool:
    return read([approval, *others], required=(FAIR,), trust=trust or trusting()).open


def with_spec(**fields: Any) -> Approval:
    """SIGNED with some fields changed afterwards."""
    spec = json.loads(SIGNED.spec.model_dump_json(by_alias=True, exclude_none=True))
    for name, value in fields.items():
        spec[name] = {**spec[name], **value} if isinstance(value, dict) else value
    return replace(SIGNED, spec=GovernanceApprovalSpec.model_validate(spec))


def test_signed_by_its_author_it_counts_although_admission_saw_a_robot() -> None:
    assert not SIGNED.enforced
    assert objection(SIGNED) == ""
    assert counts(SIGNED)


CHANGES: tuple[dict[str, Any], ...] = (
    {"model": "churn"},
    {"decision": "Reject"},
    {"role": "security-review"},
    {"subject": OTHER_SUBJECT},
    {"approver": "dana.smith@corp"},
    {"rationale": "looked at the reports"},
    {"rationale": "looked at the report "},
    {"rationale": "lооked at the report"},
    {"expiresAt": "2026-11-22T12:00:00.000001Z"},
    {"conditions": ["only in summer"]},
    {"evidence": [{"type": "report", "uri": "https://x"}]},
    {"signature": {"signedAt": "2026-11-21T10:59:59Z"}},
)


@pytest.mark.parametrize("change", CHANGES, ids=str)
def test_what_was_changed_after_signing_is_not_signed(change: dict[str, Any]) -> None:
    changed = with_spec(**change)
    assert "changed after it was signed" in objection(changed)
    assert not counts(changed)


@given(position=st.integers(0, 63), flip=st.integers(1, 255))
def test_any_changed_byte_of_the_signature_fails(position: int, flip: int) -> None:
    assert SIGNED.spec.signature is not None
    value = bytearray(b64decode(SIGNED.spec.signature.value))
    value[position] ^= flip
    assert objection(with_spec(signature={"value": b64encode(value).decode()}))


@given(st.data())
def test_any_changed_byte_of_the_statement_fails(data: st.DataObject) -> None:
    key, message = key_of("dana"), canonical(statement_of(SIGNED.spec, "lending"))
    changed = bytearray(message)
    changed[data.draw(st.integers(0, len(message) - 1))] ^= data.draw(st.integers(1, 255))
    assert SIGNED.spec.signature is not None
    assert key.sign(message) == b64decode(SIGNED.spec.signature.value)
    assert key.sign(bytes(changed)) != key.sign(message)


@settings(max_examples=25)
@given(st.text(min_size=1, max_size=80), st.lists(st.text(max_size=40), max_size=3))
def test_every_text_can_be_signed_and_verified(rationale: str, conditions: list[str]) -> None:
    spec = SIGNED.spec.model_copy(update={"rationale": rationale, "conditions": tuple(conditions), "signature": None})
    plain = replace(SIGNED, spec=spec)
    again = signed_again(plain)
    assert objection(again) == ""
    reread = GovernanceApprovalSpec.model_validate_json(again.spec.model_dump_json(by_alias=True, exclude_none=True))
    assert objection(replace(again, spec=reread)) == ""


def signed_again(plain: Approval) -> Approval:
    return replace(plain, spec=signed(plain.spec, namespace="lending", environment="production", at=NOW - HOUR, key=key_of("dana")))


def test_it_counts_in_its_namespace_only() -> None:
    assert "changed after it was signed" in objection(replace(SIGNED, namespace="claims"))


@pytest.mark.parametrize(
    ("approval", "says"),
    [
        (signed_decision(FAIR, "dana", environment="staging"), "signed for environment staging; this one is production"),
        (signed_decision(FAIR, "dana", key=key_of("dana", 1)), "none of dana's"),
        (signed_decision(FAIR, "dana", key=key_of("sam")), "none of dana's"),
        (signed_decision(FAIR, "eve"), "eve@bank.example is no person of the trust store"),
        (signed_decision(FAIR, "sam"), "sam does not have the role fairness-audit"),
        (signed_decision(FAIR, "dana", signed_at=NOW - 2 * YEAR), "was signed at"),
        (signed_decision(FAIR, "dana", created=NOW + 2 * YEAR), "was made at"),
    ],
)
def test_who_may_not_sign_so_is_told_why(approval: Approval, says: str) -> None:
    assert says in objection(approval)
    reading = read([approval], required=(FAIR,), trust=trusting())
    assert not reading.open
    assert says in reading.not_counted[approval.name]
    assert says in reading.missing[0]


def test_without_a_trust_store_no_signature_counts() -> None:
    assert "no trust store" in objection(SIGNED, Trust("production"))


def test_a_new_key_is_added_beside_the_old_one_and_each_counts_in_its_time() -> None:
    old, new = key_of("dana"), key_of("dana", 1)
    changeover = NOW - 2 * HOUR
    keys = [
        {"publicKey": public_key_of(old), "validFrom": NOW - YEAR, "validUntil": changeover},
        {"publicKey": public_key_of(new), "validFrom": changeover - HOUR, "validUntil": NOW + YEAR},
    ]
    trust = trusting(listed("dana", FAIR, keys=keys))
    before = {"created": changeover - HOUR / 2, "signed_at": changeover - HOUR / 2}
    assert counts(signed_decision(FAIR, "dana", key=old, **before), trust=trust)
    assert counts(signed_decision(FAIR, "dana", key=new, **before), trust=trust)
    assert counts(signed_decision(FAIR, "dana", key=new), trust=trust)
    assert not counts(signed_decision(FAIR, "dana", key=old), trust=trust)
    backdated = signed_decision(FAIR, "dana", key=old, signed_at=changeover - HOUR)
    assert "was made at" in objection(backdated, trust)


def test_an_old_file_applied_again_answers_no_later_rejection() -> None:
    no = decision(FAIR, "dana@bank.example", DecisionKind.REVOKE, created=NOW - HOUR / 2, expires=None)
    again = signed_decision(FAIR, "dana", signed_at=NOW - HOUR, created=NOW)
    assert not counts(again, no)
    assert counts(signed_decision(FAIR, "dana", signed_at=NOW - HOUR / 4, created=NOW), no)


def test_the_tiers_longest_validity_runs_from_the_signature() -> None:
    far = {"expires": NOW + YEAR, "created": NOW}
    assert not counts(signed_decision(FAIR, "dana", signed_at=NOW - YEAR / 2, **far))
    assert counts(signed_decision(FAIR, "dana", signed_at=NOW, **far))


@pytest.mark.parametrize(
    ("no", "stands"),
    [
        (signed_decision(FAIR, "dana", DecisionKind.REJECT, expires=None), True),
        (signed_decision(FAIR, "dana", DecisionKind.REJECT, expires=None, key=key_of("eve")), False),
        (signed_decision(FAIR, "sam", DecisionKind.REVOKE, expires=None), False),
    ],
)
def test_a_signed_rejection_stands_once_it_verifies(no: Approval, stands: bool) -> None:
    yes = signed_decision(FAIR, "chen", created=NOW - 2 * HOUR, signed_at=NOW - 2 * HOUR)
    reading = read([yes, no], required=(FAIR,), trust=trusting(), owner="tess@bank.example")
    assert reading.rejected is stands
    assert reading.open is not stands


def test_openssl_makes_and_checks_the_same_signatures(tmp_path: Path) -> None:
    """What the page on approvals tells auditors to type."""
    key = tmp_path / "key.pem"
    run("openssl", "genpkey", "-algorithm", "ed25519", "-out", str(key))
    public = run("openssl", "pkey", "-in", str(key), "-pubout")
    private: Any = load_pem_private_key(key.read_bytes(), None)
    assert public.splitlines()[1] == public_key_of(private)
    approval = signed_decision(FAIR, "dana", key=private)
    message, value, pem = tmp_path / "statement", tmp_path / "value", tmp_path / "public.pem"
    message.write_bytes(canonical(statement_of(approval.spec, "lending")))
    assert approval.spec.signature is not None
    value.write_bytes(b64decode(approval.spec.signature.value))
    pem.write_text(public)
    verify = ("openssl", "pkeyutl", "-verify", "-pubin", "-inkey", str(pem), "-rawin", "-in", str(message), "-sigfile", str(value))
    assert "Verified Successfully" in run(*verify)


def run(*command: str) -> str:
    return subprocess.run(command, check=True, capture_output=True, text=True, timeout=30).stdout


def test_all_roles_together_signed() -> None:
    everybody = [signed_decision(role, who) for role, who in zip(MEDIUM, ("tess", "dana", "sam"), strict=True)]
    assert read(everybody, trust=trusting(), owner="chen@bank.example").open
