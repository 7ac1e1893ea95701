"""Is a gate open, and if not, who is missing?"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from headgate.api.vocabulary import DecisionKind, Gate, Role, Tier
from headgate.governance.approvals import NEGATIVE, Approval, Matter, counted_until, joined, standing_rejections, why_not
from headgate.governance.assignment import distinct_persons
from headgate.governance.trust import Trust

_LONGEST_LINE = 256


@dataclass(frozen=True, slots=True)
class AutomatedChecks:
    """What the role automated-checks says. `reason` is in words, for either outcome."""

    passed: bool
    reason: str


@dataclass(frozen=True, slots=True)
class GateReading:
    """The state of a gate at one instant. Sentences are at most 256 characters."""

    open: bool
    missing: tuple[str, ...]
    """One sentence for each thing that keeps the gate closed, naming the role. Empty exactly when open."""
    counted: tuple[str, ...]
    """One sentence for each filled role, in the order required."""
    counted_names: tuple[str, ...]
    """The GovernanceApprovals that fill roles."""
    not_counted: dict[str, str]
    """Why each other Approve has no effect, and which Rejects and Revokes were answered by a later Approve; by name."""
    rejected: bool = False
    """A Reject or Revoke stands."""


def evaluate(
    *,
    required: Sequence[str],
    tier: str | None,
    subject: str,
    approvals: Sequence[Approval],
    technical_owner: str,
    now: datetime,
    automated: AutomatedChecks,
    trust: Trust,
    gate: Gate = Gate.DEPLOYMENT,
) -> GateReading:
    """Open when every required role is filled by a counted approval of `subject` and no rejection stands.

    Above Low each role needs a different person. No roles, or a role or tier that is not of the vocabulary: closed.
    `approvals` are all decisions about the model, other gates and interventions included.
    """
    unknown = _unknown(required, tier)
    if unknown or tier is None:
        return GateReading(open=False, missing=unknown, counted=(), counted_names=(), not_counted={})
    matter = Matter(gate=gate, tier=Tier(tier), subject=subject, technical_owner=technical_owner, now=now, trust=trust)
    matter = joined(matter, approvals)
    seats = _seats([Role(role) for role in required if role != Role.AUTOMATED_CHECKS], approvals, matter)
    rejections = standing_rejections(approvals, matter)
    wanting = [_wanting(Role(role), seats, approvals, matter, automated) for role in required]
    missing = tuple(_line(words) for words in (*map(_standing_words, rejections), *wanting) if words)
    chosen = [seats.filled[Role(role)] for role in required if role in seats.filled]
    return GateReading(
        open=not missing,
        missing=missing,
        counted=tuple(_line(words) for role in required if (words := _counted_words(Role(role), seats, matter, automated))),
        counted_names=tuple(approval.name for approval in chosen),
        not_counted=_not_counted(seats, approvals, rejections, matter),
        rejected=bool(rejections),
    )


@dataclass(frozen=True, slots=True)
class _Seats:
    """Who fills which role, out of all who could."""

    eligible: dict[Role, dict[str, Approval]]
    """For each required role: the approval of each person, longest-standing approver first."""
    filled: dict[Role, Approval]


def _unknown(required: Sequence[str], tier: str | None) -> tuple[str, ...]:
    strangers = [role for role in required if role not in set(Role)]
    words = [f"{role}: no such role: the gate stays closed until the policy names a known one" for role in strangers]
    if not required:
        words.append("the policy names no role for this gate: it stays closed")
    if tier not in set(Tier):
        words.append(f"tier {tier or '(none)'} is not known: the gate stays closed until the model declares Low, Medium or High")
    return tuple(_line(sentence) for sentence in words)


def _seats(roles: Sequence[Role], approvals: Sequence[Approval], matter: Matter) -> _Seats:
    eligible = {role: _eligible(role, approvals, matter) for role in roles}
    if matter.tier is Tier.LOW:
        chosen = {role: next(iter(persons)) for role, persons in eligible.items() if persons}
    else:
        found = distinct_persons({role: tuple(persons) for role, persons in eligible.items()})
        chosen = {role: found[role] for role in roles if role in found}
    return _Seats(eligible, {role: eligible[role][who] for role, who in chosen.items()})


def _eligible(role: Role, approvals: Sequence[Approval], matter: Matter) -> dict[str, Approval]:
    """Of several approvals of one person, the one that lasts longest."""
    found: dict[str, Approval] = {}
    for approval in sorted(approvals, key=lambda a: (a.created, a.name)):
        if approval.spec.role is not role or why_not(approval, approvals, matter):
            continue
        who = matter.party(approval.spec.approver)
        if who not in found or counted_until(approval, matter.tier) > counted_until(found[who], matter.tier):
            found[who] = approval
    return found


def _wanting(role: Role, seats: _Seats, approvals: Sequence[Approval], matter: Matter, automated: AutomatedChecks) -> str:
    """What `role` lacks, in words; empty if it is filled."""
    if role is Role.AUTOMATED_CHECKS:
        return "" if automated.passed else f"{role}: {automated.reason}"
    if role in seats.filled:
        return ""
    if seats.eligible[role]:
        who = ", ".join(approval.spec.approver for approval in seats.eligible[role].values())
        return f"{role}: approved by {who} only, needed for another role: at tier {matter.tier} each role needs a different person"
    void = [a for a in approvals if a.spec.role is role and a.spec.decision is DecisionKind.APPROVE and a.spec.subject == matter.subject]
    if not void:
        return f"{role}: nobody has approved yet"
    newest = max(void, key=lambda a: (a.created, a.name))
    return f"{role}: the approval of {newest.spec.approver} does not count: {why_not(newest, approvals, matter)}"


def _counted_words(role: Role, seats: _Seats, matter: Matter, automated: AutomatedChecks) -> str:
    if role is Role.AUTOMATED_CHECKS:
        return f"{role}: {automated.reason}" if automated.passed else ""
    approval = seats.filled.get(role)
    if approval is None:
        return ""
    spec = approval.spec
    instead = f" on behalf of {spec.on_behalf_of}" if spec.on_behalf_of else ""
    terms = f"; on condition: {'; '.join(spec.conditions)}" if spec.conditions else ""
    return f"{role}: {spec.approver}{instead} until {counted_until(approval, matter.tier):%Y-%m-%d %H:%M} UTC{terms}"


def _standing_words(rejection: Approval) -> str:
    spec = rejection.spec
    verb = "rejected" if spec.decision is DecisionKind.REJECT else "revoked"
    return f'{spec.role}: {verb} by {spec.approver} ("{spec.rationale[:80]}"); stands until {spec.role} approves again'


def _not_counted(seats: _Seats, approvals: Sequence[Approval], rejections: Sequence[Approval], matter: Matter) -> dict[str, str]:
    counted = {approval.name for approval in seats.filled.values()}
    standing = {approval.name for approval in rejections}
    reasons: dict[str, str] = {}
    for approval in approvals:
        spec = approval.spec
        if spec.decision is DecisionKind.APPROVE and approval.name not in counted:
            reasons[approval.name] = why_not(approval, approvals, matter) or _superfluous(approval, seats, matter)
        elif spec.decision in NEGATIVE and approval.name not in standing:
            same = spec.subject == matter.subject
            replaced = "a later decision of its role replaced it" if same else "it is about another subject"
            reasons[approval.name] = approval.unverified(matter.trust) or replaced
    return reasons


def _superfluous(approval: Approval, seats: _Seats, matter: Matter) -> str:
    role = approval.spec.role
    if role is None or role not in seats.eligible:
        return f"{role} is not required at tier {matter.tier}"
    if role in seats.filled:
        return f"{role} is already given by {seats.filled[role].spec.approver}"
    return f"{approval.spec.approver} already counts for another role: at tier {matter.tier} each role needs a different person"


def _line(words: str) -> str:
    return words if len(words) <= _LONGEST_LINE else words[: _LONGEST_LINE - 3] + "..."
