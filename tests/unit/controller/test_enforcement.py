"""Approvals count only while the admission policies are in force."""

import asyncio
from datetime import datetime, timedelta
from typing import Any

import pytest
from tests.simulation.clock import run
from tests.unit.controller.fake_cluster import START, FakeCluster
from tests.unit.controller.operator_world import KEY, OperatorWorld

from headgate.controller.enforcement import Enforcement
from headgate.controller.last_seen import left_behind
from headgate.controller.proof import Authorship
from headgate.kube.admission import BINDINGS, POLICIES, REQUIRED
from headgate.kube.errors import Forbidden, KubeError, Unavailable
from headgate.kube.interface import Listing
from headgate.kube.resources import LEASES, Resource

DENIES: dict[str, Any] = {"failurePolicy": "Fail", "validations": [{"expression": "false"}]}
BINDS: dict[str, Any] = {"policyName": "headgate-approvals", "validationActions": ["Deny"]}
SOME = {"matchLabels": {"team": "fraud"}}


def installed() -> FakeCluster:
    return OperatorWorld().api


def check(enforcement: Enforcement) -> bool:
    return asyncio.run(enforcement.check())


class Looks:
    """An operator that looks when it is told to, on a cluster whose time the test moves."""

    def __init__(self, api: FakeCluster | None = None) -> None:
        self.api = api or installed()
        self.known = 0
        self.enforcement = self._begun()
        self.api.now = START + timedelta(minutes=1)

    def _begun(self) -> Enforcement:
        return Enforcement(
            self.api,
            lambda: self.api.now - timedelta(hours=3),
            lambda: self.known,
            earlier=lambda: left_behind(self.api, "platform", "headgate"),
        )

    def renew(self) -> None:
        """The Lease, as the leader writes it."""
        self.leave(dict(self.enforcement.remarks()))

    def leave(self, remarks: dict[str, str], term: int = 3) -> None:
        annotations = {"headgate.dev/term": "3", **remarks}
        lease = {"metadata": {"name": "headgate", "namespace": "platform", "annotations": annotations}, "spec": {"leaseTransitions": term}}
        self.api.put(LEASES, lease)

    def restart(self) -> None:
        """Another process, which has read what is there, and looks for the first time."""
        self.enforcement = self._begun()
        self.look()

    def look(self) -> bool:
        return check(self.enforcement)

    def made(self) -> tuple[datetime, int]:
        """A decision that comes in now."""
        self.known += 1
        return self.api.now, self.known

    def author(self, made: tuple[datetime, int]) -> Authorship:
        return self.enforcement.proof.of(*made)

    def pass_time(self, seconds: float) -> None:
        self.api.now += timedelta(seconds=seconds)

    def edit_binding(self, actions: list[str]) -> None:
        binding = self.api.objects[(BINDINGS.plural, "", "headgate-approvals")]
        self.api.put(BINDINGS, {**binding, "spec": {**binding["spec"], "validationActions": actions}})

    def lose_and_find(self) -> None:
        """In force, away, and found back a moment ago."""
        self.look()
        for actions in ("Audit", "Deny"):
            self.edit_binding([actions])
            self.look()


def test_everything_in_force_is_no_problem_and_proves_later_approvals() -> None:
    api = installed()
    enforcement = Enforcement(api, lambda: START, lambda: 7)
    assert enforcement.problem
    assert check(enforcement)
    assert enforcement.problem == ""
    assert enforcement.proof.of(START, 7) is Authorship.UNPROVEN
    assert enforcement.proof.of(START + timedelta(seconds=6), 7) is Authorship.PROVEN
    assert not check(enforcement), "nothing changed"


@pytest.mark.parametrize("resource", [POLICIES, BINDINGS], ids=lambda resource: resource.plural)
@pytest.mark.parametrize("short", REQUIRED)
def test_each_missing_one_is_named(short: str, resource: Resource) -> None:
    api = installed()
    del api.objects[(resource.plural, "", f"headgate-{short}")]
    enforcement = Enforcement(api, lambda: START, lambda: 0)
    check(enforcement)
    assert f"headgate-{short}" in enforcement.problem


