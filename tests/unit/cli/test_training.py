"""gates, where persons need training."""

import json
from typing import Any

import pytest
from tests.unit.cli.cluster_in_memory import CANDIDATE, IN_CANARY, POLICY, ClusterInMemory, headgate, pointed_at

from headgate.kube.errors import Forbidden
from headgate.kube.resources import AIMODELS, CONFIG_MAPS, GOVERNANCE_APPROVALS, ROLLOUT_POLICIES, TRUST_STORES

WHERE = ("gates", "credit-scorer", "-n", "lending")
HEAD = "person,role,competency,score,date\n"
SCORES = HEAD + "Dana@bank.example,Technical,oversight,0.55,2026-01-01\nsam,Technical,oversight,0.9,2026-01-01\n"


def person(name: str, role: str, until: str = "2999-01-01T00:00:00Z") -> dict[str, Any]:
    return {"name": name, "usernames": [f"{name}@bank.example"], "roles": [role], "trainingValidUntil": until}


PERSONS = [
    person("dana", "fairness-audit"),
    person("tess", "technical-validation", "2026-01-01T00:00:00Z"),
    person("sam", "security-review"),
]


@pytest.fixture
def memory(monkeypatch: pytest.MonkeyPatch) -> ClusterInMemory:
    """Under a policy that shows literacy, with a trust store and assessments; Tess's training is over."""
    made = ClusterInMemory()
    made.model(IN_CANARY)
    made.objects[AIMODELS.plural, "lending", "credit-scorer"]["spec"]["policy"] = {"name": "standard"}
    made.put(ROLLOUT_POLICIES, {"metadata": {"name": "standard", "namespace": "platform"}, "spec": {}})
    made.put(TRUST_STORES, {"metadata": {"name": "headgate", "namespace": "platform"}, "spec": {"persons": PERSONS}})
    assess(made, {"assessments.csv": SCORES})
    pointed_at(made, monkeypatch)
    return made


def assess(memory: ClusterInMemory, data: dict[str, str]) -> None:
    memory.put(CONFIG_MAPS, {"metadata": {"name": "headgate-literacy", "namespace": "platform"}, "data": data})


def require(memory: ClusterInMemory) -> None:
    spec = POLICY.model_dump(mode="json", by_alias=True, exclude_none=True) | {"gates": {"literacy": "Required"}}
    memory.policy_text(json.dumps(spec))


def test_who_could_approve_and_needs_training_is_shown_at_the_gate(memory: ClusterInMemory) -> None:
    shown = headgate(*WHERE).stdout
    assert "Needs training: dana (fairness-audit): oversight 0.55\n" in shown
    assert "Needs training: tess (technical-validation): training was valid until 2026-01-01 00:00 UTC; approvals of theirs do not" in shown
    assert "sam" not in shown
    assert CANDIDATE["gate"]["required"] == ["technical-validation", "fairness-audit", "automated-checks"]


def test_where_it_is_required_it_says_that_they_do_not_count(memory: ClusterInMemory) -> None:
    require(memory)
    told = json.loads(headgate(*WHERE, "-o", "json").stdout)["literacy"]
    assert told["rule"] == "Required"
    assert {one["person"]: (one["why"], one["counts"]) for one in told["persons"]} == {
        "dana": ("oversight 0.55", False),
        "tess": ("training was valid until 2026-01-01 00:00 UTC, never assessed", False),
    }
    assert "dana (fairness-audit): oversight 0.55; approvals of theirs do not count" in headgate(*WHERE).stdout


@pytest.mark.parametrize("data", [None, {}, {"assessments.csv": HEAD + "dana,Boss,oversight,0.5,2026-01-01\n"}])
def test_what_is_required_and_not_known_is_said(memory: ClusterInMemory, data: dict[str, str] | None) -> None:
    if data is None:
        del memory.objects[CONFIG_MAPS.plural, "platform", "headgate-literacy"]
    else:
        assess(memory, data)
    assert "AI literacy" not in headgate(*WHERE).stdout
    require(memory)
    shown = headgate(*WHERE).stdout
    assert "AI literacy is required and not known: ConfigMap platform/headgate-literacy" in shown
    assert "never assessed" not in shown


def test_without_a_trust_store_those_who_decided_are_shown(memory: ClusterInMemory) -> None:
    del memory.objects[TRUST_STORES.plural, "platform", "headgate"]
    for name, role in (("dana@bank.example", "fairness-audit"), ("sam", "technical-validation")):
        spec = {"model": "credit-scorer", "decision": "Approve", "gate": "Deployment", "role": role, "approver": name}
        memory.put(GOVERNANCE_APPROVALS, {"metadata": {"name": f"by-{role}", "namespace": "lending"}, "spec": spec})
    shown = headgate(*WHERE).stdout
    assert "Needs training: dana@bank.example (fairness-audit): oversight 0.55" in shown
    assert "Needs training: sam" not in shown


def test_who_may_not_read_it_sees_the_gates_without_it(memory: ClusterInMemory) -> None:
    memory.denied = {kind.plural: Forbidden("no", status=403) for kind in (CONFIG_MAPS, TRUST_STORES)}
    done = headgate(*WHERE)
    assert done.exit_code == 0
    assert "Deployment gate is closed" in done.stdout
    assert "Needs training" not in done.stdout
