"""The trust store held against policies and models: roles that nobody can fill."""

from collections import Counter
from collections.abc import Iterator
from datetime import datetime

from headgate.api.aimodel import AIModelSpec
from headgate.api.trust_store import TrustedPerson, TrustStoreSpec
from headgate.api.vocabulary import Gate, Role, Tier
from headgate.cli.linting.findings import Finding
from headgate.cli.linting.manifests import Collection, Manifest
from headgate.cli.linting.tiers import Circumstances, risk_of
from headgate.governance.approvals import NOT_BY_TECHNICAL_OWNER
from headgate.governance.assignment import distinct_persons
from headgate.governance.persons import deceptive, person


def people_findings(collection: Collection, by: Circumstances) -> Iterator[Finding]:
    """Nothing without a trust store: who may approve is then known to the cluster alone."""
    for store in collection.stores:
        yield from _store(store, by.now)
    if collection.store is None:
        return
    for model in collection.models:
        policy, tier = collection.policy_of(model), risk_of(model, collection, by).tier
        if policy is None or tier in (None, Tier.LOW):
            # At tier Low approvers need not be in the trust store.
            continue
        assert tier is not None
        gates = policy.spec.gates
        asked = {Gate.USE_CASE: gates.use_case.of(tier) if gates.use_case else (), Gate.DEPLOYMENT: gates.deployment.of(tier)}
        for gate, roles in asked.items():
            yield from _gate(model, gate, roles, collection.store, tier, by.now)


def _gate(
    model: Manifest[AIModelSpec], gate: Gate, roles: tuple[Role, ...], store: TrustStoreSpec, tier: Tier, now: datetime
) -> Iterator[Finding]:
    owner = model.spec.owners.technical.user
    own = _entry(store, owner)
    needed = Counter(role for role in roles if role is not Role.AUTOMATED_CHECKS)
    if own is None and needed.keys() & NOT_BY_TECHNICAL_OWNER:
        said = f"{owner} is no person of the trust store, so at tier {tier} nobody can tell whether approvers review their own work"
        yield model.error("owner", ("owners", "technical", "user"), f"the {gate} gate stays closed: {said}")
        return
    may = {role: _able(store, role, own if role in NOT_BY_TECHNICAL_OWNER else None, now) for role in needed}
    chairs = {f"{role}/{number}": may[role] for role, count in needed.items() for number in range(count)}
    seated = distinct_persons(chairs)
    empty = [role for role, count in needed.items() if sum(f"{role}/{number}" in seated for number in range(count)) < count]
    for role in empty:
        can = ", ".join(may[role]) or "nobody"
        why = f"in the trust store {can} can give it" + ("" if not may[role] else ", who is needed for another role")
        seats = f"{needed[role]} x " if needed[role] > 1 else ""
        yield model.error("role-unfillable", ("policy",), f"the {gate} gate needs {seats}{role} at tier {tier}: {why}")


def _able(store: TrustStoreSpec, role: Role, but: TrustedPerson | None, now: datetime) -> tuple[str, ...]:
    """Who could approve as `role` now, themselves or in somebody's place."""
    fit = {one.name: one for one in store.persons if now < one.training_valid_until and one is not but}
    own = [name for name, one in fit.items() if role in one.roles]
    roles = {one.name: one.roles for one in store.persons}
    stand_in = [one.to for one in store.delegations if role in one.roles and now < one.until and role in roles.get(one.from_, ())]
    return tuple(dict.fromkeys((*own, *(name for name in stand_in if name in fit))))


def _entry(store: TrustStoreSpec, username: str) -> TrustedPerson | None:
    return next((one for one in store.persons if person(username) in map(person, one.usernames)), None)


def _store(store: Manifest[TrustStoreSpec], now: datetime) -> Iterator[Finding]:
    persons = {one.name: one for one in store.spec.persons}
    holders: dict[str, str] = {}
    for number, one in enumerate(store.spec.persons):
        place = ("persons", number)
        for username in one.usernames:
            if strange := deceptive(username):
                yield store.error("username", (*place, "usernames"), strange)
            if (other := holders.setdefault(person(username), one.name)) != one.name:
                said = f"{username} is listed for {other} and {one.name}: it must be one person, and counts for neither"
                yield store.error("username", (*place, "usernames"), said)
        if now >= one.training_valid_until:
            until = f"{one.training_valid_until:%Y-%m-%d}"
            said = f"the training of {one.name} was valid until {until}: their approvals do not count"
            yield store.warning("training", (*place, "trainingValidUntil"), said)
        if one.keys and not any(key.valid_from <= now < key.valid_until for key in one.keys):
            yield store.warning("key", (*place, "keys"), f"no key of {one.name} is valid now: what they sign does not count")
    for number, given in enumerate(store.spec.delegations):
        for side, name in (("from", given.from_), ("to", given.to)):
            if name not in persons:
                yield store.error("delegation", ("delegations", number, side), f"{name} is no person of the trust store")
        lacking = [role for role in given.roles if given.from_ in persons and role not in persons[given.from_].roles]
        if lacking:
            said = f"{given.from_} does not have {', '.join(lacking)}, so nobody can take their place in it"
            yield store.error("delegation", ("delegations", number, "roles"), said)
        if now >= given.until:
            yield store.warning("delegation", ("delegations", number, "until"), f"it ended at {given.until:%Y-%m-%d}: take it out")
