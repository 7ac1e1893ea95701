"""Whoever tries to get a version to users that nobody approved: on the real API server, each as themselves, with users on every model.

What admission alone refuses stands in tests/cluster/test_admission.py.
"""

import json
import time
from collections.abc import Callable, Generator, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from tests.e2e.attackers import (
    CHEN,
    DANA,
    DUAL,
    FAIRNESS,
    LOOKALIKE,
    MALLORY,
    NAMESPACE,
    POLICIES,
    RIGHT,
    ROBOT,
    SAM,
    SECURITY,
    TECHNICAL,
    TESS,
    approval,
    bindings,
    by_key,
    create,
    forbidden,
    intervention,
    trust_store,
)
from tests.e2e.conftest import Bed
from tests.e2e.playing import play, reach

from demo.__main__ import PATH
from demo.kubectl import CommandError, apply, kubectl, remove
from demo.traffic import Load, Rates
from fleet.model import ON_CALL, Model, prepare, statuses
from fleet.policy import policy
from fleet.users import Fleet
from headgate.api.policy import RolloutPolicySpec
from headgate.rollout.begin import copy_name
from headgate.rollout.decision import POLICY_KEY

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(600)]

MOST_SECONDS = 240
BINDING = "validatingadmissionpolicybinding/headgate-approvals"
HOLLOWED = "validatingadmissionpolicy/headgate-approvals"

Status = dict[str, Any]


@dataclass(frozen=True)
class Seen:
    """A model, and every decision about it by name: its state, and the words beside it."""

    status: Status
    decisions: Mapping[str, tuple[str, str]] = field(default_factory=dict)

    @property
    def gate(self) -> Status:
        found: Status = (self.status.get("candidate") or {}).get("gate") or {}
        return found


Scene = Generator[None, Seen, None]


def look() -> dict[str, Seen]:
    found = statuses(NAMESPACE)
    decided: dict[str, dict[str, tuple[str, str]]] = {}
    for item in json.loads(kubectl("get", "governanceapprovals", "-n", NAMESPACE, "-o", "json"))["items"]:
        answer = item.get("status") or {}
        about = decided.setdefault(item["spec"]["model"], {})
        about[item["metadata"]["name"]] = answer.get("state", ""), answer.get("message", "")
    return {model.name: Seen(found.get(model.name, {}), decided.get(model.name, {})) for model in MODELS}


def release(model: Model, version: str, name: str = "attacks") -> None:
    body = model.manifest(version, name, {"ERROR_RATE": "0"})
    body["spec"]["classification"]["declaredTier"] = "Medium"
    body["spec"]["serving"]["drain"] = "5s"
    apply(body)


def live(version: str) -> Callable[[Seen], bool]:
    return lambda seen: seen.status.get("phase") == "Live" and seen.status["live"] == version


def awaited(model: Model, version: str = "v2", name: str = "attacks") -> Generator[None, Seen, Status]:
    """Release it. Its candidate, once it waits for people."""
    release(model, version, name)
    seen = yield from reach(lambda seen: seen.gate and seen.status["candidate"]["version"] == version and _waits(seen))
    candidate: Status = seen.status["candidate"]
    return candidate


def _waits(seen: Seen) -> bool:
    return seen.status.get("phase") == "AwaitingDeployment" and bool(seen.gate.get("subject"))


def approvals(model: Model, subject: str, **instead: str) -> list[Any]:
    """Of the three roles, by whom they belong to, or `instead` by somebody else (by the first word of the role)."""
    return [approval(model.name, role, instead.get(role.partition("-")[0], person), subject) for role, person in RIGHT.items()]


def given(model: Model, subject: str) -> list[str]:
    """All that the gate asks for."""
    return [name for one in approvals(model, subject) for name in create(one["spec"]["approver"], one)]


