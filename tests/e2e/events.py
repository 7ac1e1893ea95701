"""What scenes of the event table share: models of a namespace, people who decide about them, and what is to be seen."""

import json
from collections.abc import Callable, Generator, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from tests.e2e.playing import reach

from demo.kubectl import apply, headgate, kubectl
from demo.people import binding
from fleet.model import ON_CALL, Model
from fleet.policy import policy
from fleet.users import Fleet

NAMESPACE = "events"
SECURITY, TECHNICAL = "security-review", "technical-validation"
REVIEWERS = {SECURITY: "sam@bank.example", TECHNICAL: "tess@bank.example"}
GOOD = {"ERROR_RATE": "0"}
TURNS_BAD = GOOD | {"FAIL_AFTER": "75"}
"""Seconds: by then its scene has a candidate with users, also on a slow machine."""
FALLBACK = "rules"
QUICK, SLOW, ASKS, ASKS_QUICK = "events", "events-slow", "events-asks", "events-asks-quick"
_SHELLS = ThreadPoolExecutor(4)
LAPSE_GRACE = 15
"""Seconds."""

Status = dict[str, Any]
Scene = Generator[None, Status, None]


def policies() -> Iterator[dict[str, Any]]:
    """`QUICK` is over in half a minute; `SLOW` stays in its first stage. `ASKS` and `ASKS_QUICK` ask a person, at Medium two."""
    for name in (QUICK, ASKS_QUICK):
        quick = _soon_proven(policy(name, (50,), seconds=6))
        yield _asking(quick) if name is ASKS_QUICK else quick
    for name in (SLOW, ASKS):
        slow = policy(name, (20,), seconds=600)
        for stage in slow["spec"]["stages"]:
            stage["maxDuration"] = "20m"
        # A live version that turns bad has a minute of good answers in this guard's window.
        slow["spec"]["guards"][0] |= {"maxRate": "15pp"}
        yield _asking(slow) if name is ASKS else slow
    for end in ("Rollback", "Hold", "AskPromote"):
        never = _soon_proven(policy(out_of_time(end), (20, 50), seconds=6))
        # More requests than there will be in that time.
        never["spec"]["stages"][0] |= {"minRequests": 100_000, "maxDuration": "15s"}
        never["spec"]["analysis"]["onDeadline"] = end
        yield never


def out_of_time(end: str) -> str:
    """The policy whose first stage runs out of time, and then does `end`."""
    return f"events-{end.lower()}"


def _soon_proven(one: dict[str, Any]) -> dict[str, Any]:
    """With a margin that half a minute of both versions' users proves at 50 %. The full stage adds nothing: one percent goes to the stable
    version."""
    one["spec"]["checks"][0]["maxIncrease"] = "60pp"
    return one


def _asking(one: dict[str, Any]) -> dict[str, Any]:
    one["spec"]["gates"] = {"deployment": {"low": [{"role": SECURITY}], "medium": [{"role": role} for role in REVIEWERS]}}
    one["spec"]["lapseGrace"] = f"{LAPSE_GRACE}s"
    return one


def people() -> Iterator[dict[str, Any]]:
    """Reviewers; the person on call may also edit routes."""
    for role, person in REVIEWERS.items():
        yield binding(f"approver-{role}", f"headgate-approver-{role}", person, NAMESPACE)
        yield binding(f"viewer-{role}", "headgate-viewer", person, NAMESPACE)
    rule = {"apiGroups": ["gateway.networking.k8s.io"], "resources": ["httproutes"], "verbs": ["get", "patch"]}
    kind, metadata = "rbac.authorization.k8s.io/v1", {"name": "routes", "namespace": NAMESPACE}
    yield {"apiVersion": kind, "kind": "Role", "metadata": metadata, "rules": [rule]}
    granted = {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "routes"}
    person = {"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": ON_CALL}
    yield {"apiVersion": kind, "kind": "RoleBinding", "metadata": metadata, "roleRef": granted, "subjects": [person]}


