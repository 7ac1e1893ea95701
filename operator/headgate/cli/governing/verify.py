"""`headgate verify`: are these files what their approvers signed? Needs no cluster."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer
import yaml
from pydantic import ValidationError

from headgate.api.approval import GovernanceApprovalSpec
from headgate.api.faults import first_fault
from headgate.api.trust_store import TrustStoreSpec
from headgate.api.vocabulary import DecisionKind, Tier
from headgate.cli.options import OUTPUT, Format, rendered
from headgate.cli.refused import Refused
from headgate.cli.view import clock
from headgate.governance.trust import Trust
from headgate.kube.resources import GOVERNANCE_APPROVALS, TRUST_STORES, Resource

_FILE = typer.Option(
    "--file", "-f", help="Manifests of GovernanceApprovals; may be repeated.", exists=True, dir_okay=False, show_default=False
)
_STORE = typer.Option("--trust-store", help="Manifest of the TrustStore.", exists=True, dir_okay=False, show_default=False)
_ENVIRONMENT = typer.Option(
    "--environment", help="For which cluster they have to be signed. Default: whichever they are.", show_default=False
)


class _OnceEach(yaml.SafeLoader):
    """A key that is written twice is two statements: which one was signed?"""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        keys = [key.value for key, _ in node.value]
        twice = next((key for key in keys if keys.count(key) > 1), None)
        if twice is not None:
            raise yaml.constructor.ConstructorError(None, None, f"the key {twice} is written twice", node.start_mark)
        return super().construct_mapping(node, deep)


def documents(file: Path, kind: Resource) -> Iterator[dict[str, Any]]:
    """The objects of one kind in a file. Raises Refused for what is no YAML, and for a file without any."""
    try:
        read = list(yaml.load_all(file.read_text(), _OnceEach))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise Refused(f"{file} cannot be read: {' '.join(str(error).split())}") from error
    found = [one for one in read if isinstance(one, dict) and (one.get("apiVersion"), one.get("kind")) == (kind.api_version, kind.kind)]
    if not found:
        raise Refused(f"{file} holds no {kind.kind}")
    yield from found


def trust_of(file: Path) -> TrustStoreSpec:
    """Raises Refused, naming the first field that is wrong."""
    try:
        return TrustStoreSpec.model_validate(next(documents(file, TRUST_STORES)).get("spec") or {})
    except ValidationError as error:
        raise Refused(f"{file}: {first_fault(error, 'spec')}") from error


def checked(document: dict[str, Any], store: TrustStoreSpec, environment: str | None, now: datetime) -> dict[str, Any]:
    """What `document` says, and why it would not count if it were applied now (`problem`, empty if it would)."""
    metadata = document.get("metadata") or {}
    name, namespace = str(metadata.get("name") or ""), str(metadata.get("namespace") or "")
    found: dict[str, Any] = {"name": name, "namespace": namespace, "verified": False}
    try:
        spec = GovernanceApprovalSpec.model_validate(document.get("spec"))
    except ValidationError as error:
        return found | {"problem": first_fault(error, "spec")}
    found |= {
        "model": spec.model,
        "decision": str(spec.decision),
        "role": str(spec.role),
        "subject": spec.subject,
        "approver": spec.approver,
    }
    if spec.signature is None:
        return found | {"problem": "it carries no signature: only the API server can tell who made it"}
    if not namespace:
        return found | {"problem": "it names no namespace, which is part of what was signed"}
    found |= {"environment": spec.signature.environment, "signedAt": clock(spec.signature.signed_at)}
    problem = _problem(spec, namespace, Trust(environment or spec.signature.environment, store), _made(metadata, now), now)
    return found | {"verified": not problem, "problem": problem}


def _problem(spec: GovernanceApprovalSpec, namespace: str, trust: Trust, made: datetime, now: datetime) -> str:
    assert spec.signature is not None
    unverified = trust.unverified(spec, namespace, made)
    if unverified or spec.decision is not DecisionKind.APPROVE:
        return unverified
    if spec.expires_at is not None and now >= spec.expires_at:
        return f"it expired at {clock(spec.expires_at)}"
    return trust.not_entitled(spec, tier=Tier.HIGH, made=min(made, spec.signature.signed_at), now=now)


def _made(metadata: dict[str, Any], now: datetime) -> datetime:
    """Of an object that comes from a cluster, when it was made there."""
    made = metadata.get("creationTimestamp")
    if isinstance(made, str):
        made = datetime.fromisoformat(made)
    return made.astimezone(UTC) if isinstance(made, datetime) else now


def verify(
    files: Annotated[list[Path], _FILE],
    trust_store: Annotated[Path, _STORE],
    environment: Annotated[str | None, _ENVIRONMENT] = None,
    output: OUTPUT = Format.TEXT,
) -> None:
    """Check signed approvals against a trust store, without a cluster. Exit code 1 if one of them would not count."""
    store, now = trust_of(trust_store), datetime.now(UTC)
    found = [checked(document, store, environment, now) for file in files for document in documents(file, GOVERNANCE_APPROVALS)]
    if output.is_document:
        typer.echo(rendered(found, output))
    for one in found if not output.is_document else ():
        said = f"{one['decision']} of {one['model']} as {one['role']} by {one['approver']}" if "decision" in one else "no decision"
        where = f", for {one['environment']}, signed at {one['signedAt']}, subject {one['subject']}" if "environment" in one else ""
        typer.echo(f"{one['namespace']}/{one['name']}: {'verified' if one['verified'] else 'NOT VERIFIED: ' + one['problem']}")
        typer.echo(f"  {said}{where}")
    if not all(one["verified"] for one in found):
        raise typer.Exit(1)
