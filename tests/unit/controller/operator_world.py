"""The whole operator around a fake cluster, without kopf, lease and Prometheus: one pass at a time, on a clock that the test moves."""

import asyncio
import json
from collections import Counter
from collections.abc import Collection, Mapping
from copy import deepcopy
from datetime import datetime, timedelta
from typing import Any

from tests.unit.controller.fake_cluster import START, FakeCluster

from headgate.api.notifications import Receiver
from headgate.api.status import AIModelStatus
from headgate.controller.alerts import AlertReader
from headgate.controller.announcing import Announcer
from headgate.controller.apply import Applier
from headgate.controller.audit import AuditTrail
from headgate.controller.bypass import Bypass
from headgate.controller.cache import WATCHED, Cache
from headgate.controller.capacity import CapacityWriter
from headgate.controller.classification import ClassificationTable
from headgate.controller.clock import ClockWatch
from headgate.controller.configuration import Configurations
from headgate.controller.enforcement import Enforcement
from headgate.controller.facts import ModelKey
from headgate.controller.freeze import ClusterFreeze
from headgate.controller.judging import Judging
from headgate.controller.kinds import Kinds
from headgate.controller.literacy import LiteracyReader
from headgate.controller.manifests import Manifests
from headgate.controller.notifying import Notifier
from headgate.controller.orphans import Orphans
from headgate.controller.ownership import OwnershipWriter
from headgate.controller.queue import Queue
from headgate.controller.reconcile import Reconciler, Setting
from headgate.controller.refusals import Refusals
from headgate.controller.replays import ReplayWriter
from headgate.controller.traffic import TrafficWriter
from headgate.controller.trust import TrustReader
from headgate.controller.watching import Watching
from headgate.evidence.counting.series import Outage
from headgate.evidence.view import Evidence
from headgate.kube.admission import BINDINGS, POLICIES, REQUIRED
from headgate.kube.events import EventRecorder
from headgate.kube.lease import Clocks
from headgate.kube.replays import RunnerImage
from headgate.kube.resources import AIMODELS, CUSTOM_RESOURCE_DEFINITIONS, GATEWAYS, GOVERNANCE_APPROVALS, HTTP_ROUTES, ROLLOUT_POLICIES
from headgate.notices.letter import Letter
from headgate.notices.setting import NoticeSetting
from headgate.prometheus.alerts import Named
from headgate.prometheus.client import SourceError
from headgate.rollout.alerts import FiringAlert
from headgate.telemetry import Telemetry

KEY = ModelKey("lending", "credit")
PEOPLE = {"technical-validation": "chen@bank", "fairness-audit": "dana@bank", "security-review": "sam@bank"}

POLICY: dict[str, Any] = {
    "stages": [
        {"name": "canary", "trafficPercent": 20, "minDuration": "1h", "maxDuration": "9h"},
        {"name": "full", "holdbackPercent": 1, "minDuration": "1h", "maxDuration": "3h"},
    ]
}


def model_spec(version: str, **changes: Any) -> dict[str, Any]:
    container = {"name": "model", "image": f"registry.example/credit:{version}"}
    return {
        "version": version,
        "policy": {"name": "standard"},
        "artifact": {"uri": f"s3://credit/{version}/", "digest": "sha256:" + "a" * 64},
        "serving": {"deployment": {"replicas": 3, "port": 8080, "template": {"spec": {"containers": [container]}}}, "drain": "30s"},
        "traffic": {"parentRefs": [{"name": "public", "namespace": "gateways"}], "hostnames": ["credit.example"]},
        "owners": {"technical": {"user": "owner@bank"}},
        "classification": {"declaredTier": "Medium"},
    } | changes


def serving(*, optional: bool = False, image: str = "v1") -> dict[str, Any]:
    """spec.serving whose pods mount the ConfigMap limits and take variables from the Secret token."""
    container = {
        "name": "model",
        "image": f"registry.example/credit:{image}",
        "volumeMounts": [{"name": "limits", "mountPath": "/etc/limits"}],
        "envFrom": [{"secretRef": {"name": "token"}}],
    }
    volume = {"name": "limits", "configMap": {"name": "limits"} | ({"optional": True} if optional else {})}
    template = {"spec": {"containers": [container], "volumes": [volume]}}
    return {"deployment": {"replicas": 3, "port": 8080, "template": template}, "drain": "30s"}


