"""A trust store with people who can sign."""

from datetime import datetime, timedelta
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from tests.unit.governance.builders import HOUR, NOW, decision

from headgate.api.trust_store import TrustStoreSpec
from headgate.api.vocabulary import DecisionKind, Role
from headgate.governance.approvals import Approval
from headgate.governance.signatures import public_key_of, signed
from headgate.governance.trust import Trust

ENVIRONMENT = "production"
YEAR = timedelta(days=365)


def key_of(name: str, number: int = 0) -> Ed25519PrivateKey:
    """The same for the same name in every run."""
    return Ed25519PrivateKey.from_private_bytes(f"{name}-{number}".encode().ljust(32, b"."))


def listed(name: str, *roles: Role, **fields: Any) -> dict[str, Any]:
    keys = [{"publicKey": public_key_of(key_of(name)), "validFrom": NOW - YEAR, "validUntil": NOW + YEAR}]
    usual = {"usernames": [f"{name}@bank.example"], "roles": list(roles), "trainingValidUntil": NOW + YEAR, "keys": keys}
    return {"name": name, **usual, **fields}


PERSONS = (
    listed("dana", Role.FAIRNESS_AUDIT, usernames=["dana@bank.example", "dana.smith@corp"]),
    listed("sam", Role.SECURITY_REVIEW),
    listed("tess", Role.TECHNICAL_VALIDATION),
    listed("chen", Role.TECHNICAL_VALIDATION, Role.FAIRNESS_AUDIT),
)


def trusting(*persons: dict[str, Any], delegations: tuple[dict[str, Any], ...] = (), **fields: Any) -> Trust:
    """With `persons` instead of the usual ones of the same name."""
    chosen = {one["name"]: one for one in (*PERSONS, *persons)}
    store = TrustStoreSpec.model_validate({"persons": list(chosen.values()), "delegations": list(delegations)})
    return Trust(ENVIRONMENT, store, **fields)


def signed_decision(
    role: Role,
    name: str,
    kind: DecisionKind = DecisionKind.APPROVE,
    *,
    key: Ed25519PrivateKey | None = None,
    signed_at: datetime = NOW - HOUR,
    environment: str = ENVIRONMENT,
    namespace: str = "lending",
    **fields: Any,
) -> Approval:
    """As a GitOps tool brings it, so that admission proves nothing of it."""
    plain = decision(role, f"{name}@bank.example", kind, enforced=False, **fields)
    spec = signed(plain.spec, namespace=namespace, environment=environment, at=signed_at, key=key or key_of(name))
    return Approval(name=plain.name, namespace="lending", uid=plain.uid, created=plain.created, spec=spec, enforced=False)
