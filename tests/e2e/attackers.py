"""People of a namespace under attack: those who may decide, those who may not, and what either of them writes."""

import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from demo.kubectl import CommandError, kubectl
from demo.people import binding
from headgate.api.approval import GovernanceApprovalSpec
from headgate.governance.signatures import public_key_of, signed

NAMESPACE = "attacks"
ENVIRONMENT = "testbed"
POLICIES = "headgate-system"
FAIRNESS, SECURITY, TECHNICAL = "fairness-audit", "security-review", "technical-validation"
DANA, SAM, TESS = "dana@bank.example", "sam@bank.example", "tess@bank.example"
CHEN = "chen@bank.example"
"""The technical owner of every model."""
DUAL = "dual@bank.example"
"""Trusted in two roles."""
LOOKALIKE = "d\N{CYRILLIC SMALL LETTER A}na@bank.example"
MALLORY = "mallory@bank.example"
"""Holds every right in the namespace, and is no person of the trust store."""
ROBOT = "system:serviceaccount:attacks:deployer"
RIGHT = {FAIRNESS: DANA, SECURITY: SAM, TECHNICAL: TESS}
"""Who opens a gate."""
_ROLES = {**{person: (role,) for role, person in RIGHT.items()}, CHEN: (TECHNICAL, FAIRNESS), DUAL: (FAIRNESS, SECURITY)}
_YEAR = timedelta(days=365)

Object = dict[str, Any]


def key_of(name: str) -> Ed25519PrivateKey:
    """The same for the same name."""
    return Ed25519PrivateKey.from_private_bytes(name.encode().ljust(32, b".")[:32])


def bindings() -> Iterator[Object]:
    """Rights as a careless cluster may have given them: also to people who must not decide all the same."""
    for person, roles in {**_ROLES, LOOKALIKE: (FAIRNESS,)}.items():
        for role in roles:
            label = person.partition("@")[0].encode("ascii", "replace").decode().replace("?", "x")
            yield binding(f"{label}-{role}", f"headgate-approver-{role}", person, NAMESPACE)
    yield binding("mallory", "cluster-admin", MALLORY, NAMESPACE)
    yield {**binding("robot", "headgate-approval-relay", ROBOT, NAMESPACE)}


def trust_store(*, without: str = "") -> Object:
    """Everybody but Mallory, the look-alike, and the person named `without`. Sam's key has run out."""
    now = datetime.now(UTC)
    persons = []
    for person, roles in _ROLES.items():
        until = now - timedelta(days=1) if person == SAM else now + _YEAR
        key = {"publicKey": public_key_of(key_of(person)), "validFrom": _time(now - 2 * _YEAR), "validUntil": _time(until)}
        training = _time(now + _YEAR)
        name = person.partition("@")[0]
        persons.append({"name": name, "usernames": [person], "roles": list(roles), "trainingValidUntil": training, "keys": [key]})
    kept = [person for person in persons if person["usernames"] != [without]]
    return {
        "apiVersion": "headgate.dev/v1alpha1",
        "kind": "TrustStore",
        "metadata": {"name": "headgate", "namespace": POLICIES},
        "spec": {"persons": kept},
    }


def approval(model: str, role: str, person: str, subject: str, *, seconds: float = 3600, **fields: Any) -> Object:
    """An Approve of the gate Deployment that ends after `seconds`."""
    expires = _time(datetime.now(UTC) + timedelta(seconds=seconds))
    said = {"model": model, "decision": "Approve", "gate": "Deployment", "role": role, "subject": subject}
    return _decision(model, {**said, "approver": person, "rationale": "a test", "expiresAt": expires, **fields})


def intervention(model: str, decision: str, candidate: Mapping[str, Any], person: str) -> Object:
    target = {"revision": candidate["revision"], "attempt": candidate["attempt"]}
    return _decision(model, {"model": model, "decision": decision, "target": target, "approver": person, "rationale": "a test"})


def by_key(plain: Object, key: str, *, environment: str = ENVIRONMENT) -> Object:
    """`plain`, signed with the key called `key`."""
    spec = signed(
        GovernanceApprovalSpec.model_validate(plain["spec"]),
        namespace=NAMESPACE,
        environment=environment,
        at=datetime.now(UTC) - timedelta(minutes=1),
        key=key_of(key),
    )
    return {**plain, "spec": spec.model_dump(mode="json", by_alias=True, exclude_defaults=True) | {"signature": _signature(spec)}}


def create(person: str, *objects: Object) -> list[str]:
    """The names that the API server gave them. `person` as the API server knows them; empty for the administrator. Raises CommandError."""
    listed = json.dumps({"apiVersion": "v1", "kind": "List", "items": list(objects)})
    who = ["--as", person, "--as-group", "system:authenticated"] if person else []
    return (
        kubectl("create", "-f", "-", "-o", "name", *who, stdin=listed, timeout=120).replace("governanceapproval.headgate.dev/", "").split()
    )


def forbidden(person: str, *arguments: str, stdin: str | None = None) -> str:
    """What the API server says to a kubectl command that must not work."""
    try:
        kubectl(*arguments, *(["--as", person] if person else []), stdin=stdin)
    except CommandError as error:
        return str(error)
    raise AssertionError(f"accepted: {' '.join(arguments)}")


def _decision(model: str, spec: Object) -> Object:
    metadata = {"generateName": f"{model}-{spec['decision'].lower()}-", "namespace": NAMESPACE}
    return {"apiVersion": "headgate.dev/v1alpha1", "kind": "GovernanceApproval", "metadata": metadata, "spec": spec}


def _signature(spec: GovernanceApprovalSpec) -> Object:
    assert spec.signature is not None
    written: Object = spec.signature.model_dump(mode="json", by_alias=True)
    return written


def _time(moment: datetime) -> str:
    return moment.isoformat(timespec="seconds").replace("+00:00", "Z")