def stays_shut(names: list[str], *words: str) -> Scene:
    """Each of the decisions is answered; those that count do not open the gate, and one of the others says why."""
    seen = yield from reach(lambda seen: all(seen.decisions[name][0] for name in names))
    said = [seen.decisions[name] for name in names]
    assert not seen.gate["open"], said
    assert any(state != "Counted" and any(word in message for word in words) for state, message in said), said


def honest_people_open_a_gate(model: Model, users: Fleet) -> Scene:
    candidate = yield from awaited(model)
    given(model, candidate["gate"]["subject"])
    yield from reach(live("v2"))


def the_technical_owner_reviews_their_own_work(model: Model, users: Fleet) -> Scene:
    candidate = yield from awaited(model)
    names = [name for one in approvals(model, candidate["gate"]["subject"], fairness=CHEN) for name in create(one["spec"]["approver"], one)]
    yield from stays_shut(names, "owner")


def the_owner_names_another_one_and_reviews(model: Model, users: Fleet) -> Scene:
    candidate = yield from awaited(model)
    other = json.dumps({"spec": {"owners": {"technical": {"user": TESS}}}})
    kubectl("patch", "aimodel", model.name, "-n", NAMESPACE, "--type=merge", "-p", other)
    yield from reach(lambda seen: seen.status.get("technicalOwners") == [CHEN, TESS])
    said = approvals(model, candidate["gate"]["subject"], fairness=CHEN)
    yield from stays_shut([name for one in said for name in create(one["spec"]["approver"], one)], "was technical owner")


def the_subject_of_a_lower_tier(model: Model, users: Fleet) -> Scene:
    candidate = yield from awaited(model)
    subject = candidate["gate"]["subject"]
    *first, last = approvals(model, subject)
    names = [name for one in first for name in create(one["spec"]["approver"], one)]
    higher = json.dumps({"spec": {"classification": {"declaredTier": "High"}}})
    kubectl("patch", "aimodel", model.name, "-n", NAMESPACE, "--type=merge", "-p", higher)
    yield from reach(lambda seen: seen.gate.get("subject", subject) != subject)
    yield from stays_shut([*names, *create(last["spec"]["approver"], last)], "subject")


def another_image_in_a_running_pod(model: Model, users: Fleet) -> Scene:
    yield from awaited(model)
    pod = kubectl("get", "pods", "-n", NAMESPACE, "-l", f"headgate.dev/model={model.name}", "-o", "name").split()[0]
    answer = forbidden(MALLORY, "set", "image", pod, "-n", NAMESPACE, "model=registry.example/evil:1")
    assert "its version was approved with" in answer, answer


def one_person_approves_twice(model: Model, users: Fleet) -> Scene:
    candidate = yield from awaited(model)
    mine = approvals(model, candidate["gate"]["subject"], fairness=DUAL, security=DUAL)
    yield from stays_shut([name for one in mine for name in create(one["spec"]["approver"], one)], "different person")


def an_old_subject_for_a_new_image(model: Model, users: Fleet) -> Scene:
    old = yield from awaited(model)
    new = yield from awaited(model, "v3")
    assert old["gate"]["subject"] != new["gate"]["subject"]
    yield from stays_shut(given(model, old["gate"]["subject"]), "subject")


def the_subject_of_another_model(model: Model, users: Fleet) -> Scene:
    yield from awaited(model)
    other = json.loads(kubectl("get", "aimodel", OWNER.name, "-n", NAMESPACE, "-o", "json"))["status"]["stable"]
    subject = other.get("subject") or "sha256:" + "7" * 64
    yield from stays_shut(given(model, subject), "subject")


def the_gate_of_another_question(model: Model, users: Fleet) -> Scene:
    candidate = yield from awaited(model)
    said = [approval(model.name, role, who, candidate["gate"]["subject"], gate="UseCase") for role, who in RIGHT.items()]
    names = [name for one in said for name in create(one["spec"]["approver"], one)]
    yield from stays_shut(names, "UseCase", "use case")


