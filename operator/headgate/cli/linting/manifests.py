"""Objects of headgate.dev as they are written in files, and what their schemas say of them."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from pydantic import BaseModel, ValidationError

from headgate.api.aimodel import AIModelSpec
from headgate.api.approval import GovernanceApprovalSpec
from headgate.api.base import GROUP, MODEL_NAME, VERSION
from headgate.api.policy import RolloutPolicySpec
from headgate.api.trust_store import TRUST_STORE, TrustStoreSpec
from headgate.cli.linting.findings import Finding, Severity
from headgate.cli.manifest_file import Document, Place

Spec = TypeVar("Spec", bound=BaseModel)

_TOP = ("apiVersion", "kind", "metadata", "spec", "status")
_SPECS: dict[str, type[BaseModel]] = {
    "AIModel": AIModelSpec,
    "RolloutPolicy": RolloutPolicySpec,
    "GovernanceApproval": GovernanceApprovalSpec,
    "TrustStore": TrustStoreSpec,
}


@dataclass(frozen=True, slots=True)
class Written:
    """One object of headgate.dev in a file. `place`: where in its document it stands, which is not the top in a List."""

    file: str
    document: Document
    body: dict[str, Any]
    place: Place = ()

    @property
    def kind(self) -> str:
        return str(self.body.get("kind") or "")

    @property
    def metadata(self) -> dict[str, Any]:
        found = self.body.get("metadata")
        return found if isinstance(found, dict) else {}

    @property
    def name(self) -> str:
        return str(self.metadata.get("name") or "")

    @property
    def namespace(self) -> str:
        return str(self.metadata.get("namespace") or "")

    @property
    def about(self) -> str:
        return f"{self.kind} {f'{self.namespace}/' if self.namespace else ''}{self.name or '(without a name)'}"

    def finding(self, severity: Severity, rule: str, place: Place, message: str) -> Finding:
        """`place` within the object, like ("spec", "owners")."""
        return Finding(severity, rule, self.file, self.document.line((*self.place, *place)), self.about, message)


@dataclass(frozen=True, slots=True)
class Manifest(Generic[Spec]):
    """One whose spec can be read."""

    written: Written
    spec: Spec

    def error(self, rule: str, place: Place, message: str) -> Finding:
        return self.written.finding(Severity.ERROR, rule, ("spec", *place), message)

    def warning(self, rule: str, place: Place, message: str) -> Finding:
        return self.written.finding(Severity.WARNING, rule, ("spec", *place), message)

    def note(self, rule: str, place: Place, message: str) -> Finding:
        return self.written.finding(Severity.NOTE, rule, ("spec", *place), message)


@dataclass(slots=True)
class Collection:
    """All objects that were written together; `known` are the (kind, namespace, name) of those too that cannot be read."""

    models: list[Manifest[AIModelSpec]] = field(default_factory=list)
    policies: list[Manifest[RolloutPolicySpec]] = field(default_factory=list)
    approvals: list[Manifest[GovernanceApprovalSpec]] = field(default_factory=list)
    stores: list[Manifest[TrustStoreSpec]] = field(default_factory=list)
    known: set[tuple[str, str, str]] = field(default_factory=set)

    def policy_of(self, model: Manifest[AIModelSpec]) -> Manifest[RolloutPolicySpec] | None:
        """The policy that the model names, by its name: which namespace is the platform's is not written in files."""
        return next((policy for policy in self.policies if policy.written.name == model.spec.policy.name), None)

    def model_of(self, approval: Manifest[GovernanceApprovalSpec]) -> Manifest[AIModelSpec] | None:
        wanted = (approval.written.namespace, approval.spec.model)
        return next((model for model in self.models if (model.written.namespace, model.written.name) == wanted), None)

    @property
    def store(self) -> TrustStoreSpec | None:
        return self.stores[0].spec if self.stores else None


def objects_in(file: str, documents: tuple[Document, ...]) -> Iterator[Written]:
    """Those of headgate.dev; Lists are opened, other kinds passed over."""
    for document in documents:
        if not isinstance(document.body, dict):
            continue
        items = document.body.get("items")
        listed: Iterator[Written] = iter((Written(file, document, document.body),))
        if document.body.get("kind") == "List" and isinstance(items, list):
            listed = (Written(file, document, item, ("items", k)) for k, item in enumerate(items) if isinstance(item, dict))
        yield from (one for one in listed if str(one.body.get("apiVersion") or "").partition("/")[0] == GROUP)


def collected(objects: list[Written]) -> tuple[Collection, list[Finding]]:
    """The objects by kind, and what is wrong with each by itself."""
    collection, findings = Collection(), list[Finding]()
    for one in objects:
        findings += [*_identity(one), *_twice(one, collection)]
        model = _SPECS.get(one.kind)
        if model is None or one.body.get("apiVersion") != f"{GROUP}/{VERSION}":
            findings.append(one.finding(Severity.ERROR, "kind", ("kind",), _unknown_kind(one)))
            continue
        try:
            _keep(collection, Manifest(one, model.model_validate(one.body.get("spec"))))
        except ValidationError as error:
            findings += _faults(one, error)
    return collection, findings


def _keep(collection: Collection, manifest: Manifest[Any]) -> None:
    by_kind: dict[str, list[Any]] = {
        "AIModel": collection.models,
        "RolloutPolicy": collection.policies,
        "GovernanceApproval": collection.approvals,
        "TrustStore": collection.stores,
    }
    by_kind[manifest.written.kind].append(manifest)


def _unknown_kind(one: Written) -> str:
    wanted = ", ".join(sorted(_SPECS))
    return f"there is no {one.kind or 'kind'} of {one.body.get('apiVersion')}: this release knows {wanted} of {GROUP}/{VERSION}"


def _identity(one: Written) -> Iterator[Finding]:
    if not one.name:
        yield one.finding(Severity.ERROR, "name", ("metadata",), "metadata.name is missing")
    elif one.kind == "AIModel" and not re.fullmatch(MODEL_NAME, one.name):
        words = (
            "the name becomes part of Service and label names: at most 50 lower-case letters, digits and dashes, beginning with a letter"
        )
        yield one.finding(Severity.ERROR, "name", ("metadata", "name"), words)
    elif one.kind == "TrustStore" and one.name != TRUST_STORE:
        yield one.finding(Severity.ERROR, "name", ("metadata", "name"), f"there is one trust store: name it {TRUST_STORE}")
    for key in one.body:
        if key not in _TOP:
            yield one.finding(Severity.ERROR, "schema", (str(key),), f"{key}: there is no such field; the fields are {', '.join(_TOP)}")


def _twice(one: Written, collection: Collection) -> Iterator[Finding]:
    identity = (one.kind, one.namespace, one.name)
    if one.name and identity in collection.known:
        yield one.finding(Severity.ERROR, "twice", ("metadata", "name"), "it is written twice: whichever is applied last wins")
    collection.known.add(identity)


def _faults(one: Written, error: ValidationError) -> Iterator[Finding]:
    for fault in error.errors(include_url=False, include_context=False, include_input=False):
        place = ("spec", *fault["loc"])
        said = "there is no such field" if fault["type"] == "extra_forbidden" else fault["msg"].removeprefix("Value error, ")
        yield one.finding(Severity.ERROR, "schema", place, f"{'.'.join(map(str, place))}: {said}")
