"""The client against an HTTP server on loopback: what goes over the wire, which error comes back, what is tried again."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import pytest
from aiohttp import web
from kubernetes.aio.client import Configuration

from headgate import __version__
from headgate.kube.client import KubeClient
from headgate.kube.errors import Conflict, Forbidden, Gone, Invalid, KubeError, NotConfigured, NotFound, Throttled, Unavailable
from headgate.kube.interface import About
from headgate.kube.resources import AIMODELS, CONFIG_MAPS, DEPLOYMENTS, NAMESPACES, SERVICES, Resource
from headgate.kube.wire import HttpWire, Impersonation, Transport

Body = dict[str, Any]


@dataclass
class Server:
    """Answers requests with `answers` in turn, the last one for ever, and keeps what it was asked."""

    answers: list[tuple[int, Body | str, dict[str, str]]]
    seen: list[tuple[str, str, dict[str, str], Body, web.BaseRequest]] = field(default_factory=list)

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        text = await request.text()
        self.seen.append((request.method, request.path, dict(request.query), json.loads(text) if text else {}, request))
        status, body, headers = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if status == -1:
            assert request.transport is not None
            request.transport.close()
            return web.Response()
        if status == -2:
            await asyncio.Event().wait()
        return web.Response(status=status, text=body if isinstance(body, str) else json.dumps(body), headers=headers)


@dataclass
class Outcome:
    """What the call gave, and the pauses between tries."""

    value: Any
    pauses: list[float]


def call(
    server: Server,
    use: Callable[[KubeClient], Awaitable[Any]],
    *,
    transport: Transport | None = None,
    impersonation: Impersonation | None = None,
) -> Outcome:
    async def run() -> Outcome:
        runner = web.ServerRunner(web.Server(server.handle), handler_cancellation=True, shutdown_timeout=0.1)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        pauses: list[float] = []

        async def sleep(seconds: float) -> None:
            pauses.append(seconds)

        configuration = Configuration(host=f"http://127.0.0.1:{runner.addresses[0][1]}")
        configuration.api_key["BearerToken"] = "bearer secret"
        wire = HttpWire(configuration, transport or Transport(), impersonation)
        client = KubeClient(wire, transport=transport, sleep=sleep, jitter=lambda: 1.0)
        try:
            async with client:
                return Outcome(await use(client), pauses)
        except KubeError as error:
            return Outcome(error, pauses)
        finally:
            await runner.cleanup()

    return asyncio.run(run())


def refusal(status: int, message: str = "word for word", reason: str = "Why", **headers: str) -> tuple[int, Body, dict[str, str]]:
    return status, {"kind": "Status", "message": message, "reason": reason}, headers


def get(client: KubeClient) -> Awaitable[Any]:
    return client.get(DEPLOYMENTS, "m-1", "lending")


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, Invalid),
        (401, Forbidden),
        (403, Forbidden),
        (404, NotFound),
        (405, KubeError),
        (409, Conflict),
        (410, Gone),
        (413, Invalid),
        (422, Invalid),
    ],
)
def test_a_refusal_is_mapped_carries_the_servers_words_and_is_not_tried_again(status: int, kind: type[KubeError]) -> None:
    server = Server([refusal(status)])
    outcome = call(server, get)
    assert type(outcome.value) is kind
    assert (str(outcome.value), outcome.value.status, outcome.value.reason) == ("word for word", status, "Why")
    assert len(server.seen) == 1


@pytest.mark.parametrize(
    ("status", "kind"), [(429, Throttled), (500, Unavailable), (502, Unavailable), (503, Unavailable), (504, Unavailable)]
)
def test_passing_trouble_is_tried_three_times_more(status: int, kind: type[KubeError]) -> None:
    server = Server([refusal(status)])
    outcome = call(server, get)
    assert type(outcome.value) is kind
    assert str(outcome.value) == "word for word"
    assert len(server.seen) == 4
    assert outcome.pauses == [0.1, 0.2, 0.4]


def test_trouble_that_passes_is_not_seen_by_the_caller() -> None:
    server = Server([(-1, "", {}), refusal(503), (200, {"kind": "Deployment"}, {})])
    assert call(server, get).value == {"kind": "Deployment"}
    assert len(server.seen) == 3


def test_retry_after_is_kept_and_a_long_one_is_left_to_the_caller() -> None:
    soon = Server([refusal(429, **{"Retry-After": "2"}), (200, {}, {})])
    assert call(soon, get).pauses == [2.1]
    later = Server([refusal(429, **{"Retry-After": "60"})])
    outcome = call(later, get)
    assert isinstance(outcome.value, Throttled)
    assert outcome.value.retry_after == 60
    assert (len(later.seen), outcome.pauses) == (1, [])


def test_no_answer_in_time_is_unavailable() -> None:
    outcome = call(Server([(-2, "", {})]), get, transport=Transport(request_timeout=0.1, retries=0))
    assert isinstance(outcome.value, Unavailable)
    assert "within 0.1 s" in str(outcome.value)


def test_a_closed_port_is_unavailable() -> None:
    async def run() -> None:
        async with KubeClient(HttpWire(Configuration(host="http://127.0.0.1:1"), Transport()), transport=Transport(retries=0)) as client:
            await get(client)

    with pytest.raises(Unavailable, match=r"no connection to http://127\.0\.0\.1:1"):
        asyncio.run(run())


def test_an_apply_with_an_unknown_field_is_the_bodys_fault_though_the_server_says_500() -> None:
    server = Server([refusal(500, "failed to create typed patch object (x): .spec.replicaz: field not declared in schema")])
    outcome = call(server, lambda client: client.apply(DEPLOYMENTS, {"metadata": {"name": "a", "namespace": "b"}}, field_manager="m"))
    assert isinstance(outcome.value, Invalid)
    assert len(server.seen) == 1


def test_an_answer_that_is_no_status_object_still_gives_its_text() -> None:
    assert str(call(Server([(403, "denied by a proxy", {})]), get).value) == "denied by a proxy"


def test_who_asks_is_said() -> None:
    server = Server([(200, {}, {})])
    call(server, get, impersonation=Impersonation("dana@bank.example", ("risk", "all")))
    headers = server.seen[0][4].headers
    assert headers["User-Agent"] == f"headgate/{__version__}"
    assert headers["Authorization"] == "bearer secret"
    assert headers["Impersonate-User"] == "dana@bank.example"
    assert headers.getall("Impersonate-Group") == ["risk", "all"]


def test_apply_is_server_side_apply_of_a_typed_body() -> None:
    server = Server([(200, {}, {})])
    body = {"metadata": {"name": "a", "namespace": "b", "resourceVersion": "7"}, "spec": {"replicas": 2}}
    call(server, lambda client: client.apply(DEPLOYMENTS, body, field_manager="headgate", force=True, dry_run=True))
    method, path, query, sent, request = server.seen[0]
    assert (method, path) == ("PATCH", "/apis/apps/v1/namespaces/b/deployments/a")
    assert query == {"fieldManager": "headgate", "force": "true", "dryRun": "All", "fieldValidation": "Strict"}
    assert request.headers["Content-Type"] == "application/apply-patch+yaml"
    assert sent == {**body, "apiVersion": "apps/v1", "kind": "Deployment"}


def test_status_is_applied_to_the_subresource() -> None:
    server = Server([(200, {}, {})])
    status = {"phase": "Live"}
    call(server, lambda client: client.patch_status(AIMODELS, "a", "b", status, field_manager="headgate-status", resource_version="7"))
    method, path, query, sent, request = server.seen[0]
    assert (method, path) == ("PATCH", "/apis/headgate.dev/v1alpha1/namespaces/b/aimodels/a/status")
    assert query == {"fieldManager": "headgate-status", "force": "true"}
    assert request.headers["Content-Type"] == "application/apply-patch+yaml"
    assert sent == {
        "apiVersion": "headgate.dev/v1alpha1",
        "kind": "AIModel",
        "metadata": {"name": "a", "namespace": "b", "resourceVersion": "7"},
        "status": {"phase": "Live"},
    }


def test_merge_patch_create_and_delete_go_where_they_belong() -> None:
    server = Server([(200, {}, {})])

    async def use(client: KubeClient) -> None:
        await client.patch(CONFIG_MAPS, "a", "b", {"data": {}}, field_manager="m")
        await client.create(SERVICES, {"metadata": {"name": "a", "namespace": "b"}}, field_manager="m")
        await client.delete(SERVICES, "a", "b", uid="u-1", propagation="Foreground")

    call(server, use)
    assert [(method, path) for method, path, *_ in server.seen] == [
        ("PATCH", "/api/v1/namespaces/b/configmaps/a"),
        ("POST", "/api/v1/namespaces/b/services"),
        ("DELETE", "/api/v1/namespaces/b/services/a"),
    ]
    assert server.seen[0][4].headers["Content-Type"] == "application/merge-patch+json"
    assert server.seen[2][3]["preconditions"] == {"uid": "u-1"}
    assert server.seen[2][3]["propagationPolicy"] == "Foreground"


def page(name: str, token: str) -> tuple[int, Body, dict[str, str]]:
    return 200, {"items": [{"metadata": {"name": name}}], "metadata": {"continue": token, "resourceVersion": "9"}}, {}


def test_a_list_is_read_to_its_last_page_and_its_items_know_their_kind() -> None:
    server = Server([page("one", "more"), page("two", "")])
    listing = call(server, lambda client: client.list(DEPLOYMENTS, labels="a=b", page=1)).value
    assert [item["metadata"]["name"] for item in listing.items] == ["one", "two"]
    assert {item["kind"] for item in listing.items} == {"Deployment"}
    assert listing.resource_version == "9"
    assert [query for _, _, query, *_ in server.seen] == [
        {"labelSelector": "a=b", "limit": "1"},
        {"labelSelector": "a=b", "limit": "1", "continue": "more"},
    ]


def test_a_list_whose_token_expired_starts_again_and_mixes_nothing() -> None:
    server = Server([page("old", "more"), refusal(410), page("new", "")])
    listing = call(server, lambda client: client.list(DEPLOYMENTS)).value
    assert [item["metadata"]["name"] for item in listing.items] == ["new"]


def test_pages_come_one_at_a_time_and_a_token_that_expired_is_the_callers_matter() -> None:
    async def read(client: KubeClient) -> list[list[str]]:
        return [[item["kind"] + " " + item["metadata"]["name"] for item in one] async for one in client.pages(DEPLOYMENTS, page=1)]

    server = Server([page("one", "more"), page("two", "")])
    assert call(server, read).value == [["Deployment one"], ["Deployment two"]]
    assert [query for _, _, query, *_ in server.seen] == [{"limit": "1"}, {"limit": "1", "continue": "more"}]
    assert type(call(Server([page("one", "more"), refusal(410)]), read).value) is Gone


def test_without_any_configuration_the_error_says_what_to_do(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("KUBERNETES_SERVICE_HOST", raising=False)
    with pytest.raises(NotConfigured, match="Set KUBECONFIG"):
        asyncio.run(KubeClient.connect(kubeconfig=str(tmp_path / "absent")))


@pytest.mark.parametrize(
    ("resource", "arguments", "path"),
    [
        (DEPLOYMENTS, (None, None), "/apis/apps/v1/deployments"),
        (DEPLOYMENTS, ("b", "a"), "/apis/apps/v1/namespaces/b/deployments/a"),
        (NAMESPACES, (None, "a"), "/api/v1/namespaces/a"),
        (SERVICES, ("b", "a/../c"), "/api/v1/namespaces/b/services/a%2F..%2Fc"),
    ],
)
def test_paths(resource: Resource, arguments: tuple[str | None, str | None], path: str) -> None:
    assert resource.path(*arguments) == path


def test_a_namespaced_name_needs_its_namespace() -> None:
    with pytest.raises(ValueError, match=r"deployments\.apps a: a namespace is needed"):
        DEPLOYMENTS.path(None, "a")


def test_metadata_alone_is_asked_for_by_the_media_type() -> None:
    server = Server([(200, {"metadata": {}, "items": [{"metadata": {"name": "a"}}]}, {})])
    call(server, lambda client: client.list(CONFIG_MAPS.metadata, "lending"))
    call(server, lambda client: client.get(CONFIG_MAPS.metadata, "a", "lending"))
    call(server, lambda client: client.get(CONFIG_MAPS, "a", "lending"))
    assert [request.headers["Accept"] for *_, request in server.seen] == [
        "application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io",
        "application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io",
        "application/json",
    ]


def test_a_server_says_its_version_and_its_time() -> None:
    server = Server([(200, {"gitVersion": "v1.36.3"}, {"Date": "Fri, 20 Nov 2026 12:00:00 GMT"})])
    outcome = call(server, lambda client: client.about())
    assert outcome.value == About("v1.36.3", datetime(2026, 11, 20, 12, tzinfo=UTC))
    assert server.seen[0][:2] == ("GET", "/version")


def test_a_time_that_cannot_be_read_is_none() -> None:
    server = Server([(200, {}, {"Date": "soon"})])
    assert call(server, lambda client: client.about()).value == About("", None)
