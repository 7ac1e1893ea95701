"""What no recording shows: the server's own controllers, its history, and the client's behaviour over it."""

import asyncio
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import aiohttp
import pytest
from tests.resources import AIMODEL
from tests.simulation.apiserver.client import SimulatedApi
from tests.simulation.apiserver.server import ApiServer, Request, Response, Watch

from headgate.kube.errors import Conflict, Forbidden, Gone, NotFound, Throttled, Unavailable
from headgate.kube.resources import AIMODELS, CONFIG_MAPS, DEPLOYMENTS, NAMESPACES, PODS

Object = dict[str, Any]
START = datetime(2026, 3, 1, tzinfo=UTC)
MAPS = "/api/v1/namespaces/lending/configmaps"


def server(**settings: Any) -> ApiServer:
    made = ApiServer(lambda: START, **settings)
    made.put(NAMESPACES, {"metadata": {"name": "lending"}})
    return made


def config_map(name: str, *owners: Object, **metadata: Any) -> Object:
    body: Object = {"metadata": {"name": name, "namespace": "lending", **metadata}}
    if owners:
        body["metadata"]["ownerReferences"] = [
            {"apiVersion": "v1", "kind": "ConfigMap", "name": owner["metadata"]["name"], "uid": owner["metadata"]["uid"]}
            for owner in owners
        ]
    return body


def delete(cluster: ApiServer, name: str, propagation: str = "Background") -> Response:
    return cluster.handle(Request("DELETE", f"{MAPS}/{name}", {}, {"propagationPolicy": propagation}))


def names(cluster: ApiServer) -> list[str]:
    return [body["metadata"]["name"] for body in cluster.of(CONFIG_MAPS)]


def settle(cluster: ApiServer) -> None:
    while cluster.collect_garbage():
        pass


def watch(cluster: ApiServer, **query: str) -> Watch:
    return cluster.watch(Request("GET", MAPS, {"watch": "true", **query}))


def seen(opened: Watch) -> list[tuple[str, str]]:
    return [(event["type"], event["object"]["metadata"].get("name", "")) for event in opened.take()]


def test_what_an_owner_leaves_goes_with_it_and_what_another_owner_holds_stays() -> None:
    cluster = server()
    one, two = (cluster.put(CONFIG_MAPS, config_map(name)) for name in ("one", "two"))
    child = cluster.put(CONFIG_MAPS, config_map("child", one))
    cluster.put(CONFIG_MAPS, config_map("grandchild", child))
    cluster.put(CONFIG_MAPS, config_map("shared", one, two))
    delete(cluster, "one")
    assert "child" in names(cluster)
    settle(cluster)
    assert names(cluster) == ["shared", "two"]


def test_foreground_deletion_ends_with_the_owner_and_orphaning_keeps_the_dependents() -> None:
    cluster = server()
    one, two = (cluster.put(CONFIG_MAPS, config_map(name)) for name in ("one", "two"))
    cluster.put(CONFIG_MAPS, config_map("of-one", one))
    cluster.put(CONFIG_MAPS, config_map("of-two", two))
    assert delete(cluster, "one", "Foreground").body["metadata"]["finalizers"] == ["foregroundDeletion"]
    assert delete(cluster, "two", "Orphan").body["metadata"]["finalizers"] == ["orphan"]
    settle(cluster)
    assert names(cluster) == ["of-two"]
    assert "ownerReferences" not in cluster.of(CONFIG_MAPS)[0]["metadata"]


def test_an_object_with_a_finalizer_waits_for_it_even_when_its_owner_is_gone() -> None:
    cluster = server()
    cluster.put(CONFIG_MAPS, config_map("held", cluster.put(CONFIG_MAPS, config_map("one")), finalizers=["example.test/hold"]))
    delete(cluster, "one")
    settle(cluster)
    assert cluster.of(CONFIG_MAPS)[0]["metadata"]["deletionTimestamp"]
    patch = {"metadata": {"finalizers": None}}
    cluster.handle(Request("PATCH", f"{MAPS}/held", {"fieldManager": "x"}, patch, "application/merge-patch+json"))
    assert names(cluster) == []


def test_a_deleted_namespace_takes_its_objects_along_and_only_then_goes() -> None:
    cluster = server()
    cluster.put(CONFIG_MAPS, config_map("free"))
    cluster.put(CONFIG_MAPS, config_map("held", finalizers=["example.test/hold"]))
    cluster.handle(Request("DELETE", "/api/v1/namespaces/lending", {}, {}))
    settle(cluster)
    assert names(cluster) == ["held"]
    assert cluster.find(NAMESPACES, "lending")
    cluster.remove(CONFIG_MAPS, "held", "lending")
    settle(cluster)
    assert not cluster.find(NAMESPACES, "lending")