def rule_engine() -> Iterator[dict[str, Any]]:
    """What answers for models that have a fallback."""
    template = Model(NAMESPACE, FALLBACK).manifest(FALLBACK, QUICK, GOOD)["spec"]["serving"]["deployment"]["template"]
    template["metadata"] = {"labels": {"app": FALLBACK}}
    selector, metadata = {"app": FALLBACK}, {"name": FALLBACK, "namespace": NAMESPACE}
    deployment = {"selector": {"matchLabels": selector}, "template": template}
    yield {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": metadata, "spec": deployment}
    service = {"selector": selector, "ports": [{"port": 8080}]}
    yield {"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": service}


def release(
    model: Model,
    version: str,
    name: str = QUICK,
    environment: dict[str, str] = GOOD,
    *,
    tier: str = "Low",
    fallback: bool = False,
    **container: Any,
) -> None:
    """`name`: of the policy. `container`: fields of the pod's container in place of the usual ones."""
    body = model.manifest(version, name, environment)
    body["spec"]["classification"]["declaredTier"] = tier
    body["spec"]["serving"]["drain"] = "10s"
    body["spec"]["serving"]["deployment"]["template"]["spec"]["containers"][0] |= container
    if fallback:
        body["spec"]["serving"]["fallback"] = {"service": FALLBACK, "port": 8080}
    apply(body)


def decides(person: str, decision: str, model: Model, *words: str) -> Scene:
    """On the command line. Approve, reject and revoke are given with a rationale, the others with a reason. A command takes a second or
    two, in which other scenes go on."""
    why = "--rationale" if "--role" in words else "--reason"
    said = _SHELLS.submit(headgate, decision, model.name, "-n", NAMESPACE, "--as", person, "--yes", why, "a test", *words)
    yield from reach(lambda _: said.done())
    said.result()


def reviewed(decision: str, model: Model, role: str = SECURITY, *words: str) -> Scene:
    """A reviewer decides in the role that is theirs."""
    yield from decides(REVIEWERS[role], decision, model, "--role", role, *words)


def decisions(model: Model) -> dict[str, Any]:
    """All that people decided about it, by name."""
    found = json.loads(kubectl("get", "governanceapprovals", "-n", NAMESPACE, "-o", "json"))["items"]
    return {item["metadata"]["name"]: item for item in found if item["spec"]["model"] == model.name}


def approved(model: Model, version: str, name: str, *words: str) -> Generator[None, Status, None]:
    """Release it, and approve it once it waits for that."""
    release(model, version, name)
    yield from reach(waits(version))
    yield from reviewed("approve", model, SECURITY, *words)


def waits(version: str) -> Callable[[Status], bool]:
    """For people."""
    return lambda status: (status.get("phase"), status.get("candidateVersion")) == ("AwaitingDeployment", version)


def live(version: str) -> Callable[[Status], bool]:
    return lambda status: status.get("phase") == "Live" and status["live"] == version


def in_canary(version: str) -> Callable[[Status], bool]:
    """At 20 %, and the gateway has it."""

    def reached(status: Status) -> bool:
        return status.get("stage") == "at-20" and status["candidateVersion"] == version and "effective" in status["candidate"]["stage"]

    return reached


def taken_back(cause: str, version: str = "v2") -> Callable[[Status], bool]:
    """All users have v1, and the version is blocked for that cause."""

    def happened(status: Status) -> bool:
        blocked = status.get("blocked") or [{}]
        last = blocked[-1].get("cause"), blocked[-1].get("version")
        return (status.get("phase"), status.get("live"), status["trafficSummary"], last) == ("RolledBack", "v1", "100", (cause, version))

    return happened


def told(reason: str) -> Callable[[Status], bool]:
    """By a condition."""
    return lambda status: any(one["reason"] == reason for one in status.get("conditions", ()))


def answers(users: Fleet, model: Model, version: str) -> int:
    return sum(users.of(model.host, version).kinds.values())


def lose_pods(model: Model, revision: str) -> None:
    """Its pods leave, as on a node that is drained; others come by themselves."""
    chosen = f"headgate.dev/model={model.name},headgate.dev/revision={revision}"
    kubectl("delete", "pods", "-n", NAMESPACE, "-l", chosen, "--wait=false")
