"""Scenes about what stands around a gate: images, policies, routes, Services, who is trusted, and who checks that."""

import json
from typing import Any

from tests.e2e.attacked import Scene, Seen, answers, approvals, awaited, condition, given, lenient, release, stays_shut, waits, words_of
from tests.e2e.attackers import (
    DANA,
    FAIRNESS,
    MALLORY,
    NAMESPACE,
    POLICIES,
    TECHNICAL,
    TESS,
    approval,
    create,
    forbidden,
    trust_store,
)
from tests.e2e.playing import reach

from demo.__main__ import PATH
from demo.kubectl import CommandError, apply, kubectl
from fleet.model import Model
from fleet.users import Fleet
from headgate.api.policy import RolloutPolicySpec
from headgate.rollout.begin import copy_name
from headgate.rollout.decision import POLICY_KEY

BINDING = "validatingadmissionpolicybinding/headgate-approvals"
HOLLOWED = "validatingadmissionpolicy/headgate-approvals"


def another_image_in_a_running_pod(model: Model, users: Fleet) -> Scene:
    yield from awaited(model)
    pod = kubectl("get", "pods", "-n", NAMESPACE, "-l", f"headgate.dev/model={model.name}", "-o", "name").split()[0]
    answer = forbidden(MALLORY, "set", "image", pod, "-n", NAMESPACE, "model=registry.example/evil:1")
    assert "its version was approved with" in answer, answer


def a_weaker_policy_of_the_same_name(model: Model, users: Fleet) -> Scene:
    weak = lenient("attacks")
    weak["metadata"]["namespace"] = NAMESPACE
    create(MALLORY, weak)
    candidate = yield from awaited(model)
    assert len(candidate["gate"]["missing"]) == 3


def a_policy_loosened_meanwhile(model: Model, users: Fleet) -> Scene:
    candidate = yield from awaited(model, name="attacks-loosened")
    loose = lenient("attacks-loosened")
    answer = forbidden(MALLORY, "apply", "--server-side", "--force-conflicts", "-f", "-", stdin=json.dumps(loose))
    assert "forbidden" in answer.lower(), answer
    apply(loose)
    [tess] = create(TESS, approval(model.name, TECHNICAL, TESS, candidate["gate"]["subject"]))
    seen = yield from reach(lambda seen: seen.decisions.get(tess, ("",))[0] == "Counted")
    assert not seen.gate["open"], "the attempt runs on the policy that people approved"