@pytest.mark.parametrize(
    ("resource", "spec"),
    [
        (POLICIES, DENIES | {"failurePolicy": "Ignore"}),
        (POLICIES, DENIES | {"validations": []}),
        (POLICIES, {"failurePolicy": "Fail"}),
        (POLICIES, DENIES | {"matchConstraints": {"excludeResourceRules": [{"resources": ["*"]}]}}),
        (POLICIES, DENIES | {"matchConstraints": {"namespaceSelector": SOME}}),
        (BINDINGS, BINDS | {"validationActions": ["Audit"]}),
        (BINDINGS, BINDS | {"matchResources": {"namespaceSelector": SOME}}),
        (BINDINGS, BINDS | {"matchResources": {"objectSelector": SOME}}),
        (BINDINGS, BINDS | {"matchResources": {"excludeResourceRules": [{"resources": ["*"]}]}}),
        (BINDINGS, BINDS | {"matchResources": {"resourceRules": [{"resources": ["pods"]}]}}),
    ],
)
def test_one_that_lets_pass_is_as_good_as_none(resource: Resource, spec: dict[str, Any]) -> None:
    api = installed()
    api.put(resource, {"metadata": {"name": "headgate-approvals"}, "spec": spec})
    enforcement = Enforcement(api, lambda: START, lambda: 0)
    check(enforcement)
    assert "headgate-approvals" in enforcement.problem


def test_the_prefix_of_the_release_is_that_of_the_names() -> None:
    enforcement = Enforcement(installed(), lambda: START, lambda: 0, prefix="other")
    check(enforcement)
    assert "other-approvals" in enforcement.problem


def test_a_decision_counts_once_a_look_that_began_after_it_found_the_policy() -> None:
    looks = Looks()
    looks.look()
    made = looks.made()
    assert looks.author(made) is Authorship.AWAITED
    assert not looks.look(), "only those who wait for it are concerned"
    assert looks.author(made) is Authorship.PROVEN


def test_a_look_that_goes_on_already_proves_nothing_of_what_comes_in_meanwhile() -> None:
    looks = Looks()
    looks.look()

    class Arriving(FakeCluster):
        async def list(self, resource: Resource, namespace: str | None = None, *, labels: str = "", fields: str = "") -> Listing:
            looks.known += 1
            return await super().list(resource, namespace, labels=labels, fields=fields)

    looks.api.__class__ = Arriving
    looks.look()
    assert looks.author((looks.api.now, looks.known)) is Authorship.AWAITED


def test_what_is_made_while_the_policy_is_away_never_counts_and_the_rest_does() -> None:
    looks = Looks()
    before = looks.made()
    looks.look()
    looks.pass_time(300)
    looks.edit_binding(["Audit"])
    forged = looks.made()
    assert looks.author(forged) is Authorship.AWAITED, "nobody has seen yet that it is away"
    assert looks.look()
    later = looks.made()
    assert looks.enforcement.problem
    assert [looks.author(one) for one in (before, forged, later)] == [Authorship.PROVEN, Authorship.UNPROVEN, Authorship.UNPROVEN]
    looks.pass_time(300)
    looks.edit_binding(["Deny"])
    assert looks.look()
    assert "only just" in looks.enforcement.problem
    looks.pass_time(6)
    after = looks.made()
    looks.look()
    assert [looks.author(one) for one in (before, forged, later, after)] == [
        Authorship.PROVEN,
        Authorship.UNPROVEN,
        Authorship.UNPROVEN,
        Authorship.PROVEN,
    ]


@pytest.mark.parametrize("made_anew", [False, True], ids=["edited", "removed"])
def test_a_policy_that_is_away_between_two_looks_is_noticed_by_what_it_is_now(*, made_anew: bool) -> None:
    looks = Looks()
    looks.look()
    looks.pass_time(3)
    binding = looks.api.objects[(BINDINGS.plural, "", "headgate-approvals")]
    if made_anew:
        looks.api.remove(BINDINGS, "headgate-approvals", "")
    else:
        looks.edit_binding(["Audit"])
    forged = looks.made()
    if made_anew:
        looks.api.put(BINDINGS, {"metadata": {"name": "headgate-approvals"}, "spec": binding["spec"]})
    else:
        looks.edit_binding(["Deny"])
    looks.look()
    assert "only just" in looks.enforcement.problem
    assert looks.author(forged) is Authorship.UNPROVEN
    looks.pass_time(3600)
    looks.look()
    assert looks.author(forged) is Authorship.UNPROVEN


