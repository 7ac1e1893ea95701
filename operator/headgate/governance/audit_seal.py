"""Signatures under the heads of audit chains: Ed25519 over the canonical statement."""

from base64 import b64decode, b64encode
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from headgate.api.digests import canonical
from headgate.governance.audit_chain import Anchor


def signed_head(anchor: Anchor, seed: bytes) -> dict[str, Any]:
    """`anchor` as a document that says under which key it was signed. `seed`: the 32 bytes of an Ed25519 private key."""
    private = Ed25519PrivateKey.from_private_bytes(seed)
    key = b64encode(private.public_key().public_bytes_raw()).decode()
    statement = _statement(anchor.model, anchor.sequence, anchor.hash, key)
    return {**statement, "signature": b64encode(private.sign(canonical(statement))).decode()}


def anchor_of(document: Any) -> Anchor:
    """The anchor that a signed head is. Raises ValueError, in words, for what is no head or not signed by the key it names."""
    try:
        model, sequence, digest, key = (document[name] for name in ("model", "sequence", "hash", "key"))
        signature = b64decode(document["signature"], validate=True)
        public = Ed25519PublicKey.from_public_bytes(b64decode(key, validate=True))
        statement = canonical(_statement(model, sequence, digest, key))
    except (TypeError, KeyError, ValueError, AttributeError) as error:
        raise ValueError("it is no signed head of an audit chain") from error
    try:
        public.verify(signature, statement)
    except InvalidSignature as error:
        raise ValueError("it was changed after it was signed: its signature does not fit") from error
    return Anchor(model, sequence, digest, key)


def _statement(model: str, sequence: int, digest: str, key: str) -> dict[str, Any]:
    return {"model": model, "sequence": sequence, "hash": digest, "key": key}
