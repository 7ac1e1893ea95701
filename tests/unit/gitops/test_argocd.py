"""What Argo CD shows of each kind, by a real Lua 5.1 without the libraries that Argo CD does not open."""

import re
from collections.abc import Callable
from typing import Any

import pytest
import yaml
from tests.resources import POLICY, ROOT, TRUST_STORE, changed, example
from tests.unit.gitops.argo import SCRIPTS, actions, health
from tests.unit.gitops.models import in_phase, in_shadow, manifest, pending, rolled_back, settled, written
from tests.unit.rollout.test_tier_lowering import waiting as lowered
from tests.unit.rollout.test_use_case import live_until_it_ends, pass_end, waiting
from tests.unit.rollout.world import World, in_canary, live, policy, spec

from headgate.api.approval import ApprovalState
from headgate.api.crd import RESOURCES
from headgate.api.reasons import Reason
from headgate.api.status import AIModelStatus
from headgate.api.vocabulary import Phase, Role

SHOWN = {
    Phase.PENDING: ("Progressing", "Pending"),
    Phase.DENIED: ("Degraded", "nobody can approve it"),
    Phase.AWAITING_USE_CASE: ("Suspended", "risk-review: nobody has approved yet"),
    Phase.PREPARING: ("Progressing", "0 of 3 pods"),
    Phase.SHADOW: ("Progressing", "mirror 100"),
    Phase.AWAITING_DEPLOYMENT: ("Suspended", "fairness-audit: nobody has approved yet"),
    Phase.CANARY: ("Progressing", "95/5"),
    Phase.FULL: ("Progressing", "1/99"),
    Phase.LIVE: ("Healthy", "1.0.0 is live"),
    Phase.FROZEN: ("Degraded", "no version starts"),
    Phase.ROLLING_BACK: ("Progressing", "RollingBack"),
    Phase.ROLLED_BACK: ("Degraded", "was taken back"),
}


@pytest.mark.parametrize("phase", Phase)
def test_every_phase_has_a_health_that_says_why(phase: Phase) -> None:
    state, message = health(in_phase(phase))
    assert state == SHOWN[phase][0]
    assert SHOWN[phase][1] in message


def test_a_rollout_is_progressing_then_suspended_then_healthy_and_a_bad_one_degraded() -> None:
    seen: list[str] = []

    def look(world: World) -> None:
        state = health(manifest(world))[0]
        if not seen or seen[-1] != state:
            seen.append(state)

    world = live()
    look(world)
    world.release("2.0.0")
    for fresh in (False, True):
        world.good() if fresh else world.quiet()
        for _ in range(4):
            world.step(10)
            look(world)
    assert seen == ["Healthy", "Progressing", "Suspended"]
    world.approve()
    for _ in range(12):
        world.good()
        world.step(8 * 86_400)
        look(world)
    assert seen == ["Healthy", "Progressing", "Suspended", "Progressing", "Healthy"]

    world.release("3.0.0")
    world.enter_canary()
    world.bad()
    world.settle()
    assert health(manifest(world))[0] == "Degraded"
    world.release("2.0.0")
    world.settle()
    assert health(manifest(world)) == ("Healthy", "2.0.0 is live: 2.0.0 (revision 9a91439f) answers with 3 pods")


def paused() -> World:
    world = in_canary()
    world.decided("Pause")
    world.quiet()
    return settled(world)


def without_its_policy() -> World:
    return settled(World(spec("1.0.0"), policy=None))


def live_without_pods() -> World:
    world = live()
    assert world.status.stable
    world.no_pods(world.status.stable.revision)
    world.step()
    return world


def established() -> World:
    world = settled(World(spec("1.0.0"), established=True))
    world.approve()
    return settled(world)


def overdue() -> World:
    world = live(policy=policy(analysis={"onDeadline": "AskPromote"}))
    world.release("2.0.0")
    world.quiet()
    world.settle()
    world.step(29 * 86_400)
    return world


def lapsed() -> World:
    world = in_canary(policy=policy(lapseGrace="10d"))
    world.approvals.clear()
    world.step()
    return world


def broken_live_version_without_an_earlier_one() -> World:
    world = live()
    world.live_guard()
    world.step()
    return world


@pytest.mark.parametrize(
    ("world", "state", "words"),
    [
        (paused, "Suspended", "`kubectl headgate resume`"),
        (established, "Suspended", "promote"),
        (overdue, "Suspended", "`kubectl headgate promote credit`"),
        (lapsed, "Suspended", "the gate closed while users are served"),
        (without_its_policy, "Degraded", "standard is not there"),
        (live_without_pods, "Degraded", "users do not get the live version: no pod of 1.0.0"),
        (broken_live_version_without_an_earlier_one, "Degraded", "keeps its share because nothing else can answer"),
    ],
)
def test_who_has_to_act_is_told_apart(world: Callable[[], World], state: str, words: str) -> None:
    shown = health(manifest(world()))
    assert shown[0] == state
    assert words in shown[1]


def test_a_change_that_the_operator_has_not_read_is_not_healthy() -> None:
    assert health(written(live().status, generation=2))[0] == "Progressing"
    assert health(written(None)) == (
        "Progressing",
        "Headgate has not read it yet. If this lasts: does the operator run, and does it watch this namespace?",
    )


def test_a_phase_of_a_newer_release_is_not_guessed() -> None:
    body = manifest(pending())
    body["status"]["phase"] = "Dreaming"
    assert health(body)[0] == "Unknown"


