"""Is a gate open, and if not, who is missing?"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from headgate.api.base import line
from headgate.api.vocabulary import DecisionKind, Gate, Role, Tier
from headgate.governance.approvals import NEGATIVE, Approval, Matter, counted_until, joined, standing_rejections, why_not
from headgate.governance.assignment import distinct_persons
from headgate.governance.trust import Trust


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
    """One sentence for each approval that fills a role, in the order required."""
    counted_names: tuple[str, ...]
    """The GovernanceApprovals that fill roles."""
    not_counted: dict[str, str]
    """Why each other Approve has no effect, and which Rejects and Revokes were answered by a later Approve; by name."""
    until: datetime | None = None
    """When the first of the counted approvals ends; None if there is none."""
    rejected: bool = False
    """A Reject or Revoke stands."""


def evaluate(
    *,
    required: Sequence[str],
    tier: str | None,
    subject: str,
    approvals: Sequence[Approval],
    technical_owners: tuple[str, ...],
    now: datetime,
    automated: AutomatedChecks,
    trust: Trust,
    gate: Gate = Gate.DEPLOYMENT,
    lacking: Sequence[str] = (),
    conditional: str = "",
) -> GateReading:
    """Open when every required role is filled by a counted approval of `subject`, no rejection stands, and nothing is `lacking`.

    A role that is listed n times needs n persons. Above Low each role needs different ones. `lacking` has a sentence for each piece of the
    model's documents that is not there. No roles, or a role or tier that is not of the vocabulary: closed.
    `approvals` are all decisions about the model, other gates and interventions included. `conditional`: what is missing as long as none of
    the approvals that count carries conditions; empty where none is needed.
    """
    unknown = _unknown(required, tier)
    if unknown or tier is None:
        return GateReading(open=False, missing=unknown, counted=(), counted_names=(), not_counted={})
    matter = Matter(gate=gate, tier=Tier(tier), subject=subject, technical_owners=technical_owners, now=now, trust=trust)
    matter = joined(matter, approvals)
    needed = Counter(Role(role) for role in required)
    seats = _seats(needed, approvals, matter)
    rejections = standing_rejections(approvals, matter)
    wanting = [_wanting(role, seats, approvals, matter, automated) for role in needed]
    chosen = [approval for filled in seats.filled.values() for approval in filled]
    unconditional = "" if any(approval.spec.conditions for approval in chosen) else conditional
    missing = tuple(line(words) for words in (*map(_standing_words, rejections), *wanting, *lacking, unconditional) if words)
    return GateReading(
        open=not missing,
        missing=missing,
        counted=tuple(line(words) for role in needed for words in _counted_words(role, seats, matter, automated)),
        counted_names=tuple(approval.name for approval in chosen),
        not_counted=_not_counted(seats, approvals, rejections, matter),
        until=min((counted_until(approval, matter.tier) for approval in chosen), default=None),
        rejected=bool(rejections),
    )


@dataclass(frozen=True, slots=True)
class _Seats:
    """Who fills which role, out of all who could."""

    needed: Mapping[Role, int]
    eligible: dict[Role, dict[str, Approval]]
    """For each required role: the approval of each person, longest-standing approver first."""
    filled: dict[Role, tuple[Approval, ...]]
    """As many as are needed, or fewer."""

    def full(self, role: Role) -> bool:
        return len(self.filled.get(role, ())) >= self.needed[role]


def _unknown(required: Sequence[str], tier: str | None) -> tuple[str, ...]:
    strangers = [role for role in required if role not in set(Role)]
    words = [f"{role}: no such role: the gate stays closed until the policy names a known one" for role in strangers]
    if not required:
        words.append("the policy names no role for this gate: it stays closed")
    if tier not in set(Tier):
        words.append(f"tier {tier or '(none)'} is not known: the gate stays closed until the model declares Low, Medium or High")
    return tuple(line(sentence) for sentence in words)


def _seats(needed: Mapping[Role, int], approvals: Sequence[Approval], matter: Matter) -> _Seats:
    by_people: list[Role] = [role for role in needed if role is not Role.AUTOMATED_CHECKS]
    eligible = {role: _eligible(role, approvals, matter) for role in by_people}
    if matter.tier is Tier.LOW:
        chosen = {role: list(persons)[: needed[role]] for role, persons in eligible.items()}
    else:
        chairs = {f"{role}/{number}": tuple(eligible[role]) for role in by_people for number in range(needed[role])}
        found = distinct_persons(chairs)
        seated = {role: {found.get(f"{role}/{number}") for number in range(needed[role])} for role in by_people}
        chosen = {role: [who for who in eligible[role] if who in seated[role]] for role in by_people}
    return _Seats(needed, eligible, {role: tuple(eligible[role][who] for who in persons) for role, persons in chosen.items() if persons})


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
    if seats.full(role):
        return ""
    filled = seats.filled.get(role, ())
    so_far = f"{len(filled)} of {seats.needed[role]} approvals; " if seats.needed[role] > 1 else ""
    return f"{role}: {so_far}{_why_wanting(role, seats, approvals, matter)}"


def _why_wanting(role: Role, seats: _Seats, approvals: Sequence[Approval], matter: Matter) -> str:
    filled = seats.filled.get(role, ())
    taken = [approval.spec.approver for approval in seats.eligible[role].values() if approval not in filled]
    if taken:
        who = ", ".join(taken)
        return f"approved by {who} only, needed for another role: at tier {matter.tier} each role needs a different person"
    given = [a for a in approvals if a.spec.role is role and a.spec.decision is DecisionKind.APPROVE and a.spec.subject == matter.subject]
    void = [approval for approval in given if why_not(approval, approvals, matter)]
    if not void:
        return "a different person is needed" if filled else "nobody has approved yet"
    newest = max(void, key=lambda a: (a.created, a.name))
    return f"the approval of {newest.spec.approver} does not count: {why_not(newest, approvals, matter)}"


def _counted_words(role: Role, seats: _Seats, matter: Matter, automated: AutomatedChecks) -> Iterator[str]:
    if role is Role.AUTOMATED_CHECKS and automated.passed:
        yield f"{role}: {automated.reason}"
    for approval in seats.filled.get(role, ()):
        spec = approval.spec
        instead = f" on behalf of {spec.on_behalf_of}" if spec.on_behalf_of else ""
        terms = f"; on condition: {'; '.join(spec.conditions)}" if spec.conditions else ""
        yield f"{role}: {spec.approver}{instead} until {counted_until(approval, matter.tier):%Y-%m-%d %H:%M} UTC{terms}"


def _standing_words(rejection: Approval) -> str:
    spec = rejection.spec
    verb = "rejected" if spec.decision is DecisionKind.REJECT else "revoked"
    return f'{spec.role}: {verb} by {spec.approver} ("{spec.rationale[:80]}"); stands until {spec.role} approves again'


def _not_counted(seats: _Seats, approvals: Sequence[Approval], rejections: Sequence[Approval], matter: Matter) -> dict[str, str]:
    counted = {approval.name for filled in seats.filled.values() for approval in filled}
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
    if seats.full(role):
        return f"{role} is already given by {', '.join(one.spec.approver for one in seats.filled[role])}"
    return f"{approval.spec.approver} already counts for another role: at tier {matter.tier} each role needs a different person"