def another_namespace(model: Model, users: Fleet) -> Scene:
    candidate = yield from awaited(model)
    for one in approvals(model, candidate["gate"]["subject"]):
        one["metadata"]["namespace"] = "default"
        answer = forbidden(one["spec"]["approver"], "create", "-f", "-", stdin=json.dumps(one))
        assert "forbidden" in answer.lower(), answer
    seen = yield from reach(lambda seen: seen.gate)
    assert not seen.gate["open"]


def an_edited_approval(model: Model, users: Fleet) -> Scene:
    candidate = yield from awaited(model)
    [name] = create(DANA, approval(model.name, FAIRNESS, DANA, "sha256:" + "1" * 64))
    edit = json.dumps({"spec": {"subject": candidate["gate"]["subject"]}})
    answer = forbidden("", "patch", "governanceapproval", name, "-n", NAMESPACE, "--type=merge", "-p", edit)
    assert "cannot be changed" in answer, answer
    yield from stays_shut([name], "subject")


def a_deleted_approval(model: Model, users: Fleet) -> Scene:
    candidate = yield from awaited(model)
    subject = candidate["gate"]["subject"]
    [dana] = create(DANA, approval(model.name, FAIRNESS, DANA, subject))
    yield from reach(lambda seen: seen.decisions.get(dana, ("",))[0] == "Counted")
    kubectl("delete", "governanceapproval", dana, "-n", NAMESPACE)
    others = [*create(SAM, approval(model.name, SECURITY, SAM, subject)), *create(TESS, approval(model.name, TECHNICAL, TESS, subject))]
    seen = yield from reach(lambda seen: all(seen.decisions.get(name, ("",))[0] == "Counted" for name in others))
    assert not seen.gate["open"]
    assert any(FAIRNESS in one for one in seen.gate["missing"])


def an_approval_that_has_run_out(model: Model, users: Fleet) -> Scene:
    candidate = yield from awaited(model)
    subject = candidate["gate"]["subject"]
    [dana] = create(DANA, approval(model.name, FAIRNESS, DANA, subject, seconds=4))
    yield from reach(lambda seen: seen.decisions.get(dana, ("", ""))[0] == "NotCounted")
    create(SAM, approval(model.name, SECURITY, SAM, subject))
    create(TESS, approval(model.name, TECHNICAL, TESS, subject))
    yield from stays_shut([dana], "expired")


def every_right_and_no_name(model: Model, users: Fleet) -> Scene:
    candidate = yield from awaited(model)
    said = [approval(model.name, role, MALLORY, candidate["gate"]["subject"]) for role in RIGHT]
    yield from stays_shut(create(MALLORY, *said), "trust store")


def a_name_that_looks_like_another(model: Model, users: Fleet) -> Scene:
    candidate = yield from awaited(model)
    names = [
        name for one in approvals(model, candidate["gate"]["subject"], fairness=LOOKALIKE) for name in create(one["spec"]["approver"], one)
    ]
    yield from stays_shut(names, "mixes letters", "trust store")


def signatures_that_prove_nothing(model: Model, users: Fleet) -> Scene:
    candidate = yield from awaited(model)
    subject = candidate["gate"]["subject"]
    forged = [
        by_key(approval(model.name, FAIRNESS, DANA, subject), "a key that nobody lists"),
        by_key(approval(model.name, SECURITY, SAM, subject), SAM),
        by_key(approval(model.name, TECHNICAL, DANA, subject), DANA),
        by_key(approval(model.name, FAIRNESS, DANA, subject), DANA, environment="staging"),
    ]
    names = create(ROBOT, *forged)
    seen = yield from reach(lambda seen: all(seen.decisions[name][0] for name in names))
    assert [seen.decisions[name][0] for name in names] == ["Unverified"] * 4, seen.decisions
    assert not seen.gate["open"]


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
    seen = yield from reach(lambda seen: seen.gate and _waits(seen))
    assert len(seen.gate["missing"]) == 3


