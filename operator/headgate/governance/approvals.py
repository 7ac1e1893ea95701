"""Which decisions of people count for a gate, and until when.

Reject and Revoke speak for their role about one subject: they void what that role approved before, and they stand, whatever other
roles say, until the same role approves the subject again later.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from headgate.api.approval import ApprovalState, GovernanceApprovalSpec
from headgate.api.vocabulary import DecisionKind, Gate, Role, Tier
from headgate.governance.persons import person
from headgate.governance.trust import Trust

NEGATIVE = frozenset({DecisionKind.REJECT, DecisionKind.REVOKE})

NOT_BY_TECHNICAL_OWNER = frozenset({Role.FAIRNESS_AUDIT, Role.SECURITY_REVIEW, Role.LEGAL_APPROVAL})
"""Reviews of the technical owner's own work."""

LONGEST_VALIDITY: Mapping[Tier, timedelta] = {
    Tier.LOW: timedelta(days=365),
    Tier.MEDIUM: timedelta(days=180),
    Tier.HIGH: timedelta(days=90),
}
"""How long an approval counts at most, whatever its expiresAt says."""


@dataclass(frozen=True, slots=True)
class Approval:
    """One GovernanceApproval as the operator knows it."""

    name: str
    namespace: str
    uid: str
    created: datetime
    """The API server's creation time, UTC."""
    spec: GovernanceApprovalSpec
    enforced: bool = True
    """Made while the admission policies were in force: only then, or by a signature, are the approver's identity and role proven."""
    state: ApprovalState | None = None
    """What people were told became of it."""

    @property
    def made(self) -> datetime:
        """When it was decided. An old file that is applied once more stays as old as its signature."""
        signature = self.spec.signature
        return self.created if signature is None else min(self.created, signature.signed_at)

    @property
    def latest(self) -> datetime:
        """The later of the two times, of which the signer tells one. Who was entitled is asked of it: an older signature gains nothing."""
        signature = self.spec.signature
        return self.created if signature is None else max(self.created, signature.signed_at)

    def unverified(self, trust: Trust) -> str:
        """Why it has no effect at all, in words: it is signed, and the signature does not prove its author. Else empty."""
        return "" if self.spec.signature is None else trust.unverified(self.spec, self.namespace, self.created)


@dataclass(frozen=True, slots=True)
class Matter:
    """What a gate is asked about."""

    gate: Gate
    tier: Tier
    subject: str
    technical_owners: tuple[str, ...]
    """Who may not review the model: those who answered for it lately, and last who does now."""
    now: datetime
    trust: Trust
    parties: Mapping[str, str] = field(default_factory=dict)
    """Who counts as the same as somebody else, by identity: a delegate and the person whose place they took."""

    def party(self, username: str) -> str:
        """Equal for two usernames that may not fill two duties."""
        identity = self.trust.identity(username)
        return self.parties.get(identity, identity)


def joined(matter: Matter, approvals: Iterable[Approval]) -> Matter:
    """`matter`, in which each delegate who approved in somebody's place and that person are one party."""
    parties: dict[str, str] = {}
    for approval in approvals:
        principal = approval.spec.on_behalf_of
        if principal is None or _wrong_matter(approval.spec, matter) or _not_proven(approval, matter):
            continue
        ours, theirs = (parties.get(who, who) for who in map(matter.trust.identity, (approval.spec.approver, principal)))
        parties |= {who: ours for who, party in parties.items() if party == theirs} | {ours: ours, theirs: ours}
    return replace(matter, parties=parties)


def counted_until(approval: Approval, tier: Tier) -> datetime:
    """The first instant at which an Approve no longer counts: the earlier of expiresAt and the tier's longest validity."""
    latest = approval.made + LONGEST_VALIDITY[tier]
    return min(approval.spec.expires_at or approval.made, latest)


def standing_rejections(approvals: Iterable[Approval], matter: Matter) -> tuple[Approval, ...]:
    """Each role's newest Reject or Revoke of the subject that no later countable Approve of that role answers; oldest first.

    One whose author is not proven stands as well: doubt may close a gate, never open it. Only a signature that does not verify stands for
    nothing: whoever may create an object could write anybody's name into it.
    """
    known = tuple(approvals)
    newest = _newest_negatives(known, matter)
    standing = [
        negative for role, negative in newest.items() if not any(a.spec.role == role and not why_not(a, known, matter) for a in known)
    ]
    return tuple(sorted(standing, key=_age))


