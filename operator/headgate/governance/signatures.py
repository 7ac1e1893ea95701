"""Signatures of decisions that come through Git: Ed25519 over the canonical JSON of all that was decided, where, and when."""

import base64
import hashlib
from datetime import datetime
from functools import lru_cache
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from headgate.api.approval import GovernanceApprovalSpec, Signature
from headgate.api.digests import canonical

_RAW_BYTES = 32
"""The last ones of an Ed25519 SubjectPublicKeyInfo are the key itself."""
_UNSIGNED = base64.b64encode(bytes(64)).decode()


def statement_of(spec: GovernanceApprovalSpec, namespace: str) -> dict[str, Any]:
    """What a signature of version 1 covers: every field of the decision, and where and when it was signed with which key.

    Fields that are absent or at their default are left out, so that a field which a later release adds voids no signature.
    Raises ValueError for a spec without signature.
    """
    signature = spec.signature
    if signature is None:
        raise ValueError("the decision carries no signature")
    written = signature.model_dump(mode="json", by_alias=True, exclude={"value", "statement_version"})
    return {
        "statementVersion": signature.statement_version,
        "kind": "approval",
        "namespace": namespace,
        **written,
        "decision": spec.model_dump(mode="json", by_alias=True, exclude_defaults=True, exclude={"signature"}),
    }


def signed(
    spec: GovernanceApprovalSpec, *, namespace: str, environment: str, at: datetime, key: Ed25519PrivateKey
) -> GovernanceApprovalSpec:
    """`spec` with the signature of `key`, for the cluster called `environment`."""
    public = public_key_of(key)
    blank = Signature(environment=environment, key=key_digest(public), signed_at=at, value=_UNSIGNED)
    ready = spec.model_copy(update={"signature": blank})
    value = base64.b64encode(key.sign(canonical(statement_of(ready, namespace)))).decode()
    return ready.model_copy(update={"signature": blank.model_copy(update={"value": value})})


@lru_cache(maxsize=8192)
def verifies(spec: GovernanceApprovalSpec, namespace: str, public_key: str) -> bool:
    """Whether `public_key` (SubjectPublicKeyInfo in base64) made the signature of `spec`. Remembered, because neither changes."""
    assert spec.signature is not None
    try:
        raw = base64.b64decode(public_key, validate=True)[-_RAW_BYTES:]
        value = base64.b64decode(spec.signature.value, validate=True)
        Ed25519PublicKey.from_public_bytes(raw).verify(value, canonical(statement_of(spec, namespace)))
    except (InvalidSignature, ValueError):
        return False
    return True


def public_key_of(key: Ed25519PrivateKey) -> str:
    """As the trust store lists it."""
    return base64.b64encode(key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).decode()


@lru_cache(maxsize=4096)
def key_digest(public_key: str) -> str:
    """How signatures name a key: SHA-256 of its SubjectPublicKeyInfo."""
    return "sha256:" + hashlib.sha256(base64.b64decode(public_key)).hexdigest()
