"""The monitor between an API server in memory and a Prometheus that answers what a test says."""

import asyncio
import json
from collections.abc import Mapping
from copy import deepcopy
from email.utils import formatdate
from math import inf
from typing import Any
from urllib.parse import parse_qs

import httpx
from tests.unit.kube.fake_api import FakeApi
from tests.unit.monitoring.inservice.watched import NOON, reference

from headgate.kube.errors import NotFound
from headgate.kube.interface import Object
from headgate.kube.resources import AIMODELS, CONFIG_MAPS, ROLLOUT_POLICIES, Resource
from headgate.monitor.metrics import MonitorMetrics
from headgate.monitor.models import ServingModel
from headgate.monitor.rounds import Rounds, Settings
from headgate.monitoring.inservice.counting import Grown
from headgate.monitoring.inservice.reference import Reference
from headgate.monitoring.response import Response, Severity
from headgate.prometheus.asking import Asker
from headgate.prometheus.client import PrometheusClient

PERIOD = 300.0
T0 = "2026-02-01T00:00:00.000000Z"
OPERATORS = {"type": "Ready", "status": "True", "reason": "Live", "message": "serves", "lastTransitionTime": T0}


class Api(FakeApi):
    """With server-side apply as far as the monitor needs it: whole ConfigMaps, and conditions by type for each manager."""

    def __init__(self) -> None:
        super().__init__()
        self._owned: dict[tuple[str, str, str], set[str]] = {}

    def put(self, resource: Resource, body: Object) -> None:
        metadata = body["metadata"]
        self._store((resource.plural, metadata["namespace"], metadata["name"]), deepcopy(body))

    def find(self, resource: Resource, name: str, namespace: str = "lending") -> Object | None:
        return self.objects.get((resource.plural, namespace, name))

    async def apply(
        self, resource: Resource, body: Mapping[str, Any], *, field_manager: str, force: bool = False, dry_run: bool = False
    ) -> Object:
        metadata = body["metadata"]
        await self._begin("apply", metadata["name"])
        return self._store((resource.plural, metadata["namespace"], metadata["name"]), deepcopy(dict(body)))

    async def patch_status(
        self,
        resource: Resource,
        name: str,
        namespace: str | None,
        status: Mapping[str, Any],
        *,
        field_manager: str,
        resource_version: str = "",
    ) -> Object:
        await self._begin("status", name)
        key = (resource.plural, namespace or "", name)
        if key not in self.objects:
            raise NotFound(f"{name} not found", status=404)
        body, given = deepcopy(self.objects[key]), {one["type"]: dict(one) for one in status.get("conditions") or ()}
        before = self._owned.get((*key[:2], field_manager), set())
        kept = {one["type"]: one for one in body["status"].get("conditions") or () if one["type"] not in before - given.keys()}
        self._owned[(*key[:2], field_manager)] = set(given)
        body["status"]["conditions"] = list((kept | given).values())
        return self._store(key, body)


class Answering:
    """Counts the same in every round, unless a test says otherwise; keeps what it was asked, by template."""

    def __init__(self) -> None:
        self.grown: dict[str, Grown] = {}
        self.asked: list[str] = []
        self.times: list[float] = []
        self.status = 200
        self.revision = "11111111"
        self.behind: float | None = None
        """Seconds by which its clock is behind; without it no Date header comes."""
        self.wall = lambda: NOON
        self.most = inf

    def client(self) -> PrometheusClient:
        return PrometheusClient("http://prometheus", most=self.most, transport=httpx.MockTransport(self._answer))

    def _answer(self, request: httpx.Request) -> httpx.Response:
        form = parse_qs(request.content.decode())
        promql = form["query"][0]
        self.times.append(float(form["time"][0]))
        self.asked.append(promql)
        rows = []
        for name, grown in self.grown.items():
            if "headgate_side" not in promql and f'"{name}"' not in promql and f"{name}|" not in promql and f"|{name}" not in promql:
                continue
            kind = grown.histograms if "_bucket" in promql else grown.reviewers if "reviewer," in promql else grown.counters
            place = {"namespace": "lending", "headgate_model": name, "headgate_revision": self.revision}
            if "headgate_side" in promql:
                sides = {"namespace": "lending", "headgate_side": "worst/PValue/model/subcategory/", "model": name}
                told = {one: (sides | {"headgate_series": one.metric, "subcategory": one.feature}) for one in grown.gauges.samples}
                rows += [{"metric": labels, "value": [1.0, str(one.value)]} for one, labels in told.items()]
                continue
            for series, own in kind.items():
                rows += [
                    {"metric": place | {"headgate_series": series} | dict(labels), "value": [1.0, str(value)]} for labels, value in own
                ]
        body = {"status": "success", "data": {"resultType": "vector", "result": rows}}
        headers = {} if self.behind is None else {"date": formatdate(self.wall() - self.behind, usegmt=True)}
        return httpx.Response(self.status, content=json.dumps(body, separators=(",", ":")), headers=headers)