@pytest.mark.parametrize("seen_away", [False, True])
def test_a_policy_that_was_changed_while_no_operator_ran_is_noticed_by_the_next(*, seen_away: bool) -> None:
    looks = Looks()
    looks.look()
    before = looks.made()
    looks.pass_time(3)
    looks.look()
    looks.renew()
    looks.pass_time(60)
    looks.edit_binding(["Audit"])
    if seen_away:
        looks.pass_time(1)
        looks.look()
        looks.renew()
    forged = looks.made()
    looks.pass_time(1)
    looks.edit_binding(["Deny"])
    looks.restart()
    assert "only just" in looks.enforcement.problem
    assert [looks.author(one) for one in (before, forged)] == [Authorship.PROVEN, Authorship.UNPROVEN]
    looks.pass_time(6)
    after = looks.made()
    looks.look()
    assert [looks.author(one) for one in (before, forged, after)] == [Authorship.PROVEN, Authorship.UNPROVEN, Authorship.PROVEN]


def test_an_operator_that_dies_as_soon_as_it_saw_the_change_leaves_what_was_there_before() -> None:
    """Those decisions may not have been answered by then, and the next one would take the policy for one that was there all the time."""
    looks = Looks()
    looks.look()
    looks.renew()
    looks.pass_time(3)
    looks.edit_binding(["Audit"])
    forged = looks.made()
    looks.edit_binding(["Deny"])
    looks.look()
    looks.renew()
    looks.pass_time(15)
    looks.restart()
    assert looks.author(forged) is Authorship.UNPROVEN
    looks.pass_time(60)
    legitimate = looks.made()
    looks.look()
    looks.renew()
    looks.restart()
    assert looks.author(legitimate) is Authorship.PROVEN


@pytest.mark.parametrize("told", [None, "{", "[]", '{"at": "2026-03-01T00:00:00", "seals": []}', '{"at": 7, "seals": []}'])
def test_what_was_made_while_no_operator_ran_is_proven_if_nothing_changed_or_nobody_can_say(told: str | None) -> None:
    looks = Looks()
    looks.look()
    looks.renew()
    if told is not None:
        looks.leave({"headgate.dev/approvals-policy": told})
    looks.pass_time(60)
    made = looks.made()
    looks.restart()
    assert looks.author(made) is Authorship.PROVEN


def test_what_was_seen_before_an_earlier_release_ran_for_a_while_is_no_reproach() -> None:
    looks = Looks()
    looks.look()
    seen = dict(looks.enforcement.remarks())
    looks.edit_binding(["Audit"])
    looks.edit_binding(["Deny"])
    made = looks.made()
    looks.leave(seen, term=4)
    looks.restart()
    assert looks.author(made) is Authorship.PROVEN


def test_the_next_operator_begins_no_proof_before_it_knows_what_was_seen() -> None:
    looks = Looks()
    looks.look()
    looks.renew()
    looks.edit_binding(["Audit"])
    forged = looks.made()
    looks.edit_binding(["Deny"])

    async def unreachable(*_: object) -> None:
        raise Unavailable("down", status=503)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(looks.api, "get", unreachable)
        looks.restart()
        assert looks.author(forged) is Authorship.AWAITED
        assert looks.enforcement.problem
    looks.look()
    assert looks.author(forged) is Authorship.UNPROVEN


def test_the_policy_is_called_in_force_again_when_decisions_count_again() -> None:
    looks = Looks()
    looks.lose_and_find()
    back = looks.api.now
    assert "decisions made after 2026-03-01 00:01:05 UTC count" in looks.enforcement.problem, looks.enforcement.problem
    while looks.enforcement.problem:
        early = looks.made()
        looks.pass_time(1)
        looks.look()
        assert looks.author(early) is Authorship.UNPROVEN
    assert looks.api.now - back == timedelta(seconds=6)
    made = looks.made()
    looks.look()
    assert looks.author(made) is Authorship.PROVEN


def test_a_decision_of_a_time_without_the_policy_that_comes_in_late_is_told_by_the_servers_clock() -> None:
    looks = Looks()
    looks.look()
    looks.edit_binding(["Audit"])
    forged_at = looks.api.now
    looks.edit_binding(["Deny"])
    looks.look()
    late = (forged_at, looks.made()[1])
    looks.look()
    assert looks.author(late) is Authorship.UNPROVEN


def test_recreated_policies_prove_nothing_about_the_time_before() -> None:
    looks = Looks()
    policy = looks.api.objects.pop((POLICIES.plural, "", "headgate-approvals"))
    looks.api.now = START + timedelta(hours=1)
    looks.api.put(POLICIES, {"metadata": {"name": "headgate-approvals"}, "spec": policy["spec"]})
    looks.look()
    assert looks.enforcement.proof.of(START + timedelta(minutes=30), 0) is Authorship.UNPROVEN


