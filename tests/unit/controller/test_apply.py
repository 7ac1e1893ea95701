"""Order and safety of what is written: users leave a bad version first, reach a new one last, and nothing is written twice."""

import asyncio
from collections.abc import Callable

import pytest
from tests.unit.controller.fake_cluster import Write
from tests.unit.controller.operator_world import KEY, OperatorWorld, in_canary, live, model_spec

from headgate.api.reasons import Reason
from headgate.api.vocabulary import Metric, RollbackCause
from headgate.evidence.view import GuardReading
from headgate.kube.errors import Conflict, Forbidden, Invalid, KubeError, Unavailable
from headgate.kube.resources import AIMODELS, CONFIG_MAPS, DEPLOYMENTS, GOVERNANCE_APPROVALS, HTTP_ROUTES, SERVICES

FIRED = GuardReading(Metric.ERRORS, fired=True, requests=30, failures=30, max_rate=0.2, seconds=3.0)


def refuse_all_but(*plurals: str, error: KubeError | None = None) -> Callable[[Write], KubeError | None]:
    answer = error or Forbidden("refused for the test", status=403)
    return lambda write: None if write.plural in plurals else answer


def test_a_first_version_is_made_recorded_and_only_then_routed_to() -> None:
    world = OperatorWorld()
    world.release("v1")
    world.step()
    workload = ["apply services", "apply controllerrevisions", "apply deployments"]
    audited = ["create secrets", "create configmaps", "status aimodels"]
    assert world.since(0) == ["create configmaps", *workload, "status aimodels", "apply httproutes", *audited]
    assert world.weights == {}


def test_a_model_at_rest_is_not_written_to() -> None:
    world = live()
    world.settle()
    mark = len(world.api.writes)
    for _ in range(5):
        world.pass_time(3600)
        world.step()
    assert world.since(mark) == []


def test_a_restarted_operator_writes_nothing_either() -> None:
    world = in_canary()
    world.settle()
    mark = len(world.api.writes)
    world.restart()
    world.settle()
    assert world.since(mark) == []


@pytest.mark.parametrize("why", ["guard", "halt"])
def test_users_leave_before_anything_else_is_written_whatever_the_routes_version(why: str) -> None:
    world = in_canary()
    stable = world.status.stable
    assert stable is not None
    if why == "halt":
        world.decide("Halt")
    else:
        world.measure(candidate_guards=(FIRED,))
    world.list_all()
    # Somebody touches the route after it was seen: a rollback must not wait for another look.
    route = world.api.find(HTTP_ROUTES, "credit")
    assert route is not None
    world.api.put(HTTP_ROUTES, {**route, "metadata": {**route["metadata"], "annotations": {"touched": "yes"}}})
    mark = len(world.api.writes)
    asyncio.run(world.reconciler.reconcile(KEY))
    assert world.since(mark)[:2] == ["apply httproutes", "status aimodels"]
    assert "resourceVersion" not in world.api.writes[mark].body["metadata"]
    assert world.weights == {stable.revision: 1000}


def test_users_leave_though_nothing_else_can_be_written() -> None:
    world = in_canary()
    world.measure(candidate_guards=(FIRED,))
    world.api.refuse = refuse_all_but("httproutes", error=Unavailable("down", status=503))
    with pytest.raises(Unavailable):
        world.step()
    stable = world.status.stable
    assert stable is not None
    assert world.weights == {stable.revision: 1000}
    assert world.status.phase == "Canary"
    world.api.refuse = lambda write: None
    world.settle()
    assert world.status.phase == "RolledBack"
    assert [entry.cause for entry in world.status.blocked] == [RollbackCause.GUARD]


def test_users_leave_though_another_edit_of_the_route_is_invalid() -> None:
    world = in_canary()
    # The edit is pending: the operator has not seen it applied when the guard fires.
    world.release("v2", traffic={"parentRefs": [{"name": "public", "namespace": "gateways"}], "hostnames": ["changed.example"]})
    world.measure(candidate_guards=(FIRED,))

    def refuse(write: Write) -> KubeError | None:
        bad = write.plural == "httproutes" and write.body["spec"]["hostnames"] == ["changed.example"]
        return Invalid("hostname refused", status=422) if bad else None

    world.api.refuse = refuse
    world.step()
    stable, route = world.status.stable, world.api.find(HTTP_ROUTES, "credit")
    assert stable is not None
    assert route is not None
    assert world.weights == {stable.revision: 1000}
    assert route["spec"]["hostnames"] == ["credit.example"]


