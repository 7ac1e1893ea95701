"""`headgate verify`: are these files what their approvers signed? Needs no cluster."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from pydantic import ValidationError

from headgate.api.approval import GovernanceApprovalSpec
from headgate.api.faults import first_fault
from headgate.api.trust_store import TrustStoreSpec
from headgate.api.vocabulary import DecisionKind, Tier
from headgate.cli.manifest_file import manifests_in
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


def _objects(file: Path, kind: Resource) -> tuple[dict[str, Any], ...]:
    return manifests_in(file, kind.api_version, kind.kind)


def trust_of(file: Path) -> TrustStoreSpec:
    """Raises Refused, naming the first field that is wrong."""
    try:
        return TrustStoreSpec.model_validate(_objects(file, TRUST_STORES)[0].get("spec") or {})
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
    problem = _problem(spec, namespace, Trust(environment or spec.signature.environment, store), made_at(metadata, now), now)
    return found | {"verified": not problem, "problem": problem}


def _problem(spec: GovernanceApprovalSpec, namespace: str, trust: Trust, made: datetime, now: datetime) -> str:
    assert spec.signature is not None
    unverified = trust.unverified(spec, namespace, made)
    if unverified or spec.decision is not DecisionKind.APPROVE:
        return unverified
    if spec.expires_at is not None and now >= spec.expires_at:
        return f"it expired at {clock(spec.expires_at)}"
    return trust.not_entitled(spec, tier=Tier.HIGH, made=max(made, spec.signature.signed_at), now=now)


def made_at(metadata: dict[str, Any], now: datetime) -> datetime:
    """When the object was made, if it comes from a cluster; else now, as if it were applied."""
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
    found = [checked(document, store, environment, now) for file in files for document in _objects(file, GOVERNANCE_APPROVALS)]
    if output.is_document:
        typer.echo(rendered(found, output))
    for one in found if not output.is_document else ():
        said = f"{one['decision']} of {one['model']} as {one['role']} by {one['approver']}" if "decision" in one else "no decision"
        where = f", for {one['environment']}, signed at {one['signedAt']}, subject {one['subject']}" if "environment" in one else ""
        typer.echo(f"{one['namespace']}/{one['name']}: {'verified' if one['verified'] else 'NOT VERIFIED: ' + one['problem']}")
        typer.echo(f"  {said}{where}")
    if not all(one["verified"] for one in found):
        raise typer.Exit(1)