class Letters:
    """What would be told, and to which receiver."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, Letter]] = []

    def put(self, name: str, to: Receiver, letter: Letter) -> None:
        self.sent.append((name, letter))


class OperatorWorld:
    """`step` is one pass; `settle` passes until nothing is written any more. `restart` is a new process with an empty memory."""

    def __init__(self) -> None:
        self.api = FakeCluster()
        self.now = START
        self.lived = 0.0
        self.broken: dict[str, Mapping[str, Any]] = {}
        self.load: dict[str, int] = {}
        """Pods that the metrics of a revision ask for."""
        self.gateway_answers = self.audit_answers = True
        self.prometheus_silent = False
        self.alerting: tuple[FiringAlert, ...] = ()
        self.post = Letters()
        self.tiers = ""
        """The ConfigMap with an own classification table."""
        for short in REQUIRED:
            name = f"headgate-{short}"
            self.api.put(POLICIES, {"metadata": {"name": name}, "spec": {"validations": [{"expression": "false"}]}})
            self.api.put(BINDINGS, {"metadata": {"name": name}, "spec": {"policyName": name, "validationActions": ["Deny"]}})
        self.api.put(ROLLOUT_POLICIES, {"metadata": {"name": "standard", "namespace": "platform"}, "spec": POLICY})
        self.api.put(GATEWAYS, {"metadata": {"name": "public", "namespace": "gateways"}, "spec": {}})
        for kind in (AIMODELS, ROLLOUT_POLICIES, GOVERNANCE_APPROVALS):
            self.api.put(CUSTOM_RESOURCE_DEFINITIONS, {"metadata": {"name": kind.qualified}, "spec": {}})
        self.pass_time(60)
        self.restart()

    def restart(self) -> None:
        api, wall = self.api, self.clock
        self.cache = Cache(policy_namespace="platform", wall=wall)
        self.queue: Queue[ModelKey] = Queue()
        self.watch = ClockWatch(wall, lambda: self.lived)
        self.enforcement = Enforcement(api, wall, lambda: self.cache.sequence, heard=self.watch.hear)
        self.judging = Judging(self.cache, {}, _nothing, self.queue.add, wall=self.seconds)
        self.watching = Watching(self.cache, {}, self.queue.add, wall=self.seconds)
        self.telemetry = Telemetry()
        self.alerts = AlertReader(self.cache, self, self.queue.add, wall=self.seconds)
        clocks = Clocks(monotonic=self.seconds, wall=wall)
        self.freeze = ClusterFreeze(api, "platform", wall)
        self.table = ClassificationTable(api, "headgate-system", self.tiers)
        self.trust = TrustReader(api, "platform", "test")
        self.literacy = LiteracyReader(api, "platform")
        self.configurations = Configurations(api, self.cache, lambda keys: None)
        self.bypass = Bypass(api, self.cache, lambda keys: None)
        traffic, events = TrafficWriter(api, self.cache, Refusals(monotonic=clocks.monotonic)), EventRecorder(api, "test", clocks=clocks)
        self.audit = AuditTrail(api, "platform", lambda key, priority: None)
        self.applier = Applier(
            api,
            self.cache,
            traffic,
            CapacityWriter(api, self.cache, Refusals(monotonic=clocks.monotonic), Manifests(api, self.cache, self.configurations)),
            OwnershipWriter(api, self.cache),
            Announcer(api, self.cache, events, Notifier(self.post, NoticeSetting(enabled=True), "test")),
            ReplayWriter(api, self.cache, Refusals(monotonic=clocks.monotonic), RunnerImage("registry.example/headgate:1")),
            self.audit,
        )
        self.kinds = Kinds(api, monotonic=clocks.monotonic)
        self.orphans = Orphans(api, self.cache, traffic, events, self.kinds, wall=wall, monotonic=clocks.monotonic)
        setting = Setting("test", "platform", True, wall)
        self.reconciler = Reconciler(
            self.cache,
            self.queue,
            self.judging,
            self.watching,
            self.applier,
            self.orphans,
            self.enforcement,
            setting,
            self.telemetry,
            alerts=self.alerts,
            audit=self.audit,
            bypass=self.bypass,
            configurations=self.configurations,
            freeze=self.freeze,
            table=self.table,
            trust=self.trust,
            literacy=self.literacy,
            clock=self.watch,
        )

    def clock(self) -> datetime:
        return self.now

    def seconds(self) -> float:
        return self.now.timestamp()

    def pass_time(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)
        self.lived += seconds
        self.api.now = self.now

    def release(self, version: str, **changes: Any) -> None:
        body = {"metadata": {"name": KEY.name, "namespace": KEY.namespace}, "spec": model_spec(version, **changes)}
        present = self.api.find(AIMODELS, KEY.name)
        self.api.put(AIMODELS, {**body, "status": present["status"]} if present and "status" in present else body)

    def list_all(self) -> None:
        """What a full list brings into the cache."""
        for resource in (*(kind for kind, _ in WATCHED), GATEWAYS):
            self.cache.replace(resource, deepcopy(self.api.of(resource)), self.cache.sequence)

    def step(self) -> None:
        """Raises what the pass raises."""
        self.list_all()
        asyncio.run(self._pass())

    async def _pass(self) -> None:
        await self.enforcement.check()
        await self.freeze.look()
        await self.table.look()
        await self.trust.look()
        await self.literacy.look()
        await self.configurations.refresh(secrets=True)
        if not self.configurations.state(KEY).known:
            await self.configurations.load(KEY)
        await self.reconciler.reconcile(KEY)
        while self.audit_answers and self.audit.waiting:
            await self.audit.handle(KEY)
            if self.audit.waiting:
                return
            await self.reconciler.reconcile(KEY)

    def world_turns(self) -> None:
        """The other controllers do their work."""
        self.api.autoscale(self.load)
        self.api.run_pods(self.broken)
        if self.gateway_answers:
            self.api.take_routes()

    def settle(self, most: int = 20) -> None:
        for _ in range(most):
            before = len(self.api.writes)
            self.step()
            self.world_turns()
            self.pass_time(1)
            if len(self.api.writes) == before:
                return
        raise AssertionError(f"never settles: {[write.short for write in self.api.writes[-6:]]}")

    def approve(self) -> None:
        subject = self.status.candidate.gate.subject  # type: ignore[union-attr]
        for role, person in PEOPLE.items():
            gate = {"gate": "Deployment", "role": role, "subject": subject, "expiresAt": "2026-05-01T00:00:00Z"}
            self.decide("Approve", person, **gate)

    def decide(self, decision: str, by: str = "oncall@bank", **fields: Any) -> None:
        if "gate" not in fields and "target" not in fields:
            candidate = self.status.candidate
            assert candidate is not None
            fields["target"] = {"revision": candidate.revision, "attempt": candidate.attempt}
        name = f"credit-{decision.lower()}-{len(self.api.of(GOVERNANCE_APPROVALS))}"
        spec = {"model": "credit", "decision": decision, "approver": by, "rationale": "because", **fields}
        self.api.put(GOVERNANCE_APPROVALS, {"metadata": {"name": name, "namespace": "lending"}, "spec": spec})

    @property
    def status(self) -> AIModelStatus:
        model = self.api.find(AIMODELS, KEY.name)
        assert model is not None
        return AIModelStatus.model_validate_json(json.dumps(model.get("status") or {}))

    @property
    def weights(self) -> dict[str, int]:
        """As written in the route."""
        route = self.api.find(HTTP_ROUTES, KEY.name)
        refs = route["spec"]["rules"][0].get("backendRefs", []) if route else []
        found = Counter[str]()
        for ref in refs:
            found[ref["name"].removeprefix("credit-")] += ref["weight"]
        return dict(found)

    def measure(self, **fields: Any) -> None:
        candidate = self.status.candidate
        assert candidate is not None
        stage = candidate.stage.index if candidate.stage else -1
        self.judging.evidence[KEY] = Evidence(attempt=str(candidate.attempt), stage=stage, **fields)

    async def firing(self, models: Collection[Named], now: float, /) -> dict[Named, tuple[FiringAlert, ...]]:
        """What Prometheus answers about alerts."""
        if self.prometheus_silent:
            raise SourceError(Outage.TIMEOUT, "no answer")
        return {named: self.alerting if named == Named(*KEY) else () for named in models}

    def since(self, mark: int) -> list[str]:
        """What was written since `mark` writes, in short, without events."""
        return [write.short for write in self.api.writes[mark:] if write.plural != "events"]


async def _nothing(key: ModelKey, attempt: str) -> None:
    return None


def live() -> OperatorWorld:
    """v1 is live."""
    world = OperatorWorld()
    world.release("v1")
    world.settle()
    world.approve()
    world.settle()
    world.pass_time(2 * 3600)
    world.settle()
    assert world.status.phase == "Live", world.status.conditions
    return world


def in_canary(**changes: Any) -> OperatorWorld:
    """v2 has 20 % of the users, v1 is stable."""
    world = live()
    world.release("v2", **changes)
    world.settle()
    world.approve()
    world.settle()
    assert world.status.phase == "Canary", world.status.conditions
    return world


def at(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