def test_users_leave_though_the_spec_became_unreadable() -> None:
    world = in_canary()
    world.list_all()
    broken = model_spec("v2") | {"classification": {"declaredTier": "Moderate"}}
    world.api.put(AIMODELS, {**(world.api.find(AIMODELS, "credit") or {}), "spec": broken})
    world.measure(candidate_guards=(FIRED,))
    world.step()
    world.step()
    assert world.status.phase in ("RollingBack", "RolledBack")
    assert "Moderate" in str(world.status.conditions) or "declaredTier" in str(world.status.conditions)


def test_more_traffic_is_recorded_first_and_rests_on_the_route_that_was_seen() -> None:
    world = live()
    world.release("v2")
    world.settle()
    world.approve()
    mark = len(world.api.writes)
    world.settle()
    written = [write for write in world.api.writes[mark:] if write.plural in ("aimodels", "httproutes")]
    raised = next(write for write in written if write.plural == "httproutes")
    before = written[: written.index(raised)]
    assert any(write.body.get("phase") == "Canary" for write in before)
    assert raised.body["metadata"]["resourceVersion"]


def test_a_stale_leader_cannot_undo_a_rollback() -> None:
    world = live()
    world.release("v2")
    world.settle()
    world.approve()
    world.list_all()
    route = world.api.find(HTTP_ROUTES, "credit")
    assert route is not None
    # The new leader has written the route meanwhile; the stale one still decides on the old one.
    world.api.put(HTTP_ROUTES, {**route, "metadata": {**route["metadata"], "annotations": {"by": "the new leader"}}})
    with pytest.raises(Conflict):
        asyncio.run(_decided_audited_and_applied(world))
    stable = world.status.stable
    assert stable is not None
    assert world.weights == {stable.revision: 1000}


async def _decided_audited_and_applied(world: OperatorWorld) -> None:
    await _looked_and_decided(world)
    await world.audit.handle(KEY)
    await world.reconciler.reconcile(KEY)


async def _looked_and_decided(world: OperatorWorld) -> None:
    """An approval counts after a look at the admission policies."""
    await world.enforcement.check()
    await world.reconciler.reconcile(KEY)


def test_nothing_is_raised_when_the_status_was_written_by_somebody_else() -> None:
    world = live()
    world.release("v2")
    world.settle()
    world.approve()
    world.list_all()
    model = world.api.find(AIMODELS, "credit")
    assert model is not None
    world.api.put(AIMODELS, {**model, "metadata": {**model["metadata"], "annotations": {"touched": "yes"}}})
    with pytest.raises(Conflict):
        asyncio.run(_looked_and_decided(world))
    assert "apply httproutes" not in world.since(len(world.api.writes) - 1)
    world.settle()
    assert world.status.phase == "Canary"


def test_an_edit_joins_only_after_a_dry_run_and_a_refused_one_changes_nothing() -> None:
    world = live()
    elsewhere = {"parentRefs": [{"name": "public", "namespace": "gateways"}], "hostnames": ["new.example"]}
    world.release("v1", traffic=elsewhere)
    world.api.refuse = lambda write: Invalid("hostname refused", status=422) if write.dry_run else None
    mark = len(world.api.writes)
    world.settle()
    assert world.since(mark).count("dry-run apply httproutes") == 1, "a refused edit is not asked about at every look"
    assert "apply httproutes" not in world.since(mark)
    seen = world.reconciler._refusals[KEY]
    assert (seen.reason, "hostname refused" in seen.message) == (Reason.ROUTE_REFUSED, True)
    world.api.refuse = lambda write: None
    world.pass_time(61)
    mark = len(world.api.writes)
    world.settle()
    assert world.since(mark)[:2] == ["dry-run apply httproutes", "apply httproutes"]
    route = world.api.find(HTTP_ROUTES, "credit")
    assert route is not None
    assert route["spec"]["hostnames"] == ["new.example"]


