"""`headgate approve`: one person's approval of exactly what the gate asks about now."""

from datetime import UTC, datetime, timedelta
from typing import Annotated

import typer
from pydantic import ValidationError

from headgate.api.approval import EvidenceItem
from headgate.api.base import DIGEST
from headgate.api.quantities import Duration
from headgate.api.status import CandidateStatus, GateStatus
from headgate.api.vocabulary import DecisionKind, Mode, Role
from headgate.cli.cluster import Access, run
from headgate.cli.confirm import ask_for_words, ask_to_go_on, record
from headgate.cli.decisions import gate_spec, nothing_to_approve
from headgate.cli.difference import difference
from headgate.cli.explain import evidence_words
from headgate.cli.options import AS_USER, CONTEXT, MODEL_NAME, NAMESPACE, OUTPUT, YES, Format, parse_duration
from headgate.cli.refused import Refused
from headgate.cli.signing import SIGN, print_signed, private_key
from headgate.cli.subject import statement_of, unverified
from headgate.cli.view import ModelView, clock
from headgate.governance.approvals import LONGEST_VALIDITY, NOT_BY_TECHNICAL_OWNER
from headgate.governance.persons import person

_NINETY_DAYS = Duration(90 * 86_400)


def parse_evidence(text: str) -> EvidenceItem:
    """`type=uri` or `type=uri@sha256:…`. Raises typer.BadParameter."""
    kind, equals, rest = text.partition("=")
    uri, at, digest = rest.rpartition("@sha256:")
    try:
        if not equals or not kind or not rest:
            raise ValueError("nothing before or after =")
        return EvidenceItem(type=kind, uri=uri, digest=f"sha256:{digest}") if at else EvidenceItem(type=kind, uri=rest)
    except (ValidationError, ValueError) as error:
        raise typer.BadParameter(f"{text!r} is not evidence: write type=uri@digest, the digest like {DIGEST}") from error


def approve(
    model: MODEL_NAME,
    role: Annotated[Role, typer.Option("--role", "-r", help="In which capacity you approve.", show_default=False)],
    rationale: Annotated[str | None, typer.Option("--rationale", help="Why; asked for if left out.", show_default=False)] = None,
    expires: Annotated[Duration, typer.Option("--expires", parser=parse_duration, metavar="DURATION", help="From now.")] = _NINETY_DAYS,
    evidence: Annotated[
        list[EvidenceItem] | None,
        typer.Option("--evidence", parser=parse_evidence, metavar="TYPE=URI@DIGEST", help="May be repeated.", show_default=False),
    ] = None,
    conditions: Annotated[
        list[str] | None, typer.Option("--condition", help="On what your approval rests; may be repeated.", show_default=False)
    ] = None,
    instead_of: Annotated[
        str | None, typer.Option("--on-behalf-of", metavar="USER", help="Whose place you take, by a delegation.", show_default=False)
    ] = None,
    sign: SIGN = None,
    yes: YES = False,
    namespace: NAMESPACE = None,
    context: CONTEXT = None,
    as_user: AS_USER = None,
    output: OUTPUT = Format.TEXT,
) -> None:
    """Approve the candidate of MODEL in one role, after showing what is approved and what differs from the live version."""
    access = Access(namespace, context, as_user)
    view = run(access, lambda cluster: cluster.model_to_approve(model, access.where))
    candidate, gate = _asked(view, role)
    key = private_key(sign) if sign else None
    approver = run(access, lambda cluster: cluster.whoami())
    _entitled(view, role, approver)
    now = datetime.now(UTC)
    expires_at = (now + timedelta(seconds=expires)).replace(microsecond=0)
    for line in shown(view, candidate, gate, role=role, approver=approver, expires_at=expires_at, now=now):
        typer.echo(line, err=True)
    words = ask_for_words("Rationale", "--rationale", rationale, yes=yes)
    ask_to_go_on(f"Approve as {role}?", yes=yes)
    more = {"evidence": tuple(evidence or ()), "conditions": tuple(conditions or ()), "on_behalf_of": instead_of, "expires_at": expires_at}
    spec = gate_spec(view, DecisionKind.APPROVE, subject=gate.subject, role=role, approver=approver, rationale=words, **more)
    if key:
        print_signed(view, spec, gate.environment, key, output)
    else:
        record(access, view, spec, output)


def _asked(view: ModelView, role: Role) -> tuple[CandidateStatus, GateStatus]:
    candidate, gate = view.status.candidate, view.gate
    if candidate is None or gate is None:
        raise Refused(nothing_to_approve(view))
    if role is Role.AUTOMATED_CHECKS:
        raise Refused("automated-checks is computed from the shadow verdict, never approved by a person")
    if role not in gate.required:
        needed = ", ".join(entry for entry in gate.required if entry is not Role.AUTOMATED_CHECKS)
        raise Refused(f"{role} is not asked for at tier {gate.tier}: {needed or 'no person'} is")
    return candidate, gate


def _entitled(view: ModelView, role: Role, approver: str) -> None:
    if role in NOT_BY_TECHNICAL_OWNER and person(approver) == person(view.technical_owner):
        raise Refused(f"{approver} is the technical owner of {view.name}, who may not give {role}: somebody else has to")


def shown(
    view: ModelView, candidate: CandidateStatus, gate: GateStatus, *, role: Role, approver: str, expires_at: datetime, now: datetime
) -> list[str]:
    """What the approver sees before saying yes."""
    statement = statement_of(view)
    artifact = view.spec.get("artifact") or {}
    lines = [
        f"You are about to approve, as {role}:",
        f"  model        {view.namespace}/{view.name}",
        f"  environment  {gate.environment}",
        f"  version      {candidate.version} (revision {candidate.revision}, attempt {candidate.attempt})",
        f"  content      {candidate.content}",
        *([f"  artifact     {artifact.get('uri')}"] if candidate.version == view.version and artifact.get("uri") else []),
        f"  tier         {gate.tier}",
        f"  policy       {candidate.policy}",
        *(
            ["  mode         Observe: evidence takes this version back in no stage, and it rises without proof"]
            if gate.mode is Mode.OBSERVE
            else []
        ),
        f"  subject      {gate.subject}",
        f"  approver     {approver}",
        f"  expires      {clock(expires_at)}",
        *(f"  against live {words}" for words in difference(view)),
        *([] if statement else [f"  note         {unverified(view)}"]),
        *(f"  so far       {entry}" for entry in gate.counted),
        *(f"  evidence     {words}" for words in evidence_words(view)),
    ]
    if expires_at > now + LONGEST_VALIDITY[gate.tier]:
        lines.append(f"  note         at tier {gate.tier} an approval counts for {LONGEST_VALIDITY[gate.tier].days} days at most")
    if any(entry.partition(":")[0] == role for entry in gate.counted):
        lines.append(f"  note         {role} is already given; yours takes over when that one ends")
    return lines
