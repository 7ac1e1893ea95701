"""Draws that everybody who knows the key can repeat, and nobody else can foresee.

A case is drawn by its identity alone: asking twice, on another replica or after a restart gives the same answer, so that nobody sends
a case again until it is not looked at. The key is secret, or who may choose identities could choose ones that are never drawn.
"""

import hmac

_FEWEST_BYTES = 16


def checked_key(key: bytes) -> bytes:
    """Raises ValueError for a key that could be guessed."""
    if len(key) < _FEWEST_BYTES:
        raise ValueError(f"the key has {len(key)} bytes: take {_FEWEST_BYTES} random ones at least, as from `openssl rand`")
    return key


def checked_share(share: float) -> float:
    """Raises ValueError for what is no share, also for NaN."""
    if not 0.0 <= share <= 1.0:
        raise ValueError(f"a share of {share}: shares are 0 to 1")
    return share


def token(key: bytes, purpose: str, identity: str) -> str:
    """64 hex digits. Different purposes draw independently of each other."""
    return hmac.digest(key, f"{purpose}\x00{identity}".encode(), "sha256").hex()


def fraction(key: bytes, purpose: str, identity: str) -> float:
    """Uniform in [0, 1)."""
    return int(token(key, purpose, identity)[:13], 16) / float(1 << 52)