class Noted:
    """A responder that keeps what it was asked for."""

    def __init__(self) -> None:
        self.responses: list[tuple[str, Response]] = []
        self.told: Severity | None = None

    async def respond(self, model: ServingModel, response: Response) -> None:
        self.told = model.told
        self.responses.append((model.key.name, response))


class World:
    """`step` lets one period pass and does a round."""

    def __init__(self, *, settings: Settings | None = None) -> None:
        self.api, self.prometheus, self.responder = Api(), Answering(), Noted()
        self.now = NOON
        self.settings = settings or Settings("headgate-system", PERIOD)
        self.api.put(ROLLOUT_POLICIES, {"metadata": {"name": "standard", "namespace": "headgate-system"}, "spec": {}})
        self.start()

    def start(self) -> None:
        """A new process: it knows what is stored, and nothing else."""
        self.metrics = MonitorMetrics()
        self.prometheus.wall = self.wall
        client = self.prometheus.client()
        asker = Asker(client, lambda template, result: self.metrics.queries.labels(template, result).inc(), wall=self.wall)
        self.rounds = Rounds(self.api, asker, self.responder, self.metrics, self.settings, wall=self.wall)

    def wall(self) -> float:
        return self.now + 20.0

    def step(self, periods: int = 1, *, seconds: float = PERIOD) -> None:
        async def all_of_them() -> None:
            for _ in range(periods):
                self.now += seconds
                await self.rounds.round()

        asyncio.run(all_of_them())

    def model(self, name: str = "credit-scorer", *, spec: Mapping[str, Any] | None = None, generation: int = 1) -> None:
        self.api.put(AIMODELS, aimodel(name, spec if spec is not None else watched_spec(), generation))

    def refer(self, known: Reference | None = None, name: str = "credit-scorer-reference") -> None:
        body = {"metadata": {"name": name, "namespace": "lending"}, "data": {"reference.json": json.dumps((known or REFERENCE).document())}}
        self.api.put(CONFIG_MAPS, body)

    def conditions(self, name: str = "credit-scorer") -> dict[str, Mapping[str, Any]]:
        found = self.api.find(AIMODELS, name)
        assert found is not None
        return {one["type"]: one for one in found["status"]["conditions"]}

    def results(self, name: str = "credit-scorer") -> dict[str, Any]:
        found = self.api.find(CONFIG_MAPS, f"{name}-monitoring")
        assert found is not None
        return dict(json.loads(found["data"]["results.json"]))

    def series(self) -> dict[str, float]:
        lines = self.metrics.page().decode().splitlines()
        return {line.rpartition(" ")[0]: float(line.rpartition(" ")[2]) for line in lines if line.startswith("headgate_monitor_")}


REFERENCE = reference()


def watched_spec(window: str = "2h", digest: str = "", **more: Any) -> dict[str, Any]:
    features = [{"name": "income", "histogram": "headgate_feature"}, {"name": "country", "counter": "headgate_feature_total"}]
    named = {"configMap": "credit-scorer-reference", "digest": digest or REFERENCE.digest}
    return {"monitoring": {"window": window, "reference": named, "features": features}} | more


def aimodel(name: str, spec: Mapping[str, Any], generation: int = 1) -> Object:
    """As its team writes it, live since February. What it asks for is what is live, unless a test changes that."""
    whole = {
        "version": "2.3.0",
        "policy": {"name": "standard"},
        "artifact": {"uri": "s3://models/credit/", "digest": "sha256:" + 64 * "a"},
        "serving": {"deployment": {"template": {"spec": {"containers": []}}}},
        "traffic": {"parentRefs": [{"name": "public"}]},
        "owners": {"technical": {"user": "chen@bank.example"}},
        "classification": {"declaredTier": "Low"},
    }
    stable = {"revision": "11111111", "version": "2.3.0", "content": "sha256:" + 64 * "b", "liveSince": T0}
    return {
        "metadata": {"name": name, "namespace": "lending", "uid": f"uid-{name}", "generation": generation},
        "spec": whole | dict(spec),
        "status": {"observedGeneration": generation, "phase": "Live", "stable": stable, "conditions": [OPERATORS]},
    }
