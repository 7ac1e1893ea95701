"""How a model's audit chain is kept: ConfigMaps in the operator's namespace, one for each segment, made immutable when full.

An entry has a key of its own, so that an append sends nothing but new entries and the head. The labels are not those of what is made for
a model: segments are not watched, and outlive their model.
"""

import json
import re
from collections.abc import Iterable
from typing import Any

from headgate.api.digests import canonical, sha256
from headgate.governance.audit_chain import Append, Entry, Tail, genesis, read
from headgate.kube.interface import Object
from headgate.kube.labels import MANAGED_BY, MANAGED_BY_HEADGATE, PREFIX

AUDITED = PREFIX + "audit"
"""Label: the model's name."""
AUDITED_NAMESPACE = PREFIX + "audit-namespace"
HEAD_KEY = "head.json"

_ENTRY = re.compile(r"[0-9]{10}")


def segment_name(namespace: str, model: str, number: int) -> str:
    """No name of a namespace or model has a dot, so no two models share one."""
    return f"headgate-audit.{namespace}.{model}.{number:06d}"


def selector(namespace: str, model: str) -> str:
    """Of all segments of one model."""
    return f"{AUDITED}={model},{AUDITED_NAMESPACE}={namespace}"


def segment(write: Append, head: dict[str, Any], where: str, namespace: str, model: str) -> Object:
    """The body that carries out `write` in namespace `where`: of a create where it begins the segment, else of a merge patch."""
    data = {f"{sequence:010d}": text for sequence, text in write.entries.items()}
    body: Object = {"data": {**data, HEAD_KEY: canonical(head).decode()}}
    if write.after.sealed:
        body["immutable"] = True
    if write.begins:
        labels = {MANAGED_BY: MANAGED_BY_HEADGATE, AUDITED: model, AUDITED_NAMESPACE: namespace}
        body["metadata"] = {"name": segment_name(namespace, model, write.segment), "namespace": where, "labels": labels}
    return body


def number_of(stored: Object) -> int:
    """0 for a name that is no segment's."""
    last = stored["metadata"]["name"].rpartition(".")[2]
    return int(last) if last.isdigit() else 0


def lines_of(stored: Iterable[Object]) -> list[str]:
    """All entries of the segments, in the order in which they were made."""
    return [text for one in sorted(stored, key=number_of) for _, text in sorted(_entries(one).items())]


def head_of(stored: Iterable[Object]) -> dict[str, Any] | None:
    """The signed head of the newest segment, as it is written there; None if there is none."""
    newest = max(stored, key=number_of, default=None)
    try:
        head = json.loads((newest.get("data") or {})[HEAD_KEY]) if newest is not None else None
    except (ValueError, KeyError):
        return None
    return head if isinstance(head, dict) else None


def entries_of(stored: Object) -> dict[int, Entry | None]:
    """The entries of one segment by the sequence they are kept under; None where one is not as it was written."""
    return {int(key): read(text) for key, text in sorted(_entries(stored).items())}


def tail_of(stored: Object, namespace: str, model: str) -> Tail:
    """Where the chain goes on behind a segment, if nobody changed it."""
    texts, entries = _entries(stored), entries_of(stored)
    last = max(entries, default=0)
    return Tail(
        sequence=last,
        hash=sha256(entries[last]) if last else genesis(f"{namespace}/{model}"),
        segment=number_of(stored),
        entries=len(texts),
        size=sum(map(len, texts.values())),
        sealed=bool(stored.get("immutable")),
    )


def _entries(stored: Object) -> dict[str, str]:
    return {key: text for key, text in (stored.get("data") or {}).items() if _ENTRY.fullmatch(key)}