def why_not(approval: Approval, approvals: Iterable[Approval], matter: Matter) -> str:
    """Why an Approve does not count by itself, in words; empty if it does. `approvals` are all decisions about the model.

    Duties that involve more than one approval (a different person for each role) are the gate's to judge.
    """
    spec = approval.spec
    if spec.decision is not DecisionKind.APPROVE or spec.role is None:
        return f"{spec.decision} opens no gate"
    return _wrong_matter(spec, matter) or _unproven(approval, spec.role, matter) or _over(approval, tuple(approvals), matter)


def _wrong_matter(spec: GovernanceApprovalSpec, matter: Matter) -> str:
    if spec.gate is not matter.gate:
        return f"it is about the gate {spec.gate}, not {matter.gate}"
    if spec.subject != matter.subject:
        return f"it is about subject {short(spec.subject)}; the present subject is {short(matter.subject)}"
    return ""


def _unproven(approval: Approval, role: Role, matter: Matter) -> str:
    if role is Role.AUTOMATED_CHECKS:
        return "automated-checks is computed, never approved by a person"
    return _not_proven(approval, matter) or (_own_work(approval, role, matter) if role in NOT_BY_TECHNICAL_OWNER else "")


def _not_proven(approval: Approval, matter: Matter) -> str:
    """Why it is not certain that its author made it and may do so, in words; else empty."""
    if approval.spec.signature is not None:
        unverified = approval.unverified(matter.trust)
        if unverified:
            return unverified
    elif not approval.enforced:
        return "it was made while the admission policies were not in force, so nothing proves who made it: approve again"
    if not person(approval.spec.approver):
        return "it names no approver"
    return matter.trust.not_entitled(approval.spec, tier=matter.tier, made=approval.latest, now=matter.now)


def _own_work(approval: Approval, role: Role, matter: Matter) -> str:
    approver, (*earlier, owner) = approval.spec.approver, matter.technical_owners
    if not person(owner) or (matter.trust.store is not None and matter.tier is not Tier.LOW and not matter.trust.knows(owner)):
        return f"the technical owner {owner!r} is no known person, so nobody can tell whether {approver} reviews their own work"
    if matter.trust.identity(approver) == matter.trust.identity(owner):
        return f"{approver} is the technical owner, who may not give {role}"
    if matter.party(approver) == matter.party(owner):
        return f"{approver} and the technical owner, who may not give {role}, take each other's place"
    if matter.party(approver) in map(matter.party, filter(person, earlier)):
        return f"{approver} was technical owner, or took that person's place, since the last version went live, and may not give {role}"
    return ""


def _over(approval: Approval, approvals: tuple[Approval, ...], matter: Matter) -> str:
    until = counted_until(approval, matter.tier)
    if matter.now >= until:
        why = (
            "it expired"
            if until == approval.spec.expires_at
            else f"an approval at tier {matter.tier} counts for a limited time, which ended"
        )
        return f"{why} at {until:%Y-%m-%d %H:%M:%S} UTC"
    negative = _newest_negatives(approvals, matter).get(approval.spec.role)
    if negative is not None and negative.created >= approval.made:
        verb = "rejected" if negative.spec.decision is DecisionKind.REJECT else "revoked"
        return f"{negative.spec.approver} {verb} for {approval.spec.role} at {negative.created:%Y-%m-%d %H:%M:%S} UTC"
    return ""


def _newest_negatives(approvals: Iterable[Approval], matter: Matter) -> dict[Role | None, Approval]:
    """By role. A gate of None is that of a decision whose object is gone: the subject alone identifies the matter."""
    negatives = [approval for approval in approvals if approval.spec.decision in NEGATIVE]
    found: dict[Role | None, Approval] = {}
    for approval in sorted(negatives, key=_age):
        spec = approval.spec
        if spec.subject == matter.subject and spec.gate in (matter.gate, None) and not approval.unverified(matter.trust):
            found[spec.role] = approval
    return found


def _age(approval: Approval) -> tuple[datetime, str]:
    return approval.created, approval.name


def short(subject: str | None) -> str:
    """The first 8 hex digits of a digest, as names and messages show it."""
    return (subject or "").removeprefix("sha256:")[:8]