def test_the_script_names_reasons_that_there_are() -> None:
    script = (SCRIPTS / "AIModel/health.lua").read_text()
    tables = re.findall(r"local (?:waits_for_a_person|has_to_be_repaired) = \{(.*?)\}", script, re.DOTALL)
    named = {name for table in tables for name in re.findall(r"(\w+) = true", table)}
    assert len(tables) == 2
    assert named <= {str(reason) for reason in Reason}


def approval(**status: Any) -> dict[str, Any]:
    body = example("approvals/approve-fairness-audit.yaml")
    return body | ({"status": status} if status else {})


@pytest.mark.parametrize("state", ApprovalState)
def test_an_approval_is_degraded_only_if_it_was_not_understood(state: ApprovalState) -> None:
    wrong = state in (ApprovalState.UNVERIFIED, ApprovalState.REFUSED)
    shown = health(approval(state=str(state), message="the reason", observedGeneration=1))
    assert shown == ("Degraded" if wrong else "Healthy", f"Approve by dana@bank.example: {state}: the reason")


def test_an_approval_that_nobody_read_says_what_may_be_missing() -> None:
    state, message = health(approval())
    assert state == "Progressing"
    assert "is there an AIModel credit-scorer in this namespace?" in message
    assert health(approval(state="Dreaming"))[0] == "Unknown"


def test_a_policy_says_what_it_lets_happen() -> None:
    state, message = health(POLICY)
    assert state == "Healthy"
    assert "shadow (copies of 100 %), canary (5 %), quarter (25 %), half (50 %), full (all but 1 %)" in message


def test_a_trust_store_without_persons_is_a_mistake() -> None:
    assert health(TRUST_STORE) == ("Healthy", "3 persons, 1 keys. It counts in the operator's policy namespace alone")
    assert health(changed(TRUST_STORE, (("persons",), [])))[0] == "Degraded"


@pytest.mark.parametrize("phase", Phase)
def test_no_action_can_be_carried_out_by_argo_cd(phase: Phase) -> None:
    offered = actions(in_phase(phase))
    assert offered
    for entry in offered.values():
        assert entry["disabled"] is True
        assert entry["displayName"].startswith("in a terminal: kubectl headgate ")
    assert yaml.safe_load((SCRIPTS / "AIModel/actions.yaml").read_text())["definitions"] == []


def commands(world: World) -> set[str]:
    return {entry["displayName"].removeprefix("in a terminal: kubectl headgate ") for entry in actions(manifest(world)).values()}


def test_the_hints_are_the_commands_that_would_do_something_now() -> None:
    asked = commands(waiting())
    assert "approve credit -n lending --gate UseCase --role risk-review --rationale ..." in asked
    assert not any(command.startswith(("halt", "rollback")) for command in asked)
    assert "resume credit -n lending --reason ..." in commands(paused())
    assert "promote credit -n lending --reason ..." in commands(in_shadow())
    assert "rollback credit -n lending --reason ..." in commands(live())
    assert "retry credit -n lending --reason ..." in commands(rolled_back())
    computed = World(spec("1.0.0", classification={"declaredTier": "Low"}))
    computed.settle()
    assert computed.status.candidate
    assert computed.status.candidate.gate
    assert Role.AUTOMATED_CHECKS in computed.status.candidate.gate.required
    assert not any("automated-checks" in command for command in commands(computed))
    assert list(actions(written(None))) == ["explain"]
    assert list(actions(written(AIModelStatus()))) == ["explain"]


def approvals(world: World) -> set[str]:
    """Gate and role of each approval that is asked for."""
    words = [command.split() for command in commands(world) if command.startswith("approve ")]
    return {f"{said[said.index('--gate') + 1]} {said[said.index('--role') + 1]}" for said in words}


def test_who_approved_is_not_asked_again() -> None:
    world = settled(World(spec("1.0.0")))
    assert approvals(world) == {"Deployment technical-validation", "Deployment fairness-audit", "Deployment security-review"}
    world.approve(roles=("fairness-audit",))
    assert approvals(settled(world)) == {"Deployment technical-validation", "Deployment security-review"}
    world.approve()
    assert approvals(settled(world)) == set()


def test_a_role_is_asked_at_each_of_its_gates() -> None:
    world = lowered()
    assert world.status.candidate
    asked = {f"Deployment {role}" for role in world.status.candidate.gate.required} if world.status.candidate.gate else set()
    assert "Deployment legal-approval" in asked
    assert approvals(world) == asked | {"TierLowering legal-approval"}


def test_a_use_case_whose_approval_ended_is_continued() -> None:
    world = live_until_it_ends()
    pass_end(world)
    assert {words.partition(" ")[0] for words in approvals(settled(world))} == {"Continuation"}


def test_the_component_brings_every_script() -> None:
    component = yaml.safe_load((ROOT / "gitops/argocd/kustomization.yaml").read_text())
    named = dict(entry.split("=") for entry in component["configMapGenerator"][0]["files"])
    wanted = {f"resource.customizations.health.headgate.dev_{resource.kind}" for resource in RESOURCES}
    assert set(named) == wanted | {"resource.customizations.actions.headgate.dev_AIModel"}
    for key, file in named.items():
        kind = key.rpartition("_")[2]
        assert file == f"headgate.dev/{kind}/{'actions.yaml' if '.actions.' in key else 'health.lua'}"
        assert (ROOT / "gitops/argocd" / file).is_file()
