"""A reverse proxy before an API server that writes down what passes. By hand on the test bed only: see `record`."""

import asyncio
import base64
import json
import ssl
import tempfile
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import yaml
from aiohttp import web
from multidict import CIMultiDict
from tests.simulation.apiserver.requests import target_of
from tests.simulation.recording import Change, Exchange, version_of

OPERATOR = "system:serviceaccount:headgate-system:headgate"
_GROUPS = ("system:serviceaccounts", "system:serviceaccounts:headgate-system", "system:authenticated")
_CERTIFICATE = "kube-root-ca.crt"
"""In every namespace, of no use here, and each test bed has another."""
_SHORT_WATCH = 5
"""Watches that end by themselves within so many seconds are written down, longer ones only passed on."""


@dataclass
class Proxy:
    """`server`: the API server's address; `context`: how to reach it as an administrator. Requests pass one at a time, watches apart,
    so that their order is that of their effects. They are made as the operator, or as the user of X-Record-User with every right."""

    server: str
    context: ssl.SSLContext
    exchanges: list[Exchange] = field(default_factory=list)
    seen: list[Change] = field(default_factory=list)
    recording: bool = True
    begun: int = 0
    """The resourceVersion when watching began."""

    def __post_init__(self) -> None:
        self._one = asyncio.Lock()

    @asynccontextmanager
    async def running(self, port: int = 0) -> AsyncIterator[str]:
        """Its address on loopback."""
        connector = aiohttp.TCPConnector(ssl=self.context, limit=0)
        async with aiohttp.ClientSession(connector=connector, timeout=aiohttp.ClientTimeout(total=None), read_bufsize=2**24) as session:
            self._session = session
            runner = web.ServerRunner(web.Server(self._handle), shutdown_timeout=1)
            await runner.setup()
            site = web.TCPSite(runner, "127.0.0.1", port)
            await site.start()
            try:
                yield f"http://127.0.0.1:{runner.addresses[0][1]}"
            finally:
                await runner.cleanup()

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        query = dict(request.query)
        if query.get("watch") == "true" and int(query.get("timeoutSeconds", "3600")) > _SHORT_WATCH:
            return await self._stream(request)
        body = await request.read()
        if query.get("watch") == "true":
            return await self._pass(request, query, body)
        async with self._one:
            return await self._pass(request, query, body)

    async def _pass(self, request: web.BaseRequest, query: dict[str, str], body: bytes) -> web.Response:
        headers = self._headers(request)
        before = await self._version(request) if request.method in ("PATCH", "PUT", "DELETE") else 0
        async with self._session.request(request.method, self.server + request.path_qs, data=body or None, headers=headers) as answer:
            text = await answer.text()
            self._note(request, query, body, headers["Impersonate-User"], answer.status, text, before)
            kept = {name: value for name, value in answer.headers.items() if name in ("Content-Type", "Retry-After")}
            return web.Response(status=answer.status, body=text.encode(), headers=kept)

    def _headers(self, request: web.BaseRequest) -> Any:
        asked = request.headers.get("X-Record-User")
        headers: list[tuple[str, str]] = [("Impersonate-User", asked or OPERATOR), ("Accept", "application/json")]
        headers += [("Impersonate-Group", group) for group in (("system:masters",) if asked else _GROUPS)]
        if "Content-Type" in request.headers:
            headers.append(("Content-Type", request.headers["Content-Type"]))
        return CIMultiDict(headers)

    def _note(self, request: web.BaseRequest, query: dict[str, str], body: bytes, user: str, status: int, text: str, before: int) -> None:
        # No credentials: what is written down is path, query and bodies, and Secrets never pass here.
        if not self.recording or target_of(request.path) is None:
            return
        answer: Any = text
        if query.get("watch") == "true" and status == 200:
            answer = [json.loads(line) for line in text.splitlines() if line]
        elif text.startswith("{"):
            answer = json.loads(text)
        content = request.headers.get("Content-Type", "application/json")
        wrote = request.method != "GET" and status < 300 and "dryRun" not in query and version_of(answer) > before
        sent = json.loads(body) if body else None
        self.exchanges.append(Exchange(request.method, request.path, query, sent, content, user, status, answer, wrote=wrote))

    async def _version(self, request: web.BaseRequest) -> int:
        """The object's before a write: of one that changes nothing, the answer tells the same."""
        async with self._session.get(self.server + request.path.removesuffix("/status")) as answer:
            return version_of(await answer.json()) if answer.status == 200 else 0

    async def _stream(self, request: web.BaseRequest) -> web.StreamResponse:
        async with self._session.get(self.server + request.path_qs, headers=self._headers(request)) as answer:
            response = web.StreamResponse(status=answer.status, headers={"Content-Type": "application/json"})
            await response.prepare(request)
            async for chunk in answer.content.iter_any():
                await response.write(chunk)
            return response

    @asynccontextmanager
    async def watching(self, paths: list[str], namespaces: set[str]) -> AsyncIterator[None]:
        """Writes down every change of these collections in these namespaces, whoever made it."""
        begun = [asyncio.Event() for _ in paths]
        tasks = [asyncio.create_task(self._watch(path, namespaces, event.set)) for path, event in zip(paths, begun, strict=True)]
        await asyncio.gather(*(event.wait() for event in begun))
        try:
            yield
        finally:
            # What was answered to a request has its event on the way.
            await asyncio.sleep(1)
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _watch(self, path: str, namespaces: set[str], begun: Callable[[], None]) -> None:
        async with self._session.get(self.server + path) as answer:
            listed = await answer.json()
        self.begun = max(self.begun, version_of(listed))
        for item in listed["items"]:
            self._see("ADDED", {"apiVersion": listed["apiVersion"], "kind": listed["kind"].removesuffix("List"), **item}, namespaces)
        params = {"watch": "true", "resourceVersion": listed["metadata"]["resourceVersion"], "timeoutSeconds": "3000"}
        async with self._session.get(self.server + path, params=params) as answer:
            begun()
            buffer = b""
            async for chunk in answer.content.iter_any():
                *lines, buffer = (buffer + chunk).split(b"\n")
                for line in lines:
                    event = json.loads(line)
                    self._see(event["type"], event["object"], namespaces)

    def _see(self, event: str, body: Any, namespaces: set[str]) -> None:
        metadata = body["metadata"]
        place = metadata.get("namespace") or (metadata["name"] if body["kind"] == "Namespace" else "")
        if (not place or place in namespaces) and metadata["name"] != _CERTIFICATE:
            self.seen.append(Change(event, body))


def administrator(kubeconfig: Path) -> tuple[str, ssl.SSLContext]:
    """Address and credentials of the current context."""
    config = yaml.safe_load(kubeconfig.read_text())
    context = next(entry["context"] for entry in config["contexts"] if entry["name"] == config["current-context"])
    cluster = next(entry["cluster"] for entry in config["clusters"] if entry["name"] == context["cluster"])
    user = next(entry["user"] for entry in config["users"] if entry["name"] == context["user"])

    def text(entry: Any, name: str) -> str:
        inline = entry.get(f"{name}-data")
        return base64.b64decode(inline).decode() if inline else (kubeconfig.parent / entry[name]).read_text()

    made = ssl.create_default_context(cadata=text(cluster, "certificate-authority"))
    with tempfile.NamedTemporaryFile("w", suffix=".pem") as file:
        file.write(text(user, "client-certificate") + "\n" + text(user, "client-key"))
        file.flush()
        made.load_cert_chain(file.name)
    return cluster["server"], made
