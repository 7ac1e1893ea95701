"""How a request gets to an API server and its answer back: connections, TLS, credentials. Nothing is judged or retried here."""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol
from urllib.parse import urlencode

import aiohttp
from kubernetes.aio.client import ApiClient, Configuration
from kubernetes.aio.config import ConfigException, load_incluster_config, load_kube_config
from multidict import CIMultiDict

from headgate import __version__
from headgate.kube.errors import NotConfigured
from headgate.kube.interface import Object


@dataclass(frozen=True, slots=True)
class Impersonation:
    """Act as another user, as `kubectl --as` does. Needs the `impersonate` verb."""

    user: str
    groups: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Transport:
    """Times in seconds. `request_timeout` is per try; a server that asks for more than `longest_pause` gets no further try."""

    connections: int = 32
    request_timeout: float = 10.0
    retries: int = 3
    first_pause: float = 0.1
    longest_pause: float = 5.0


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer. `body`: the decoded JSON object, empty if it was none; `text`: what came instead. `retry_after` in seconds."""

    status: int
    body: Object
    text: str = ""
    retry_after: float = 0.0
    date: str = ""
    """The server's time of day, as HTTP writes it; empty where it did not say."""


class Wire(Protocol):
    """Takes one request to an API server and brings the answer, once."""

    host: str
    """The server's address, for messages."""

    async def send(
        self, method: str, path: str, query: Mapping[str, str], body: Mapping[str, Any] | None, content: str, accept: str
    ) -> Reply:
        """Raises TimeoutError, OSError or aiohttp.ClientError if no answer comes. `content` is the media type of the body, `accept`
        that of the answer."""
        ...

    async def close(self) -> None: ...


class HttpWire:
    """Raw JSON through the transport, TLS and credentials of `kubernetes.aio`. Must be made inside a running event loop."""

    def __init__(self, configuration: Configuration, transport: Transport, impersonation: Impersonation | None = None) -> None:
        configuration.connection_pool_maxsize = transport.connections
        configuration.retries = None
        self._client: Any = ApiClient(configuration)
        self._timeout = aiohttp.ClientTimeout(total=transport.request_timeout, connect=min(5.0, transport.request_timeout))
        self._headers = [("User-Agent", f"headgate/{__version__}")]
        if impersonation is not None:
            self._headers += [("Impersonate-User", impersonation.user), *(("Impersonate-Group", group) for group in impersonation.groups)]
        self.host: str = configuration.host

    @classmethod
    async def connect(
        cls, transport: Transport, *, kubeconfig: str | None = None, context: str | None = None, impersonation: Impersonation | None = None
    ) -> "HttpWire":
        """To the cluster of the service account inside a pod, unless a kubeconfig or context is named; else to that of $KUBECONFIG or
        ~/.kube/config.

        Raises NotConfigured if none of them is usable.
        """
        configuration = Configuration()
        try:
            if "KUBERNETES_SERVICE_HOST" in os.environ and kubeconfig is None and context is None:
                load_incluster_config(client_configuration=configuration)  # type: ignore[no-untyped-call]
            else:
                await load_kube_config(  # type: ignore[no-untyped-call]
                    kubeconfig, context, client_configuration=configuration, persist_config=False
                )
        except (ConfigException, OSError) as error:
            message = f"no access to a cluster: {error}. Set KUBECONFIG, or run in a pod with a service account"
            raise NotConfigured(message) from error
        return cls(configuration, transport, impersonation)

    async def send(
        self, method: str, path: str, query: Mapping[str, str], body: Mapping[str, Any] | None, content: str, accept: str
    ) -> Reply:
        headers = CIMultiDict([*self._headers, ("Accept", accept), ("Content-Type", content)])
        url = self.host + path + ("?" + urlencode(query) if query else "")
        await self._client.update_params_for_auth(headers, [], ["BearerToken"], path, method, body)
        response = await self._client.rest_client.request(method, url, headers=headers, body=body, _request_timeout=self._timeout)
        text = (await response.read()).decode("utf-8", errors="replace")
        headers_back = response.headers
        date = headers_back.get("Date") or ""
        return Reply(response.status, _decoded(text), text, _seconds(headers_back.get("Retry-After")), date)

    async def close(self) -> None:
        await self._client.close()


def _decoded(text: str) -> Object:
    try:
        answer = json.loads(text)
    except ValueError:
        return {}
    return answer if isinstance(answer, dict) else {}


def _seconds(header: str | None) -> float:
    """Retry-After in seconds. The API server never sends the HTTP-date form: read as 0, the usual pause then applies."""
    try:
        return max(0.0, float(header or 0))
    except ValueError:
        return 0.0