def a_policy_copy_of_ones_own(model: Model, users: Fleet) -> Scene:
    """Under the name that the attempt's copy will have, with the label by which objects of a model are found."""
    real = RolloutPolicySpec.model_validate(json.loads(kubectl("get", "rop", "attacks-slow", "-n", POLICIES, "-o", "json"))["spec"])
    weak = RolloutPolicySpec.model_validate(lenient("weak")["spec"]).model_dump(mode="json", by_alias=True, exclude_none=True)
    name = copy_name(model.name, real)
    metadata = {"name": name, "namespace": NAMESPACE, "labels": {"headgate.dev/model": model.name}}
    create(MALLORY, {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": {POLICY_KEY: json.dumps(weak)}})
    release(model, "v2", "attacks-slow")
    seen = yield from reach(lambda seen: name in words_of(seen, "Ready"))
    assert not seen.gate.get("open")
    kubectl("delete", "configmap", name, "-n", NAMESPACE)
    seen = yield from reach(lambda seen: seen.gate and waits(seen))
    assert len(seen.gate["missing"]) == 3


def ways_around_the_route(model: Model, users: Fleet) -> Scene:
    candidate = yield from awaited(model)
    service = f"{model.name}-{candidate['revision']}"
    answer = forbidden(MALLORY, "create", "-f", "-", stdin=json.dumps(_route(model, service)))
    assert "belongs to one version" in answer, answer
    answer = forbidden(MALLORY, "set", "image", f"deployment/{service}", "-n", NAMESPACE, "model=registry.example/evil:1")
    # Two policies refuse it, and the API server names one of them.
    assert "ValidatingAdmissionPolicy 'headgate-" in answer, answer
    create(MALLORY, _route(model, "own"))
    yield from reach(lambda seen: condition(seen, "TrafficBypass") == "True")


def a_service_of_ones_own_with_a_route_of_ones_own(model: Model, users: Fleet) -> Scene:
    """On a host name of its own: no request of the model's users goes there."""
    yield from awaited(model)
    spec = {"selector": {"headgate.dev/model": model.name}, "ports": [{"port": 8080}]}
    service = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": f"own-{model.name}", "namespace": NAMESPACE}, "spec": spec}
    # The label alone makes it nobody else's.
    service["metadata"]["labels"] = {"app.kubernetes.io/managed-by": "headgate"}
    create(MALLORY, service, _route(model, f"own-{model.name}", host="own.example"))
    yield from reach(lambda seen: f"Service {NAMESPACE}/own-{model.name} selects pods of" in words_of(seen, "TrafficBypass"))


def its_model_is_deleted_in_the_foreground(model: Model, users: Fleet) -> Scene:
    candidate = yield from awaited(model)
    kubectl("delete", "aimodel", model.name, "-n", NAMESPACE, "--cascade=foreground", "--timeout=60s", timeout=70)
    before = answers(users, model, "v1")
    gone = ("get", "deployment", f"{model.name}-{candidate['revision']}", "-n", NAMESPACE, "--ignore-not-found", "-o", "name")
    yield from reach(lambda _: not kubectl(*gone).strip())
    yield from reach(lambda _: answers(users, model, "v1") > before + 5)


def decisions_while_nobody_is_checked(model: Model, users: Fleet) -> Scene:
    """Alone with the test bed: the binding that proves authors is gone for a moment, and Mallory writes in everybody's name: as soon as
    the API server lets it pass, which is before anybody can have noticed, and once more after it was."""
    candidate = yield from awaited(model)
    binding = json.loads(kubectl("get", BINDING, "-o", "json"))
    said, names = approvals(model, candidate["gate"]["subject"]), list[str]()
    kubectl("delete", BINDING)
    try:
        yield from reach(lambda seen: uncounted(seen, names) and forged(said, names))
        yield from reach(lambda seen: uncounted(seen, names) and condition(seen, "GovernanceEnforced") == "False")
        names += create(MALLORY, *said)
        seen = yield from reach(lambda seen: uncounted(seen, names) and all(seen.decisions.get(name, ("",))[0] for name in names))
        assert not seen.gate["open"]
    finally:
        kept = {key: binding[key] for key in ("apiVersion", "kind", "spec")}
        apply({**kept, "metadata": {key: binding["metadata"].get(key, {}) for key in ("name", "labels", "annotations")}})
    yield from reach(lambda seen: uncounted(seen, names) and condition(seen, "GovernanceEnforced") == "True")
    yield from stays_shut(names, "admission")


def decisions_while_the_policy_is_hollow(model: Model, users: Fleet) -> Scene:
    """Alone with the test bed: the policy that proves authors stays where it is, is bound, fails closed, and asks nothing any more."""
    candidate = yield from awaited(model)
    policy = json.loads(kubectl("get", HOLLOWED, "-o", "json"))
    said, names = approvals(model, candidate["gate"]["subject"]), list[str]()
    always = json.dumps({"spec": {"validations": [{"expression": "true"}]}})
    kubectl("patch", HOLLOWED, "--type=merge", "-p", always)
    try:
        yield from reach(lambda seen: uncounted(seen, names) and forged(said, names))
        yield from reach(lambda seen: uncounted(seen, names) and condition(seen, "GovernanceEnforced") == "False")
    finally:
        kubectl("patch", HOLLOWED, "--type=merge", "-p", json.dumps({"spec": {"validations": policy["spec"]["validations"]}}))
    yield from reach(lambda seen: uncounted(seen, names) and condition(seen, "GovernanceEnforced") == "True")
    yield from stays_shut(names, "admission")


def forged(said: list[Any], names: list[str]) -> bool:
    """Whether Mallory has written all of them; `names` are those so far. An API server goes on refusing for a moment."""
    try:
        for one in said[len(names) :]:
            names += create(MALLORY, one)
    except CommandError:
        return False
    return True


def uncounted(seen: Seen, names: list[str]) -> bool:
    counted = [name for name in names if seen.decisions.get(name, ("",))[0] == "Counted"]
    assert not counted
    assert not seen.gate.get("open")
    return True


def a_trusted_person_leaves_in_the_middle(model: Model, users: Fleet) -> Scene:
    """Alone with the test bed. The version was approved when it got its users; it loses them with the approval."""
    candidate = yield from awaited(model, name="attacks-slow")
    given(model, candidate["gate"]["subject"])
    yield from reach(lambda seen: seen.status["phase"] == "Canary")
    apply(trust_store(without=DANA))
    seen = yield from reach(lambda seen: seen.status["phase"] == "AwaitingDeployment" and seen.status["trafficSummary"] == "100")
    assert any(FAIRNESS in one for one in seen.gate["missing"])


def _route(model: Model, service: str, host: str = "") -> dict[str, Any]:
    rule = {
        "matches": [{"path": {"type": "PathPrefix", "value": f"{PATH.partition('?')[0]}/more"}}],
        "backendRefs": [{"name": service, "port": 8080}],
    }
    spec = {"parentRefs": [{"name": "public", "namespace": "gateways"}], "hostnames": [host or model.host], "rules": [rule]}
    metadata = {"name": f"around-{model.name}", "namespace": NAMESPACE}
    return {"apiVersion": "gateway.networking.k8s.io/v1", "kind": "HTTPRoute", "metadata": metadata, "spec": spec}