def a_rejection_is_deleted(model: Model, users: Fleet) -> Scene:
    candidate = yield from awaited(model)
    no = approval(model.name, SECURITY, SAM, candidate["gate"]["subject"], decision="Reject")
    [sam] = create(SAM, no)
    yield from reach(lambda seen: any(latch["name"] == sam for latch in seen.status.get("latches", ())))
    kubectl("delete", "governanceapproval", sam, "-n", NAMESPACE)
    names = [name for one in approvals(model, candidate["gate"]["subject"])[::2] for name in create(one["spec"]["approver"], one)]
    seen = yield from reach(lambda seen: all(seen.decisions.get(name, ("",))[0] for name in names))
    assert seen.status["phase"] == "RolledBack"
    assert any(latch["name"] == sam for latch in seen.status["latches"])


def a_halt_is_deleted(model: Model, users: Fleet) -> Scene:
    candidate = yield from awaited(model)
    [halt] = create(ON_CALL, intervention(model.name, "Halt", candidate, ON_CALL))
    yield from reach(lambda seen: seen.status["phase"] == "RolledBack")
    kubectl("delete", "governanceapproval", halt, "-n", NAMESPACE)
    names = given(model, candidate["gate"]["subject"])
    seen = yield from reach(lambda seen: all(seen.decisions.get(name, ("",))[0] for name in names))
    assert (seen.status["phase"], seen.status["blocked"][-1]["cause"]) == ("RolledBack", "Halt")


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


def five_hundred_approvals(model: Model, users: Fleet) -> Scene:
    candidate = yield from awaited(model)
    create(DANA, *(approval(model.name, FAIRNESS, DANA, f"sha256:{number:064x}") for number in range(500)))
    began = time.monotonic()
    given(model, candidate["gate"]["subject"])
    yield from reach(lambda seen: seen.status["phase"] == "Canary" or live("v2")(seen))
    print(f"behind 500 others, three approvals opened the gate after {time.monotonic() - began:.1f} s")
    yield from reach(live("v2"))


def the_last_approval_races_a_halt(model: Model, users: Fleet) -> Scene:
    candidate = yield from awaited(model)
    *first, last = approvals(model, candidate["gate"]["subject"])
    for one in first:
        create(one["spec"]["approver"], one)
    halt = intervention(model.name, "Halt", candidate, ON_CALL)
    with ThreadPoolExecutor(2) as both:
        list(both.map(create, (last["spec"]["approver"], ON_CALL), (last, halt)))
    seen = yield from reach(lambda seen: seen.status["phase"] == "RolledBack")
    assert seen.status["blocked"][-1]["cause"] == "Halt"
    assert seen.status["trafficSummary"] == "100"


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


def condition(seen: Seen, kind: str) -> str:
    return next((str(one["status"]) for one in seen.status.get("conditions", ()) if one["type"] == kind), "")


def words_of(seen: Seen, kind: str) -> str:
    return next((str(one["message"]) for one in seen.status.get("conditions", ()) if one["type"] == kind), "")


def answers(users: Fleet, model: Model, version: str) -> int:
    return sum(users.of(model.host, version).kinds.values())


def strict(name: str, **changes: Any) -> dict[str, Any]:
    """Three persons at Medium; nothing that takes time but people."""
    found = policy(name, (50,), seconds=6)
    found["spec"]["gates"] = {"deployment": {"medium": [{"role": role} for role in RIGHT]}}
    found["spec"] |= changes
    return found


def lenient(name: str) -> dict[str, Any]:
    return strict(name, gates={"deployment": {"medium": [{"role": TECHNICAL}]}})


def _route(model: Model, service: str, host: str = "") -> dict[str, Any]:
    rule = {
        "matches": [{"path": {"type": "PathPrefix", "value": f"{PATH.partition('?')[0]}/more"}}],
        "backendRefs": [{"name": service, "port": 8080}],
    }
    spec = {"parentRefs": [{"name": "public", "namespace": "gateways"}], "hostnames": [host or model.host], "rules": [rule]}
    metadata = {"name": f"around-{model.name}", "namespace": NAMESPACE}
    return {"apiVersion": "gateway.networking.k8s.io/v1", "kind": "HTTPRoute", "metadata": metadata, "spec": spec}


