"""Who is trusted in a trace, and what people do about approvals beside giving them: sign, forge, break the glass, spoil the trust store."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from random import Random
from typing import TYPE_CHECKING, Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from tests.simulation.policies import ENVIRONMENT, NAMESPACE, PEOPLE, PLATFORM, TECHNICAL_OWNER, USE_CASE_PEOPLE

from headgate.api.approval import GovernanceApprovalSpec
from headgate.api.trust_store import TRUST_STORE
from headgate.governance.signatures import public_key_of, signed
from headgate.kube.admission import APPROVALS, BINDINGS
from headgate.kube.resources import TRUST_STORES

if TYPE_CHECKING:
    from tests.simulation.people import People

Object = dict[str, Any]

ON_CALL = ("oncall@bank", "deputy@bank")
"""Who may break the glass."""
FORGED = "forged"
"""Part of the names of approvals whose signature is not their approver's."""
UNSEEN = "unseen"
"""Part of the names of decisions that somebody wrote in other people's names while admission did not look."""
GUARD = f"headgate-{APPROVALS}"
"""Binds the policy on approvals."""
_ALWAYS = {"validFrom": "2000-01-01T00:00:00Z", "validUntil": "2100-01-01T00:00:00Z"}
_STRANGERS_KEY = Ed25519PrivateKey.from_private_bytes(b"x" * 32)
_ROLES: dict[str, str] = {who: role for role, who in (PEOPLE | USE_CASE_PEOPLE).items()} | {TECHNICAL_OWNER: "technical-validation"}
TRUSTED = frozenset((*_ROLES, *ON_CALL))
"""All persons of the trust store, by username."""


@dataclass(frozen=True, slots=True)
class Governed:
    """`trusted`: there is a trust store. `signs`: approvals come through Git, signed."""

    trusted: bool = False
    signs: bool = False

    def __str__(self) -> str:
        return f"{'trust store' if self.trusted else 'no trust store'}{', signed approvals' if self.signs else ''}"


def draw(rng: Random) -> Governed:
    trusted = rng.random() < 0.4
    return Governed(trusted=trusted, signs=trusted and rng.random() < 0.5)


def trust_store() -> Object:
    persons = [
        {
            "name": who.partition("@")[0],
            "usernames": [who],
            "roles": [_ROLES.get(who, "technical-validation")],
            "trainingValidUntil": _ALWAYS["validUntil"],
            "keys": [{"publicKey": public_key_of(_key(who)), **_ALWAYS}],
        }
        for who in sorted(TRUSTED)
    ]
    return {"metadata": {"name": TRUST_STORE, "namespace": PLATFORM}, "spec": {"persons": persons}}


def sign(spec: Object, at: datetime, *, forged: bool = False) -> Object:
    """`spec` as its approver signs it; `forged`: as somebody else does in their name."""
    key = _STRANGERS_KEY if forged else _key(spec["approver"])
    written = signed(GovernanceApprovalSpec.model_validate(spec), namespace=NAMESPACE, environment=ENVIRONMENT, at=at, key=key)
    return written.model_dump(mode="json", by_alias=True, exclude_defaults=True)


def _key(who: str) -> Ed25519PrivateKey:
    return Ed25519PrivateKey.from_private_bytes(who.encode()[:32].ljust(32, b"."))


# -- acts --


def approve(people: "People") -> None:
    """Every role of the version on its way, at once."""
    for role, subject in _wanted(people):
        people.decide("Approve", PEOPLE[role], gate="Deployment", role=role, subject=subject)


def approve_as_strangers(people: "People") -> None:
    """By persons who are nobody's: they count only where nobody asks who they are."""
    for role, subject in _wanted(people):
        people.decide("Approve", f"stranger-{role}@bank", gate="Deployment", role=role, subject=subject)


def forge(people: "People") -> None:
    for role, subject in _wanted(people):
        people.decide("Approve", PEOPLE[role], FORGED, gate="Deployment", role=role, subject=subject)


def reject_use_case(people: "People") -> None:
    case = people.status.get("useCase")
    if case:
        people.decide("Reject", USE_CASE_PEOPLE["risk-review"], gate="UseCase", role="risk-review", subject=case["subject"])


def break_glass(people: "People", by: tuple[str, ...] = ON_CALL) -> None:
    candidate = people.status.get("candidate")
    if candidate:
        for who in by:
            people.decide("BreakGlass", who, target={"revision": candidate["revision"], "attempt": candidate["attempt"]})


def break_glass_alone(people: "People") -> None:
    break_glass(people, (ON_CALL[0], ON_CALL[0]))


def spoil_trust_store(people: "People") -> None:
    """For a while nobody can read who is trusted."""
    if people.plan.governed.trusted:
        people.put(TRUST_STORES, {**trust_store(), "spec": {"persons": [{"name": "dana"}]}})
        people.after((5.0, 30.0), lambda: people.put(TRUST_STORES, trust_store()))


def is_readable(store: Object) -> bool:
    return all("usernames" in person for person in store["spec"]["persons"])


def forge_unguarded(people: "People") -> None:
    """For a while nothing proves who decides, and somebody opens the gate and pushes the candidate in everybody's name."""
    binding = people.find(BINDINGS, GUARD)
    if binding is None or binding["spec"]["validationActions"] != ["Deny"]:
        return
    seconds = people.choice((0.0, 0.02, 0.5, 3.0, 12.0))
    if people.choice((True, False)):
        people.put(BINDINGS, {**binding, "spec": {**binding["spec"], "validationActions": ["Audit"]}})
    else:
        people.remove(BINDINGS, GUARD)
    for after in (0.0, seconds / 2, seconds):
        people.after((after, after), lambda: _write_unseen(people))
    kept = {"metadata": {"name": GUARD}, "spec": binding["spec"]}
    people.after((seconds, seconds), lambda: people.put(BINDINGS, kept))


def _write_unseen(people: "People") -> None:
    for role, subject in _wanted(people):
        people.decide("Approve", PEOPLE[role], UNSEEN, gate="Deployment", role=role, subject=subject)
    candidate = people.status.get("candidate")
    if candidate:
        target = {"revision": candidate["revision"], "attempt": candidate["attempt"]}
        for decision, who in (*(("BreakGlass", one) for one in ON_CALL), ("Promote", ON_CALL[0])):
            people.decide(decision, who, UNSEEN, target=target)


def _wanted(people: "People") -> list[tuple[str, str]]:
    gate = (people.status.get("candidate") or {}).get("gate") or {}
    return [(role, gate["subject"]) for role in gate.get("required", ()) if role in PEOPLE]


ACTS: dict[str, Callable[["People"], None]] = {
    "approve": approve,
    "approve-as-strangers": approve_as_strangers,
    "forge": forge,
    "reject-use-case": reject_use_case,
    "break-glass": break_glass,
    "break-glass-alone": break_glass_alone,
    "spoil-trust-store": spoil_trust_store,
    "forge-unguarded": forge_unguarded,
}
