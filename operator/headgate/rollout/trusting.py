"""Whose decisions count at the gates of one policy."""

from dataclasses import replace

from headgate.api.policy import RolloutPolicySpec
from headgate.api.vocabulary import LiteracyRule
from headgate.governance.trust import Trust
from headgate.rollout.snapshot import Snapshot


def trust_of(snapshot: Snapshot, policy: RolloutPolicySpec | None) -> Trust:
    """The trust store; where the policy requires literacy, together with the assessments. While these cannot be read nobody's approval
    counts, and none has ended, as while the trust store cannot."""
    trust, literacy = snapshot.trust, snapshot.literacy
    if policy is None or policy.gates.literacy is not LiteracyRule.REQUIRED:
        return trust
    return replace(trust, literacy=literacy, known=trust.known and literacy.known, problem=trust.problem or literacy.problem)


def nobody_knows(snapshot: Snapshot) -> bool:
    """Whether, by the policy that is written or by the one that the attempt runs on, it cannot be told at present whose decisions count."""
    return any(trust_of(snapshot, policy).unsure for policy in (snapshot.policy.spec, snapshot.pinned))