OWNER = Model(NAMESPACE, "honest")
APPROVED = {
    OWNER: honest_people_open_a_gate,
    Model(NAMESPACE, "flooded"): five_hundred_approvals,
    Model(NAMESPACE, "raced"): the_last_approval_races_a_halt,
}
"""People did approve these."""
ATTACKED = {
    Model(NAMESPACE, scene.__name__.replace("_", "-").removeprefix("the-")[:40].rstrip("-")): scene
    for scene in (
        the_technical_owner_reviews_their_own_work,
        the_owner_names_another_one_and_reviews,
        the_subject_of_a_lower_tier,
        another_image_in_a_running_pod,
        one_person_approves_twice,
        an_old_subject_for_a_new_image,
        the_subject_of_another_model,
        the_gate_of_another_question,
        another_namespace,
        an_edited_approval,
        a_deleted_approval,
        an_approval_that_has_run_out,
        every_right_and_no_name,
        a_name_that_looks_like_another,
        signatures_that_prove_nothing,
        a_weaker_policy_of_the_same_name,
        a_policy_loosened_meanwhile,
        a_policy_copy_of_ones_own,
        a_rejection_is_deleted,
        a_halt_is_deleted,
        ways_around_the_route,
        a_service_of_ones_own_with_a_route_of_ones_own,
        its_model_is_deleted_in_the_foreground,
    )
}
UNCHECKED, HOLLOW, TRUSTED = (Model(NAMESPACE, name) for name in ("unchecked", "hollow", "trusted"))
MODELS = (*APPROVED, *ATTACKED, UNCHECKED, HOLLOW, TRUSTED)


@pytest.fixture
def first_versions() -> Iterator[None]:
    """v1 of all models is live, each approved by three persons."""
    slow = strict("attacks-slow", lapseGrace="2s")
    for stage in slow["spec"]["stages"]:
        stage |= {"minDuration": "10m", "maxDuration": "20m"}
    prepare(NAMESPACE, strict("attacks"), strict("attacks-loosened"), slow)
    apply(*bindings(), trust_store())
    for model in MODELS:
        release(model, "v1")
    play({model.name: reach(_waits) for model in MODELS}, look, MOST_SECONDS)
    subjects = {name: seen.gate["subject"] for name, seen in look().items()}
    for role, person in RIGHT.items():
        create(person, *(approval(name, role, person, subject) for name, subject in subjects.items()))
    play({model.name: reach(live("v1")) for model in MODELS}, look, MOST_SECONDS)
    yield
    kubectl("delete", "truststore", "headgate", "-n", POLICIES, "--ignore-not-found")
    remove(NAMESPACE)


@pytest.mark.usefixtures("first_versions")
def test_no_user_reaches_a_version_that_nobody_approved(bed: Bed, tmp_path: Path) -> None:
    hosts = [model.host for model in MODELS]
    with Load(bed.load, bed.gateway + PATH, hosts, Fleet(tmp_path / "requests.jsonl"), Rates(http1=100)) as users:
        play({model.name: scene(model, users) for model, scene in (APPROVED | ATTACKED).items()}, look, MOST_SECONDS, users)
        play({UNCHECKED.name: decisions_while_nobody_is_checked(UNCHECKED, users)}, look, MOST_SECONDS, users)
        play({HOLLOW.name: decisions_while_the_policy_is_hollow(HOLLOW, users)}, look, MOST_SECONDS, users)
        play({TRUSTED.name: a_trusted_person_leaves_in_the_middle(TRUSTED, users)}, look, MOST_SECONDS, users)
        users.read()
    reached = {
        model.name: version for model in (*ATTACKED, UNCHECKED, HOLLOW) for version in ("v2", "v3") if answers(users, model, version)
    }
    assert reached == {}
    assert answers(users, OWNER, "v2") > 0, "an open gate does let users in"
    assert users.failed == []
