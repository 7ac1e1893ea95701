"""Scenes about what people decide: who decides, about what, for how long, and what goes again."""

import json
import time
from concurrent.futures import ThreadPoolExecutor

from tests.e2e.attacked import OWNER, Scene, approvals, awaited, given, live, stays_shut
from tests.e2e.attackers import (
    CHEN,
    DANA,
    DUAL,
    FAIRNESS,
    LOOKALIKE,
    MALLORY,
    NAMESPACE,
    RIGHT,
    ROBOT,
    SAM,
    SECURITY,
    TECHNICAL,
    TESS,
    approval,
    by_key,
    create,
    forbidden,
    intervention,
)
from tests.e2e.playing import reach

from demo.kubectl import kubectl
from fleet.model import ON_CALL, Model
from fleet.users import Fleet


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
