"""`headgate approve`: one person's approval of exactly what the gate asks about now."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Annotated

import typer
from pydantic import ValidationError

from headgate.api.approval import EvidenceItem
from headgate.api.base import DIGEST
from headgate.api.gate_status import GateState, TierLoweringStatus
from headgate.api.quantities import Duration
from headgate.api.vocabulary import DecisionKind, Gate, Mode, Role
from headgate.cli.cluster import Access, run
from headgate.cli.governing.confirm import ask_for_words, ask_to_go_on, record
from headgate.cli.governing.decisions import gate_spec, nothing_to_approve
from headgate.cli.governing.difference import difference
from headgate.cli.governing.signing import SIGN, print_signed, private_key
from headgate.cli.governing.subject import statement_of, unverified
from headgate.cli.options import AS_USER, CONTEXT, GATE, MODEL_NAME, NAMESPACE, OUTPUT, YES, Format, parse_duration
from headgate.cli.refused import Refused
from headgate.cli.showing.explain import evidence_words
from headgate.cli.showing.replayed import replay_words
from headgate.cli.vendor_words import vendor_words
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
    gate: GATE = Gate.DEPLOYMENT,
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
    """Approve the candidate of MODEL, its use case or the lower tier that it declares (--gate), in one role, after showing what is
    approved and what differs from the live version."""
    access = Access(namespace, context, as_user)
    view = run(access, lambda cluster: cluster.model_to_approve(model, access.where))
    asked = _asked(view, gate, role)
    key = private_key(sign) if sign else None
    approver = run(access, lambda cluster: cluster.whoami())
    _entitled(view, role, approver)
    now = datetime.now(UTC)
    expires_at = (now + timedelta(seconds=expires)).replace(microsecond=0)
    mine = _Mine(gate, role, approver, expires_at)
    for line in shown(view, asked, mine, now):
        typer.echo(line, err=True)
    words = ask_for_words("Rationale", "--rationale", rationale, yes=yes)
    ask_to_go_on(f"Approve as {role}?", yes=yes)
    more = {"evidence": tuple(evidence or ()), "conditions": tuple(conditions or ()), "on_behalf_of": instead_of, "expires_at": expires_at}
    spec = gate_spec(view, DecisionKind.APPROVE, gate=gate, subject=asked.subject, role=role, approver=approver, rationale=words, **more)
    if key:
        print_signed(view, spec, asked.environment, key, output)
    else:
        record(access, view, spec, output)


@dataclass(frozen=True, slots=True)
class _Mine:
    """The approval that is about to be made."""

    gate: Gate
    role: Role
    approver: str
    expires_at: datetime


def _asked(view: ModelView, gate: Gate, role: Role) -> GateState:
    asked = view.gate_state(gate)
    if asked is None:
        raise Refused(nothing_to_approve(view, gate))
    case = view.status.use_case
    if gate is Gate.CONTINUATION and case is not None and case.stands_for != case.subject:
        raise Refused("this use case was not approved yet, so there is nothing to continue: --gate UseCase comes first")
    if role is Role.AUTOMATED_CHECKS:
        raise Refused("automated-checks is computed from the shadow verdict, never approved by a person")
    if role not in asked.required:
        needed = ", ".join(entry for entry in dict.fromkeys(asked.required) if entry is not Role.AUTOMATED_CHECKS)
        raise Refused(f"{role} is not asked for at tier {asked.tier} by the gate {gate}: {needed or 'no person'} is")
    return asked


def _entitled(view: ModelView, role: Role, approver: str) -> None:
    if role not in NOT_BY_TECHNICAL_OWNER:
        return
    if person(approver) == person(view.technical_owner):
        raise Refused(f"{approver} is the technical owner of {view.name}, who may not give {role}: somebody else has to")
    if person(approver) in map(person, view.status.technical_owners):
        raise Refused(f"{approver} was technical owner of {view.name} since its last version went live: somebody else has to give {role}")


def shown(view: ModelView, asked: GateState, mine: _Mine, now: datetime) -> list[str]:
    """What the approver sees before saying yes."""
    deploys = mine.gate is Gate.DEPLOYMENT
    lines = [
        f"You are about to approve, as {mine.role}, at the gate {mine.gate}:",
        f"  model        {view.namespace}/{view.name}",
        f"  environment  {asked.environment}",
        *(_version(view) if deploys else _use_case(view)),
        f"  tier         {asked.tier}{_lowers(asked)}",
        f"  subject      {asked.subject}",
        f"  approver     {mine.approver}",
        f"  expires      {clock(mine.expires_at)}",
        *(f"  against live {words}" for words in (difference(view) if deploys else ())),
        *([] if statement_of(view, mine.gate) else [f"  note         {unverified(view)}"]),
        *(f"  so far       {entry}" for entry in asked.counted),
        *(f"  evidence     {words}" for words in (evidence_words(view) if deploys else ())),
        *(f"  answers      {words}" for words in (replay_words(view) if deploys else ())),
    ]
    if mine.expires_at > now + LONGEST_VALIDITY[asked.tier]:
        lines.append(f"  note         at tier {asked.tier} an approval counts for {LONGEST_VALIDITY[asked.tier].days} days at most")
    if any(entry.partition(":")[0] == mine.role for entry in asked.counted):
        lines.append(f"  note         {mine.role} is already given; yours takes over when that one ends")
    return lines


def _lowers(asked: GateState) -> str:
    return f", to be lowered to {asked.declared}" if isinstance(asked, TierLoweringStatus) else ""


def _version(view: ModelView) -> Iterator[str]:
    candidate, gate, artifact = view.status.candidate, view.gate, view.spec.get("artifact") or {}
    if candidate is None or gate is None:
        return
    yield f"  version      {candidate.version} (revision {candidate.revision}, attempt {candidate.attempt})"
    yield f"  content      {candidate.content}"
    if candidate.version == view.version and artifact.get("uri"):
        yield f"  artifact     {artifact.get('uri')}"
    yield f"  policy       {candidate.policy}"
    if gate.mode is Mode.OBSERVE:
        yield "  mode         Observe: evidence takes this version back in no stage, and it rises without proof"


def _use_case(view: ModelView) -> Iterator[str]:
    written, risk = view.written_down(), view.status.risk_tier
    if written is None:
        return
    for name, value in written.classification.model_dump(mode="json", by_alias=True, exclude_none=True).items():
        yield f"  {name:<12} {', '.join(value) or 'none' if isinstance(value, list) else value}"
    for words in risk.reasons if risk is not None else ():
        yield f"  because      {words}"
    if written.requirements is not None:
        yield f"  purpose      {' '.join(written.requirements.business_context.split())[:200]}"
        for excluded in written.requirements.technical_scope.excludes:
            yield f"  not for      {excluded}"
        for metric in written.requirements.success_metrics:
            yield f"  success      {metric.name}: {metric.threshold}"
    if written.vendor is not None:
        yield f"  vendor       {written.vendor.name}: {written.vendor.product}"
        for words in vendor_words(view.status.vendor):
            yield f"               {words}"
