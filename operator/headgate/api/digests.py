"""Digests over canonical JSON: the same value gives the same digest in every process and every release."""

import hashlib
import json
from typing import Any

_encode = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode


def canonical(value: Any) -> bytes:
    """Keys sorted, no white space, UTF-8. Raises ValueError for NaN and TypeError for what JSON cannot say."""
    return _encode(value).encode()


def sha256(value: Any) -> str:
    """`sha256:` and 64 hex digits over the canonical JSON of `value`."""
    return "sha256:" + hashlib.sha256(canonical(value)).hexdigest()