def test_a_refused_deployment_is_told_word_for_word_and_users_stay_where_they_are() -> None:
    world = live()
    before = world.weights
    world.release("v2")
    refusal = Invalid("Deployment is invalid: spec.template.spec.containers[0].image: Required value", status=422)
    world.api.refuse = lambda write: refusal if write.plural == "deployments" and write.verb == "apply" else None
    world.settle(most=40)
    told = {condition.reason: condition.message for condition in world.status.conditions}
    assert "image: Required value" in told[Reason.WORKLOAD_REFUSED]
    assert world.weights == before
    events = [write.body["reason"] for write in world.api.writes if write.plural == "events" and write.verb == "create"]
    assert events.count("WorkloadRefused") == 1
    world.api.refuse = lambda write: None
    world.pass_time(61)
    world.settle()
    assert world.status.phase == "AwaitingDeployment"


def test_a_missing_right_is_told_as_such() -> None:
    world = OperatorWorld()
    world.release("v1")
    message = 'deployments.apps is forbidden: User "system:serviceaccount:a:b" cannot patch resource "deployments"'
    world.api.refuse = lambda write: Forbidden(message, status=403) if write.plural == "deployments" else None
    world.settle(most=40)
    assert Reason.ACCESS_DENIED in {condition.reason for condition in world.status.conditions}


def test_what_nobody_needs_is_deleted_only_when_the_route_was_seen_without_it() -> None:
    world = in_canary()
    candidate = world.status.candidate
    assert candidate is not None
    name = f"credit-{candidate.revision}"
    world.measure(candidate_guards=(FIRED,))
    world.step()
    world.step()
    assert world.api.find(DEPLOYMENTS, name) is not None, "it drains"
    world.pass_time(31)
    world.settle()
    assert world.api.find(DEPLOYMENTS, name) is None
    assert world.api.find(SERVICES, name) is None
    assert [c["metadata"]["name"] for c in world.api.of(CONFIG_MAPS) if c["metadata"]["namespace"] == "lending"] == []


def test_a_version_keeps_its_pods_until_the_gateway_has_taken_the_route_without_it() -> None:
    """A gateway that is slow, or refuses the new route, goes on with the weights it has."""
    world = in_canary()
    assert world.status.candidate
    name = f"credit-{world.status.candidate.revision}"
    world.gateway_answers = False
    world.decide("Halt")
    world.settle()
    world.pass_time(3600)
    world.settle()
    assert world.api.find(DEPLOYMENTS, name)
    world.gateway_answers = True
    world.world_turns()
    world.settle()
    assert world.api.find(DEPLOYMENTS, name) is None


def test_the_old_version_is_not_shrunk_before_users_have_left_it() -> None:
    world = in_canary()
    stable = world.status.stable
    assert stable is not None
    before = world.api.find(DEPLOYMENTS, f"credit-{stable.revision}")
    assert before is not None
    assert before["spec"]["replicas"] == 3


def test_approvals_are_answered_once() -> None:
    world = live()
    states = {a["spec"]["role"]: a["status"]["state"] for a in world.api.of(GOVERNANCE_APPROVALS)}
    assert set(states.values()) == {"Counted"}
    answers = [write for write in world.api.writes if write.plural == "governanceapprovals"]
    assert len(answers) == 3


def test_a_deleted_service_is_made_again() -> None:
    world = live()
    stable = world.status.stable
    assert stable is not None
    del world.api.objects[("services", "lending", f"credit-{stable.revision}")]
    world.settle()
    assert world.api.find(SERVICES, f"credit-{stable.revision}") is not None


def test_a_model_that_is_being_deleted_is_left_alone() -> None:
    world = live()
    model = world.api.find(AIMODELS, "credit")
    assert model is not None
    model["metadata"]["deletionTimestamp"] = "2026-03-01T00:00:00Z"
    world.api.put(AIMODELS, model)
    del world.api.objects[("deployments", "lending", world.api.of(DEPLOYMENTS)[0]["metadata"]["name"])]
    mark = len(world.api.writes)
    world.step()
    assert world.since(mark) == []


def test_a_route_of_somebody_else_is_not_taken_over() -> None:
    world = OperatorWorld()
    world.api.put(HTTP_ROUTES, {"metadata": {"name": "credit", "namespace": "lending"}, "spec": {"parentRefs": [], "rules": []}})
    world.release("v1")
    world.step()
    assert "not Headgate's" in world.reconciler._refusals[KEY].message
    assert (world.api.find(HTTP_ROUTES, "credit") or {})["spec"] == {"parentRefs": [], "rules": []}