def test_a_running_pod_is_deleted_by_its_kubelet_and_a_waiting_one_at_once() -> None:
    cluster = server()
    for name, spec in (("running", {"nodeName": "n"}), ("waiting", {})):
        cluster.put(PODS, {"metadata": {"name": name, "namespace": "lending"}, "spec": spec})
        cluster.handle(Request("DELETE", f"/api/v1/namespaces/lending/pods/{name}", {}, {}))
    (left,) = cluster.of(PODS)
    assert (left["metadata"]["name"], left["metadata"]["deletionGracePeriodSeconds"]) == ("running", 30)


def test_after_compaction_older_positions_are_gone_and_open_watches_go_on() -> None:
    cluster = server()
    follower, idler = watch(cluster), watch(cluster)
    cluster.put(CONFIG_MAPS, config_map("one"))
    position = str(cluster.resource_version)
    cluster.put(CONFIG_MAPS, config_map("two"))
    assert seen(follower) == [("ADDED", "one"), ("ADDED", "two")]
    cluster.compact()
    cluster.put(CONFIG_MAPS, config_map("three"))
    assert seen(follower) == [("ADDED", "three")]
    late = watch(cluster, resourceVersion=position)
    for opened in (late, idler):
        (event,) = opened.take()
        assert (event["type"], event["object"]["code"], event["object"]["reason"]) == ("ERROR", 410, "Expired")
        assert not opened.open


def test_a_watch_that_cannot_be_says_so_and_is_over() -> None:
    for opened in (watch(server(), labelSelector="a in"), server().watch(Request("GET", "/apis/apps/v1/gizmos"))):
        assert not opened.open
        assert [event["type"] for event in opened.take()] == ["ERROR"]
        assert opened.take() == []


def test_only_so_much_history_is_kept() -> None:
    cluster = server(history=3)
    start = str(cluster.resource_version)
    for number in range(4):
        cluster.put(CONFIG_MAPS, config_map(f"cm-{number}"))
    assert seen(watch(cluster, resourceVersion=start))[0][0] == "ERROR"
    later = str(int(start) + 1)
    assert len(seen(watch(cluster, resourceVersion=later))) == 3


def test_a_quiet_watch_brings_bookmarks_and_ends_after_its_time() -> None:
    now = [START]
    cluster = ApiServer(lambda: now[0])
    opened = watch(cluster, allowWatchBookmarks="true", timeoutSeconds="100", resourceVersion=str(cluster.resource_version))
    assert opened.take() == []
    cluster.put(NAMESPACES, {"metadata": {"name": "elsewhere"}})
    now[0] += timedelta(seconds=61)
    (bookmark,) = opened.take()
    assert (bookmark["type"], bookmark["object"]["metadata"]["resourceVersion"]) == ("BOOKMARK", str(cluster.resource_version))
    now[0] += timedelta(seconds=40)
    opened.take()
    assert not opened.open


def test_the_same_requests_give_the_same_bytes() -> None:
    def run() -> str:
        cluster = server()
        cluster.handle(Request("POST", MAPS, {"fieldManager": "x"}, {"metadata": {"generateName": "made-"}}))
        cluster.put(AIMODELS, {**AIMODEL, "metadata": {"name": "credit", "namespace": "lending"}})
        return json.dumps([cluster.of(CONFIG_MAPS), cluster.of(AIMODELS), cluster.of(NAMESPACES)])

    assert run() == run()


def test_admission_sees_old_and_new_and_refuses_in_the_servers_words() -> None:
    cluster = server()
    asked: list[tuple[bool, bool]] = []

    def refuse(request: Request, old: Object | None, new: Object | None) -> str | None:
        asked.append((old is not None, new is not None))
        return "not on Sundays" if request.method == "DELETE" else None

    cluster.admission.append(refuse)

    async def test(api: SimulatedApi) -> None:
        await api.create(CONFIG_MAPS, config_map("one"), field_manager="x")
        await api.patch(CONFIG_MAPS, "one", "lending", {"data": {"a": "1"}}, field_manager="x")
        with pytest.raises(Forbidden, match='configmaps "one" is forbidden: not on Sundays'):
            await api.delete(CONFIG_MAPS, "one", "lending")

    asyncio.run(test(SimulatedApi(cluster)))
    assert asked == [(False, True), (True, True), (True, False)]
    assert names(cluster) == ["one"]


