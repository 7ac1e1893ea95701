"""Makes the recordings anew, by hand, on a test bed with the chart's definitions and policies but no operator: see record.sh.

python -m tests.simulation.record schemas | situations [NAME...] | operator NAME COMMAND...
"""

import asyncio
import json
import os
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
from tests.simulation import schemas
from tests.simulation.apiserver.kinds import SECRETS, kinds
from tests.simulation.apiserver.schema import RECORDED
from tests.simulation.proxy import Proxy, administrator
from tests.simulation.recording import in_order, save
from tests.simulation.situations import applies, objects
from tests.simulation.situations.talk import Situation, Talk

Object = dict[str, Any]

_OPERATED = {"lending", "headgate-system", "gateways"}


def main() -> None:
    server, context = administrator(Path(os.environ["KUBECONFIG"]))
    proxy = Proxy(server, context)
    what, *words = sys.argv[1:]
    if what == "schemas":
        with httpx.Client(base_url=server, verify=context, timeout=60, trust_env=False) as http:
            RECORDED.write_text(schemas.written(schemas.collect(lambda path: dict(http.get(path).raise_for_status().json()))))
    elif what == "situations":
        asyncio.run(_situations(proxy, words))
    elif what == "operator":
        asyncio.run(_operator(proxy, words[0], words[1:]))
    else:
        sys.exit(__doc__)


async def _situations(proxy: Proxy, names: list[str]) -> None:
    async with proxy.running() as address, httpx.AsyncClient(base_url=address, timeout=30, trust_env=False) as http:
        for situation in (*objects.SITUATIONS, *applies.SITUATIONS):
            if not names or situation.__name__ in names:
                await _record(proxy, http, situation)


async def _record(proxy: Proxy, http: httpx.AsyncClient, situation: Situation) -> None:
    name = situation.__name__.replace("_", "-")
    namespace = f"recording-{name}"
    async with _namespace(proxy, http, namespace), proxy.watching(_collections(), {namespace, "gateways"}):
        proxy.recording = True
        await situation(Talk(http, namespace))
        proxy.recording = False
    _save(proxy, name)


def _save(proxy: Proxy, name: str) -> None:
    lines = in_order(proxy.exchanges, proxy.seen, proxy.begun)
    path = save(name, lines)
    print(
        f"{path.name}: {len(proxy.exchanges)} requests, {len(lines) - len(proxy.exchanges)} changes of others, {path.stat().st_size} bytes"
    )
    proxy.exchanges, proxy.seen, proxy.begun = [], [], 0


@asynccontextmanager
async def _namespace(proxy: Proxy, http: httpx.AsyncClient, name: str) -> AsyncIterator[None]:
    proxy.recording = False
    proxy.seen.clear()
    made = await http.post("/api/v1/namespaces", json={"metadata": {"name": name}}, headers={"X-Record-User": "test"})
    made.raise_for_status()
    try:
        await _settled(http, name)
        yield
    finally:
        await http.delete(f"/api/v1/namespaces/{name}", headers={"X-Record-User": "test"})


async def _settled(http: httpx.AsyncClient, namespace: str) -> None:
    """The root certificate comes by itself; afterwards nothing stirs in a new namespace."""
    for _ in range(300):
        found = await http.get(f"/api/v1/namespaces/{namespace}/configmaps/kube-root-ca.crt", headers={"X-Record-User": "test"})
        if found.is_success:
            return
        await asyncio.sleep(0.1)
    sys.exit(f"namespace {namespace} does not settle")


def _collections() -> list[str]:
    return [kind.resource.path() for kind in kinds().values() if kind.resource is not SECRETS]


async def _operator(proxy: Proxy, name: str, command: list[str]) -> None:
    """The operator runs here, through the proxy, while `command` gives it something to do."""
    async with proxy.running() as address, proxy.watching(_collections(), _OPERATED):
        operator = await asyncio.create_subprocess_exec(sys.executable, "-m", "headgate", "run", env=_operators_environment(address))
        work = await asyncio.create_subprocess_exec(*command)
        done = await work.wait()
        if operator.returncode is not None:
            sys.exit("the operator ended by itself")
        operator.terminate()
        await operator.wait()
    if done:
        sys.exit(f"{command[0]} did not end as it should: {done}")
    _save(proxy, name)


def _operators_environment(address: str) -> dict[str, str]:
    with tempfile.NamedTemporaryFile("w", suffix=".yaml", delete=False) as file:
        named = {"name": "recorded"}
        config = {
            "clusters": [{**named, "cluster": {"server": address}}],
            "users": [{**named, "user": {}}],
            "contexts": [{**named, "context": {"cluster": "recorded", "user": "recorded"}}],
            "current-context": "recorded",
        }
        json.dump({"apiVersion": "v1", "kind": "Config", **config}, file)
    own = {
        "KUBECONFIG": file.name,
        "HEADGATE_NAMESPACE": "headgate-system",
        "HEADGATE_ENVIRONMENT": "testbed",
        "HEADGATE_POD_NAME": "headgate-0",
        "HEADGATE_PROBE_PORT": "18081",
        "HEADGATE_METRICS_PORT": "18080",
    }
    return {**os.environ, **own}


if __name__ == "__main__":
    main()
