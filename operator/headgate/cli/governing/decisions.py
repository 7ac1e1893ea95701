"""GovernanceApprovals as this command line writes them, and what each kind of intervention is about. Pure."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from pydantic import ValidationError

from headgate.api.aimodel import AIModelSpec
from headgate.api.approval import ApprovalState, GovernanceApprovalSpec, Target
from headgate.api.digests import sha256
from headgate.api.faults import first_fault
from headgate.api.status import AttemptKind, Blocked
from headgate.api.vocabulary import DecisionKind, Gate, Phase, Role
from headgate.cli.refused import Refused
from headgate.cli.view import ModelView, describes
from headgate.governance.approvals import short
from headgate.governance.persons import person
from headgate.kube.labels import MODEL


def gate_spec(
    view: ModelView, kind: DecisionKind, *, gate: Gate, subject: str, role: Role, approver: str, rationale: str, **more: Any
) -> GovernanceApprovalSpec:
    """An Approve, Reject or Revoke of `subject` at `gate`; `more` are further fields. Raises Refused if it breaks a bound."""
    fields = {"gate": gate, "subject": subject, "role": role, "approver": approver, "rationale": rationale, **more}
    return _checked(model=view.name, decision=kind, **fields)


def intervention_spec(view: ModelView, kind: DecisionKind, *, approver: str, reason: str, **more: Any) -> GovernanceApprovalSpec:
    """An intervention on what is under way now; `more` are further fields. Raises Refused if there is nothing `kind` could be about."""
    return _checked(model=view.name, decision=kind, target=target_of(view, kind), approver=approver, rationale=reason, **more)


def _checked(**fields: Any) -> GovernanceApprovalSpec:
    try:
        return GovernanceApprovalSpec(**fields)
    except ValidationError as error:
        raise Refused(first_fault(error, whole="decision")) from error


def body_of(view: ModelView, spec: GovernanceApprovalSpec) -> dict[str, Any]:
    """The object to create. Its name follows from what is decided, so that Git and command line agree on it."""
    said = spec.model_dump(mode="json", by_alias=True, exclude_none=True)
    # A cluster of an earlier release refuses fields that it does not know, empty ones as well.
    written = {name: value for name, value in said.items() if value != []}
    if spec.gate is not None:
        name = f"{spec.model}-{spec.gate.value.lower()}-{spec.role}-{short(spec.subject)}"
    else:
        name = f"{spec.model}-{spec.decision.value.lower()}-{short(sha256(written))}"
    return {"metadata": {"name": name, "namespace": view.namespace, "labels": {MODEL: view.name}}, "spec": written}


def still_stands(view: ModelView, spec: GovernanceApprovalSpec, existing: Mapping[str, Any], now: datetime) -> bool:
    """Whether deciding `spec` again would add nothing to `existing`, which has the same name."""
    try:
        old = GovernanceApprovalSpec.model_validate(existing.get("spec"))
    except ValidationError:
        return False
    if old.target is not None:
        return existing["metadata"]["name"] not in view.status.taken_up
    state = (existing.get("status") or {}).get("state")
    renews = spec.gate in (Gate.CONTINUATION, Gate.TIER_LOWERING)
    if renews and old.expires_at is not None and spec.expires_at is not None and old.expires_at < spec.expires_at:
        return False
    same = old.decision is spec.decision and person(old.approver) == person(spec.approver) and old.subject == spec.subject
    void = state in (ApprovalState.NOT_COUNTED, ApprovalState.UNVERIFIED, ApprovalState.UNPROVEN)
    return same and not void and (old.expires_at is None or now < old.expires_at)


def target_of(view: ModelView, kind: DecisionKind) -> Target:
    """The revision and attempt that an intervention of `kind` is about. Raises Refused, saying what is there instead."""
    if kind is DecisionKind.RETRY:
        return _to_retry(view)
    if kind is DecisionKind.AA_TEST:
        return _to_test(view)
    status = view.status
    if status.candidate is not None:
        if kind is DecisionKind.RESUME and status.paused is None:
            raise Refused(f"{view.name} is not paused")
        return Target(revision=status.candidate.revision, attempt=status.candidate.attempt)
    if kind not in (DecisionKind.HALT, DecisionKind.ROLLBACK):
        raise Refused(f"there is nothing to {kind.lower()}: no rollout of {view.name} is under way (phase {status.phase})")
    if status.stable is None:
        raise Refused(f"there is nothing to {kind.lower()}: no version of {view.name} gets traffic (phase {status.phase})")
    return Target(revision=status.stable.revision, attempt=max(status.attempts, 1))


def _to_retry(view: ModelView) -> Target:
    status, spec = view.status, view.valid_spec()
    if status.candidate is not None:
        raise Refused(f"there is nothing to retry: attempt {status.candidate.attempt} of {status.candidate.version} is under way")
    taken_back = next((entry for entry in reversed(status.blocked) if _asked_for(spec, entry)), None)
    if taken_back is None:
        raise Refused(f"there is nothing to retry: version {view.version} of {view.name} was not taken back (phase {status.phase})")
    return Target(revision=taken_back.revision, attempt=taken_back.attempt)


def _to_test(view: ModelView) -> Target:
    status = view.status
    if status.candidate is not None:
        raise Refused(f"attempt {status.candidate.attempt} of {status.candidate.version} is under way: an A/A test waits for its end")
    if status.stable is None or status.phase is not Phase.LIVE:
        raise Refused(f"an A/A test sets the live version against itself, and {view.name} is {status.phase}")
    return Target(revision=status.stable.revision, attempt=max(status.attempts, 1))


def _asked_for(spec: AIModelSpec | None, entry: Blocked) -> bool:
    return spec is None or describes(spec, entry)


def nothing_to_approve(view: ModelView, gate: Gate = Gate.DEPLOYMENT) -> str:
    """Why there is no subject to approve, in words."""
    status = view.status
    if gate is Gate.TIER_LOWERING:
        return f"there is nothing to approve: {view.name} declares no tier below the table's, or its risk is not known"
    if gate is not Gate.DEPLOYMENT:
        return f"there is nothing to approve: the policy of {view.name} asks for no approved use case, or its risk tier is not known"
    if status.phase is Phase.AWAITING_USE_CASE:
        return f"there is nothing to approve at the Deployment gate yet: the use case of {view.name} comes first (--gate UseCase)"
    if status.candidate is None and status.phase is Phase.ROLLED_BACK:
        return f"there is nothing to approve: version {view.version} of {view.name} was taken back and waits for a retry or a new version"
    if status.candidate is None:
        live = f"; {status.stable.version} is live" if status.stable else ""
        return f"there is nothing to approve: no rollout of {view.name} is under way (phase {status.phase}{live})"
    if status.candidate.kind in (AttemptKind.UNCHANGED, AttemptKind.RESTORE, AttemptKind.BASELINE, AttemptKind.AA_TEST):
        return f"there is nothing to approve: {status.candidate.version} has content that was approved before, so its rollout has no gate"
    return f"there is nothing to approve yet: the operator has not read the gate of {status.candidate.version} (phase {status.phase})"