def test_another_actors_status_leaves_the_appliers_fields_and_the_generation_alone() -> None:
    cluster = server()

    async def test(api: SimulatedApi) -> None:
        template = {"metadata": {"labels": {"a": "b"}}, "spec": {"containers": [{"name": "m", "image": "i"}]}}
        spec = {"selector": {"matchLabels": {"a": "b"}}, "template": template}
        body = {"metadata": {"name": "d", "namespace": "lending"}, "spec": spec}
        made = await api.apply(DEPLOYMENTS, body, field_manager="headgate")
        cluster.put(DEPLOYMENTS, {**made, "status": {"readyReplicas": 1}}, manager="kube-controller-manager")
        again = await api.apply(DEPLOYMENTS, body, field_manager="headgate")
        assert (again["status"], again["metadata"]["generation"]) == ({"readyReplicas": 1}, 1)
        managers = [(entry["manager"], entry.get("subresource")) for entry in again["metadata"]["managedFields"]]
        assert managers == [("headgate", None), ("kube-controller-manager", "status")]
        version = cluster.resource_version
        cluster.put(DEPLOYMENTS, {**again})
        assert cluster.resource_version == version

    asyncio.run(test(SimulatedApi(cluster)))


async def no_pause(seconds: float) -> None:
    """Time passes elsewhere."""


def run(cluster: ApiServer, use: Callable[[SimulatedApi], Any], **hooks: Any) -> Any:
    async def inside() -> Any:
        return await use(SimulatedApi(cluster, sleep=no_pause, **hooks))

    return asyncio.run(inside())


def test_an_answer_that_is_lost_has_taken_effect_and_the_retry_finds_it() -> None:
    cluster, tries = server(), []

    async def lose_the_first(request: Request, response: Response) -> Response:
        tries.append(response.status)
        if len(tries) == 1:
            raise aiohttp.ServerDisconnectedError
        return response

    with pytest.raises(Conflict, match="already exists"):
        run(cluster, lambda api: api.create(CONFIG_MAPS, config_map("one"), field_manager="x"), after=lose_the_first)
    assert tries == [201, 409]
    assert names(cluster) == ["one"]


@pytest.mark.parametrize(
    ("answer", "error", "tries"),
    [
        (Response(429, {"message": "later"}, {"Retry-After": "1"}), Throttled, 4),
        (Response(429, {"message": "much later"}, {"Retry-After": "60"}), Throttled, 1),
        (Response(503, {"message": "down"}), Unavailable, 4),
        (Response(409, {"message": "no"}), Conflict, 1),
        (ConnectionRefusedError("refused"), Unavailable, 4),
        (TimeoutError(), Unavailable, 4),
    ],
    ids=str,
)
def test_faults_pass_through_the_clients_own_retries(answer: Any, error: type[Exception], tries: int) -> None:
    asked: list[str] = []

    async def fail(request: Request) -> Response:
        asked.append(request.method)
        if isinstance(answer, Exception):
            raise answer
        return Response(answer.status, answer.body, answer.headers)

    with pytest.raises(error):
        run(server(), lambda api: api.get(CONFIG_MAPS, "one", "lending"), before=fail)
    assert len(asked) == tries


def test_a_list_whose_pages_expire_is_begun_again() -> None:
    cluster = server()
    for number in range(5):
        cluster.put(CONFIG_MAPS, config_map(f"cm-{number}"))
    pages: list[int] = []

    async def compact_once(request: Request, response: Response) -> Response:
        pages.append(response.status)
        if len(pages) == 1:
            cluster.put(CONFIG_MAPS, config_map("late"))
            cluster.compact()
        return response

    listed = run(cluster, lambda api: api.list(CONFIG_MAPS, "lending", page=2), after=compact_once)
    assert pages == [200, 410, 200, 200, 200]
    assert len(listed.items) == 6


def test_the_expiry_of_a_page_reaches_a_caller_that_pages_itself() -> None:
    cluster = server()
    answer = cluster.handle(Request("GET", MAPS, {"limit": "1", "continue": "unknown"}))
    assert (answer.status, answer.body["reason"]) == (410, "Expired")
    with pytest.raises(Gone):
        run(cluster, lambda api: api._request("GET", MAPS, {"continue": "unknown"}))


def test_what_the_caller_does_to_its_object_later_does_not_reach_the_server() -> None:
    cluster, body = server(), {**config_map("one"), "data": {"a": "1"}}
    run(cluster, lambda api: api.create(CONFIG_MAPS, body, field_manager="x"))
    body["data"]["a"] = "2"
    found = cluster.find(CONFIG_MAPS, "one", "lending")
    assert found is not None
    assert found["data"] == {"a": "1"}
    with pytest.raises(NotFound):
        run(cluster, lambda api: api.get(CONFIG_MAPS, "two", "lending"))