def test_policies_that_prove_no_author_are_a_problem_and_no_gap() -> None:
    looks = Looks()
    looks.look()
    removed = looks.api.objects.pop((POLICIES.plural, "", "headgate-pods"))
    made = looks.made()
    assert looks.look()
    assert looks.enforcement.problem
    looks.api.put(POLICIES, removed)
    looks.look()
    assert looks.author(made) is Authorship.PROVEN


class Failing(FakeCluster):
    error: KubeError | None = None

    async def list(self, resource: Resource, namespace: str | None = None, *, labels: str = "", fields: str = "") -> Listing:
        if self.error is not None:
            raise self.error
        return await super().list(resource, namespace, labels=labels, fields=fields)


def test_without_the_right_to_look_gates_stay_closed_but_an_outage_changes_nothing() -> None:
    api = Failing()
    api.objects = installed().objects
    enforcement = Enforcement(api, lambda: START, lambda: 0)
    api.now = START + timedelta(minutes=1)
    check(enforcement)
    api.error = Unavailable("down", status=503)
    assert not check(enforcement)
    assert enforcement.problem == ""
    api.error = Forbidden("no", status=403)
    assert check(enforcement)
    assert "cannot see" in enforcement.problem


def test_what_was_made_while_nobody_could_look_is_proven_if_nothing_changed_meanwhile() -> None:
    looks = Looks(Failing())
    looks.api.objects = installed().objects
    looks.look()
    for error in (Unavailable("down", status=503), Forbidden("no", status=403)):
        looks.api.error = error  # type: ignore[attr-defined]
        made = looks.made()
        looks.look()
        assert looks.author(made) is Authorship.AWAITED
        assert looks.enforcement.proof.unanswered
        looks.api.error = None  # type: ignore[attr-defined]
        looks.look()
        assert looks.author(made) is Authorship.PROVEN
        assert not looks.enforcement.proof.unanswered


def test_nothing_is_proven_before_the_first_look() -> None:
    looks = Looks()
    assert looks.author(looks.made()) is Authorship.AWAITED


def test_a_look_is_made_at_once_when_asked_for_and_about_once_a_second_at_most() -> None:
    async def scene() -> list[float]:
        clock, looks, moments = asyncio.get_running_loop().time, Looks(), []
        loop = asyncio.get_running_loop()
        for at in (4.0, 4.1, 4.2):
            loop.call_at(at, looks.enforcement.ask, KEY)
        while clock() < 14:
            await looks.enforcement.due()
            looks.enforcement.asked()
            moments.append(round(clock(), 3))
        return moments

    assert run(scene()) == [4.0, 5.0, 15.0]


def test_looks_follow_each_other_until_decisions_count_again() -> None:
    looks = Looks()
    looks.lose_and_find()

    async def pause() -> float:
        await looks.enforcement.due()
        return asyncio.get_running_loop().time()

    assert run(pause()) == 1.0
    looks.pass_time(6)
    looks.look()
    assert run(pause()) == 10.0


def test_gates_stay_closed_while_a_policy_is_missing() -> None:
    world = OperatorWorld()
    removed = world.api.objects.pop((POLICIES.plural, "", "headgate-models"))
    world.release("v1")
    world.settle()
    world.approve()
    world.settle()
    assert world.status.phase == "AwaitingDeployment"
    enforced = next(c for c in world.status.conditions if c.type == "GovernanceEnforced")
    assert (enforced.status, "headgate-models" in enforced.message) == ("False", True)
    world.api.put(POLICIES, removed)
    world.settle()
    assert world.weights != {}


def test_each_look_hears_what_time_the_api_server_has(monkeypatch: pytest.MonkeyPatch) -> None:
    api, heard = installed(), list[datetime | None]()
    enforcement = Enforcement(api, lambda: START, lambda: 0, heard=lambda date, seconds: heard.append(date))
    check(enforcement)
    assert heard == [api.now]

    def refuse(error: KubeError) -> None:
        async def about() -> None:
            raise error

        monkeypatch.setattr(api, "about", about)

    refuse(Unavailable("down", status=503))
    check(enforcement)
    assert heard == [api.now], "no answer tells nothing"
    refuse(Forbidden("no", status=403))
    check(enforcement)
    assert heard == [api.now, None]
