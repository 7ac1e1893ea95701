"""What the trust store says about who decided: which person it is, whether the signature is theirs, and whether they may."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from headgate.api.approval import GovernanceApprovalSpec
from headgate.api.remembering import per_object
from headgate.api.trust_store import TrustedKey, TrustedPerson, TrustStoreSpec
from headgate.api.vocabulary import Role, Tier
from headgate.governance.literacy import NEEDS_TRAINING, Literacy, of_person, shortfall
from headgate.governance.persons import deceptive, person
from headgate.governance.signatures import key_digest, verifies


@dataclass(frozen=True, slots=True)
class Trust:
    """The trust store as it is now. Without a store, authors are known by their usernames alone and no signature counts."""

    environment: str = ""
    """The cluster's name: signatures for another one do not count."""
    store: TrustStoreSpec | None = None
    required: bool = False
    """Whether the lack of a store closes gates above Low, instead of leaving identity to admission."""
    problem: str = ""
    """Why the store cannot be read: nobody's approval counts meanwhile."""
    known: bool = True
    """False until it was looked for."""
    literacy: Literacy | None = None
    """The assessments that approvals are counted by; None where the policy does not require them."""

    @property
    def unsure(self) -> bool:
        """Nobody knows at present who is trusted."""
        return bool(self.problem) or not self.known

    def identity(self, username: str) -> str:
        """One value for all usernames of a person; the normalised username for who is not listed."""
        entry = self._entry(username)
        return f"person:{entry.name}" if entry else person(username)

    def knows(self, username: str) -> bool:
        """Whether exactly one person of the store has this username."""
        return self._entry(username) is not None

    def unverified(self, spec: GovernanceApprovalSpec, namespace: str, created: datetime) -> str:
        """Why the signature of `spec` does not prove its author, in words; empty if it does. `created`: when its object was made."""
        signature = spec.signature
        assert signature is not None
        if self.store is None:
            return self.problem or "it is signed, and there is no trust store to verify it by"
        if signature.environment != self.environment:
            return f"it is signed for environment {signature.environment or '(none)'}; this one is {self.environment}"
        entry = self._entry(spec.approver)
        if entry is None:
            return self._stranger(spec.approver)
        key = next((key for key in entry.keys if key_digest(key.public_key) == signature.key), None)
        if key is None:
            return f"the key {signature.key[:15]} that signed it is none of {entry.name}'s in the trust store"
        if not verifies(spec, namespace, key.public_key):
            return "the signature does not fit: something of it was changed after it was signed"
        return _out_of_date(key, signature.signed_at, created) or self._without_role(spec, entry, max(created, signature.signed_at))

    def not_entitled(self, spec: GovernanceApprovalSpec, *, tier: Tier, made: datetime, now: datetime) -> str:
        """Why the author of `spec`, once proven, may not decide so, in words; empty if they may. `made`: when they did (the later
        of the two times of a signed one)."""
        return self._not_entitled(spec, tier, made, now) or self._illiterate(spec.approver, now)

    def _not_entitled(self, spec: GovernanceApprovalSpec, tier: Tier, made: datetime, now: datetime) -> str:
        strange = deceptive(spec.approver)
        if strange:
            return strange
        if self.problem:
            return self.problem
        if not self.known:
            return "the trust store is being read"
        if self.store is None:
            return self._without_store(spec, tier)
        entry = self._entry(spec.approver)
        if entry is None:
            needed = tier is not Tier.LOW or spec.on_behalf_of is not None or spec.signature is not None
            return self._stranger(spec.approver) if needed or self._ambiguous(spec.approver) else ""
        if now >= entry.training_valid_until:
            return f"the training of {entry.name} was valid until {entry.training_valid_until:%Y-%m-%d %H:%M} UTC"
        return self._without_role(spec, entry, made)

    def _illiterate(self, username: str, now: datetime) -> str:
        """In words that everybody who reads a status may know: neither scores nor topics."""
        if self.literacy is None:
            return ""
        entry = self._entry(username)
        found = of_person(self.literacy, (username, *((entry.name, *entry.usernames) if entry else ())))
        if not found:
            return f"the policy requires AI literacy, and {username} was never assessed"
        if not shortfall(found, now.date()):
            return ""
        return f"the policy requires AI literacy, and {username} is assessed below {NEEDS_TRAINING:g} or past their training"

    def _without_store(self, spec: GovernanceApprovalSpec, tier: Tier) -> str:
        if spec.on_behalf_of is not None:
            return "it is given on behalf of somebody else, and there is no trust store that could allow it"
        if self.required and tier is not Tier.LOW:
            return f"at tier {tier} approvers must be persons of the trust store, and there is none"
        return ""

    def _without_role(self, spec: GovernanceApprovalSpec, entry: TrustedPerson, made: datetime) -> str:
        if spec.role is None:
            return ""
        if spec.on_behalf_of is not None:
            return self._not_delegated(spec.on_behalf_of, entry, spec.role, made)
        return "" if spec.role in entry.roles else f"{entry.name} does not have the role {spec.role} in the trust store"

    def _not_delegated(self, principal: str, entry: TrustedPerson, role: Role, made: datetime) -> str:
        behalf = self._entry(principal)
        if behalf is None:
            return self._stranger(principal)
        if role not in behalf.roles:
            return f"{behalf.name} does not have the role {role} in the trust store, so nobody can take their place in it"
        fitting = [
            one
            for one in (self.store.delegations if self.store else ())
            if one.from_ == behalf.name and one.to == entry.name and role in one.roles
        ]
        if not fitting:
            return f"{behalf.name} has not delegated {role} to {entry.name}"
        last = max(one.until for one in fitting)
        return "" if made < last else f"the delegation of {role} from {behalf.name} to {entry.name} ended at {last:%Y-%m-%d %H:%M} UTC"

    def _entry(self, username: str) -> TrustedPerson | None:
        found = _by_username(self.store).get(person(username), ()) if self.store else ()
        return found[0] if len(found) == 1 else None

    def _ambiguous(self, username: str) -> bool:
        return self.store is not None and len(_by_username(self.store).get(person(username), ())) > 1

    def _stranger(self, username: str) -> str:
        if self._ambiguous(username):
            assert self.store is not None
            names = " and ".join(entry.name for entry in _by_username(self.store)[person(username)])
            return f"the trust store lists {username} for {names}: it must be one person"
        return f"{username} is no person of the trust store"


@per_object(16)
def _by_username(store: TrustStoreSpec) -> Mapping[str, tuple[TrustedPerson, ...]]:
    found: dict[str, tuple[TrustedPerson, ...]] = defaultdict(tuple)
    for entry in store.persons:
        for username in {person(one) for one in entry.usernames} - {""}:
            found[username] += (entry,)
    return dict(found)


def _out_of_date(key: TrustedKey, signed_at: datetime, created: datetime) -> str:
    """The signer says when it was signed, the API server when it was made: a stolen old key could lie about the one, not about both."""
    for moment, what in ((signed_at, "signed"), (created, "made")):
        if not key.valid_from <= moment < key.valid_until:
            span = f"from {key.valid_from:%Y-%m-%d %H:%M} to {key.valid_until:%Y-%m-%d %H:%M} UTC"
            return f"its key is valid {span}, and it was {what} at {moment:%Y-%m-%d %H:%M} UTC"
    return ""
