"""How Headgate marks what it owns: labels, annotations, field managers, object names, owner references."""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from headgate.api.base import DIGEST
from headgate.rollout.snapshot import Provenance

MANAGED_BY = "app.kubernetes.io/managed-by"
MANAGED_BY_HEADGATE = "headgate"

PREFIX = "headgate.dev/"
MODEL = PREFIX + "model"
REVISION = PREFIX + "revision"
ROLE = PREFIX + "role"
ATTEMPT = PREFIX + "attempt"
STABLE = PREFIX + "stable"
"""On a route, which has several revisions: the one in slot 0."""
CANDIDATE = PREFIX + "candidate"
"""On a route: the revision in slot 1."""

BLOCKED = PREFIX + "blocked"
"""Annotation of a route: the versions that were taken back, as JSON."""

SHARES = PREFIX + "shares"
"""Annotation of a route with two versions: thousandths by revision as Headgate wrote them, as JSON. An edit by hand leaves it as it is."""

_REVISION = re.compile("[0-9a-f]{8}")
_PROVENANCE = {"version": ".{1,256}", "content": DIGEST, "subject": DIGEST, "tier": r"\w{1,32}"}
"""Annotations of a Deployment: which release it is, the digest that approvals bind to, and what was approved when it went live."""

FIELD_MANAGER = "headgate"
STATUS_MANAGER = "headgate-status"


class TrafficRole(StrEnum):
    """What a revision is to its model's users. Rebuilding a lost status starts from this label."""

    STABLE = "stable"
    CANDIDATE = "candidate"
    PREVIOUS = "previous"
    """Was live, and is kept to go back to."""
    WITHDRAWN = "withdrawn"
    """Lost its traffic before it was live, and drains."""


def provenance_of(annotations: Mapping[str, str]) -> Provenance:
    """What a Deployment says of its revision, without what cannot be true."""
    return Provenance(
        **{name: said for name, form in _PROVENANCE.items() if re.fullmatch(form, said := annotations.get(PREFIX + name, ""))}
    )


def annotations_of(provenance: Provenance) -> dict[str, str | None]:
    """The annotations that `provenance_of` reads: all of them, and None for what is not known, so that a merge patch takes it away."""
    return {PREFIX + name: getattr(provenance, name) or None for name in _PROVENANCE}


def annotations_patch(provenance: Provenance) -> dict[str, str | None]:
    """The same for a merge patch: what is empty goes, or it would be found different for ever."""
    return {PREFIX + name: getattr(provenance, name) or None for name in _PROVENANCE}


@dataclass(frozen=True, slots=True)
class Owner:
    """The object whose deletion takes ours along."""

    api_version: str
    kind: str
    name: str
    uid: str

    def reference(self) -> dict[str, Any]:
        """The controlling ownerReference."""
        return {
            "apiVersion": self.api_version,
            "kind": self.kind,
            "name": self.name,
            "uid": self.uid,
            "controller": True,
            "blockOwnerDeletion": True,
        }


def revision_name(model: str, revision: str) -> str:
    """Name of a revision's Deployment and Service. A model name of 50 characters gives 59, within the 63 of a DNS label."""
    return f"{model}-{revision}"


def revision_of(model: str, object_name: str) -> str | None:
    """The revision (8 hex digits) in the name of one of `model`'s objects; None if the name is not of that form."""
    prefix, _, revision = object_name.rpartition("-")
    return revision if prefix == model and _REVISION.fullmatch(revision) else None


def model_of(object_name: str) -> str:
    """The model of an object that is named like one of a revision; empty for any other name."""
    model, _, revision = object_name.rpartition("-")
    return model if _REVISION.fullmatch(revision) else ""


def copy_name(model: str, revision: str, config_map: str) -> str:
    """Name of the copy of one of users' ConfigMaps that belongs to a revision."""
    return f"{revision_name(model, revision)}-{hashlib.sha256(config_map.encode()).hexdigest()[:8]}"


def absent_copy_name(model: str, revision: str) -> str:
    """In place of an optional ConfigMap that was not there: a name that nobody fills, so that pods never see it appear."""
    return f"{revision_name(model, revision)}-none"


def is_copy_name(deployment: str, config_map: str) -> bool:
    """Whether the pods of `deployment` read a copy under this name."""
    return revision_of(deployment, config_map) is not None


def made_for(metadata: Mapping[str, Any]) -> str:
    """The model that Headgate made an object for, by its metadata; empty without both labels: anybody may write one of them, admission
    protects the two."""
    labels = metadata.get("labels") or {}
    return (labels.get(MODEL) or "") if labels.get(MANAGED_BY) == MANAGED_BY_HEADGATE else ""


def object_metadata(name: str, namespace: str, owner: Owner | None, labels: Mapping[str, str]) -> dict[str, Any]:
    """metadata of an object we apply: `labels` and managed-by. Without an owner it outlives the model (deletionPolicy Orphan)."""
    metadata: dict[str, Any] = {"name": name, "namespace": namespace, "labels": {MANAGED_BY: MANAGED_BY_HEADGATE, **labels}}
    if owner is not None:
        metadata["ownerReferences"] = [owner.reference()]
    return metadata
