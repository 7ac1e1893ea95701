"""A model's world for tests of decide: what was decided comes true, and the tests say what is measured and who decides what."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from headgate.api.aimodel import AIModelSpec, DeletionPolicy
from headgate.api.approval import GovernanceApprovalSpec
from headgate.api.conditions import ConditionType
from headgate.api.policy import RolloutPolicySpec
from headgate.api.status import AIModelStatus
from headgate.api.vocabulary import Metric, Verdict
from headgate.evidence.view import CheckReading, Evidence, GuardReading, LiveReading
from headgate.governance.approvals import Approval
from headgate.governance.classification import TableState
from headgate.governance.classification_table import BUILT_IN
from headgate.governance.literacy import Literacy
from headgate.governance.trust import Trust
from headgate.rollout.alerts import AlertsSeen
from headgate.rollout.calendar import Calendar
from headgate.rollout.decide import decide
from headgate.rollout.decision import Decision, WantedReplay, WantedWorkload
from headgate.rollout.rebuild import is_lost
from headgate.rollout.snapshot import (
    ClockStep,
    ConfigurationState,
    PolicyState,
    Problem,
    ReplayRun,
    RouteState,
    Snapshot,
    WorkloadState,
)

START = datetime(2026, 3, 1, tzinfo=UTC)
PEOPLE = {"technical-validation": "chen@bank", "fairness-audit": "dana@bank", "security-review": "sam@bank"}

POLICY: dict[str, Any] = {
    "stages": [
        {"name": "shadow", "mirrorPercent": 100, "minDuration": "14d", "maxDuration": "28d", "minRequests": 1000},
        {"name": "canary", "trafficPercent": 5, "minDuration": "7d", "maxDuration": "14d", "minRequests": 1000},
        {"name": "half", "trafficPercent": 50, "minDuration": "1d", "maxDuration": "3d"},
        {"name": "full", "holdbackPercent": 1, "minDuration": "1d", "maxDuration": "3d"},
    ],
}


def policy(**changes: Any) -> RolloutPolicySpec:
    return RolloutPolicySpec.model_validate(POLICY | changes)


def without_shadow() -> RolloutPolicySpec:
    return policy(stages=POLICY["stages"][1:])


def spec(
    version: str,
    *,
    image: str | None = None,
    memory: str = "1Gi",
    size: dict[str, Any] | None = None,
    mode: str = "Surge",
    judge: str = "Enforce",
    replay: dict[str, Any] | None = None,
    **changes: Any,
) -> AIModelSpec:
    """`size`: replicas or autoscaling of the Deployment. `mode`: of its capacity. `judge`: whether evidence decides (spec.mode)."""
    container = {"name": "model", "image": image or f"registry.example/credit:{version}", "resources": {"limits": {"memory": memory}}}
    return AIModelSpec.model_validate(
        {
            "version": version,
            "policy": {"name": "standard"},
            "artifact": {"uri": f"s3://credit/{image or version}/", "digest": "sha256:" + "a" * 64},
            "serving": {
                "deployment": {**(size or {"replicas": 3}), "port": 8080, "template": {"spec": {"containers": [container]}}},
                "capacity": {"mode": mode},
                "sideEffects": "None",
                **({"replay": replay} if replay else {}),
            },
            "traffic": {"parentRefs": [{"name": "public", "namespace": "gateways"}], "hostnames": ["credit.example"]},
            "owners": {"technical": {"user": "owner@bank"}},
            "classification": {"declaredTier": "Medium"},
            "mode": judge,
        }
        | changes
    )


@dataclass
class World:
    """`step` decides once and lets the decision come true: route at once, pods unless `pods_fail` names their revision."""

    spec: AIModelSpec
    policy: RolloutPolicySpec | None = field(default_factory=policy)
    now: datetime = START
    status: AIModelStatus = field(default_factory=AIModelStatus)
    pinned: RolloutPolicySpec | None = None
    approvals: list[Approval] = field(default_factory=list)
    workloads: dict[str, WorkloadState] = field(default_factory=dict)
    route: RouteState = field(default_factory=RouteState)
    pods_fail: set[str] = field(default_factory=set)
    measured: dict[str, Any] = field(default_factory=lambda: {"verdict": Verdict.INCONCLUSIVE})
    live: LiveReading | None = None
    alerts: AlertsSeen | None = None
    """None: Prometheus says at all times that none fires."""
    edited_by: tuple[str, ...] = ()
    route_takes_effect: bool = True
    copies: dict[str, RolloutPolicySpec] = field(default_factory=dict)
    established: bool = False
    deletion: DeletionPolicy = DeletionPolicy.DELETE
    configuration: ConfigurationState = field(default_factory=ConfigurationState)
    calendar: Calendar = field(default_factory=Calendar)
    clock_step: ClockStep | None = None
    replays: dict[str, ReplayRun] = field(default_factory=dict)
    """What became of the Jobs that compare answers."""
    replay_refusal: str = ""
    wanted_replay: WantedReplay | None = None
    wanted_probe: WantedReplay | None = None
    table: TableState = field(default_factory=lambda: TableState(BUILT_IN))
    trust: Trust = field(default_factory=Trust)
    literacy: Literacy = field(default_factory=Literacy)
    events: list[str] = field(default_factory=list)
    generation: int = 1

    def snapshot(self) -> Snapshot:
        return Snapshot(
            now=self.now,
            environment="test",
            namespace="lending",
            name="credit",
            generation=self.generation,
            spec=self.spec,
            status=self.status,
            configuration=self.configuration,
            calendar=self.calendar,
            clock_step=self.clock_step,
            table=self.table,
            policy=PolicyState(self.policy),
            pinned=self.pinned,
            copies=self.copies if is_lost(self.status, self.route, self.workloads) else {},
            established=self.established,
            approvals=tuple(self.approvals),
            trust=self.trust,
            literacy=self.literacy,
            workloads=dict(self.workloads),
            route=replace(self.route, edited_by=self.edited_by),
            evidence=self.evidence(),
            live=self.live,
            alerts=AlertsSeen(self.now.timestamp()) if self.alerts is None else self.alerts,
            replays=dict(self.replays),
            replay_refusal=self.replay_refusal,
        )

    def evidence(self) -> Evidence | None:
        candidate = self.status.candidate
        if candidate is None or candidate.stage is None:
            return None
        defaults: dict[str, Any] = {"stage_fresh_seconds": 0.0, "stage_requests": 0, "as_of": self.now.timestamp()}
        return Evidence(**(defaults | {"attempt": str(candidate.attempt), "stage": candidate.stage.index} | self.measured))

    def step(self, seconds: float = 0) -> Decision:
        self.now += timedelta(seconds=seconds)
        snapshot = self.snapshot()
        decision = decide(snapshot)
        assert decide(snapshot) == decision, "deciding twice on one snapshot must give the same decision"
        self.come_true(decision)
        return decision

    def come_true(self, decision: Decision) -> None:
        self.status = AIModelStatus.model_validate_json(decision.status.model_dump_json(by_alias=True))
        self.events += [f"{a.reason}: {a.note}" for a in decision.announcements]
        self.pinned = decision.policy_copy.spec if decision.policy_copy else None
        self.copies = {decision.policy_copy.name: decision.policy_copy.spec} if decision.policy_copy else {}
        self.deletion = decision.deletion
        self.wanted_replay = next((one for one in decision.replays if one.stable is not None), None)
        self.wanted_probe = next((one for one in decision.replays if one.stable is None), None)
        self.workloads = {
            w.revision: replace(
                self.pods_of(w.revision, self._size(w), 0 if w.ceiling is None else w.replicas),
                created=self.now,
                role=w.role,
                attempt=w.attempt,
                provenance=w.provenance,
            )
            for w in decision.workloads
        }
        if decision.traffic is not None and self.route_takes_effect:
            mirror = decision.traffic.mirror
            self.edited_by = ()
            self.route = RouteState(
                exists=True,
                weights=decision.traffic.shares,
                written=decision.traffic.shares if len(decision.traffic.slots) > 1 else {},
                mirrored={mirror.revision: mirror.permille} if mirror else {},
                accepted=True,
                attempt=self.status.attempts,
                blocked=self.status.blocked,
            )

    def lose_status(self, *, copies: bool = True) -> None:
        """The AIModel comes back without its status, and perhaps without the policy copy; everything else survives."""
        self.status = AIModelStatus()
        self.copies = self.copies if copies else {}
        self.pinned = None

    def _size(self, wanted: WantedWorkload) -> int:
        """An autoscaler leaves a size within its bounds as it is."""
        if wanted.ceiling is None or wanted.replicas == 0:
            return wanted.replicas
        return min(wanted.ceiling, max(wanted.replicas, self.workloads.get(wanted.revision, WorkloadState()).wanted))

    def pods_of(self, revision: str, size: int, least: int = 0) -> WorkloadState:
        return WorkloadState(exists=True, wanted=size, least=least, ready=0 if revision in self.pods_fail else size, present=size)

    def settle(self, most: int = 12) -> None:
        """Decide until nothing changes any more."""
        for _ in range(most):
            before = self.status
            self.step()
            if self.status == before:
                return
        raise AssertionError(f"never settles: {self.status.phase}, {self.events[-3:]}")

    def release(self, version: str, **changes: Any) -> None:
        self.spec = spec(version, **changes)
        self.generation += 1

    def good(self, fresh: float = 30 * 86_400, requests: int = 100_000) -> None:
        self.measured = {"verdict": Verdict.PASS, "stage_fresh_seconds": fresh, "stage_requests": requests}

    def quiet(self) -> None:
        self.measured = {"verdict": Verdict.INCONCLUSIVE}

    def bad(self, metric: Metric = Metric.ERRORS) -> None:
        reading = CheckReading(metric, Verdict.FAIL, True, 36.0, 0.01, 600, 17, 11_400, 57, 0.0233, 0.005)
        self.measured = {"verdict": Verdict.FAIL, "checks": (reading,)}

    def guard(self, *, candidate: bool = True, stable: bool = False, missing: int = 0) -> None:
        fired = GuardReading(Metric.ERRORS, fired=True, requests=30, failures=30, missing=missing, max_rate=0.2, seconds=3.0)
        self.measured = {"candidate_guards": (fired,) * candidate, "stable_guards": (fired,) * stable}

    def live_guard(self, *, fired: bool = True) -> None:
        """What the guards of the stable version say now, while nothing is compared with it."""
        assert self.status.stable
        reading = GuardReading(Metric.ERRORS, fired=fired, requests=30, failures=30 * fired, max_rate=0.2, seconds=3.0)
        self.live = LiveReading(self.status.stable.revision, self.now.timestamp(), (reading,))

    def no_pods(self, revision: str, problem: Problem | None = None) -> None:
        """None of its pods is ready from now on."""
        self.pods_fail.add(revision)
        self.workloads[revision] = replace(self.workloads[revision], ready=0, problem=problem)

    def pods_back(self, revision: str) -> None:
        self.pods_fail.discard(revision)
        self.workloads[revision] = replace(self.workloads[revision], ready=self.workloads[revision].wanted)

    def decided(self, decision: str, by: str = "oncall@bank", **fields: Any) -> Approval:
        """A GovernanceApproval made now. Interventions are about the candidate, or what was taken back, unless `target` says otherwise."""
        body = {"model": "credit", "decision": decision, "approver": by, "rationale": "because"} | fields
        if decision not in ("Approve", "Reject", "Revoke") and "target" not in body:
            body["target"] = self.target()
        name = f"credit-{decision.lower()}-{len(self.approvals)}"
        approval = Approval(
            name=name, namespace="lending", uid=name, created=self.now, spec=GovernanceApprovalSpec.model_validate(body), enforced=True
        )
        self.approvals.append(approval)
        return approval

    def target(self) -> dict[str, Any]:
        if self.status.candidate:
            return {"revision": self.status.candidate.revision, "attempt": self.status.candidate.attempt}
        if self.status.blocked:
            return {"revision": self.status.blocked[-1].revision, "attempt": self.status.blocked[-1].attempt}
        assert self.status.stable
        return {"revision": self.status.stable.revision, "attempt": max(self.status.attempts, 1)}

    def enter_canary(self) -> None:
        """The version that was released comes through shadow and the gate to its first stage with users."""
        self.quiet()
        self.settle()
        if self.status.candidate and self.status.candidate.mode == "Observe":
            self.step(14 * 86_400)
        elif self.status.phase == "Shadow":
            self.good()
            self.settle()
            self.quiet()
        self.approve()
        self.settle()
        assert self.status.phase == "Canary", (self.status.phase, self.status.conditions)

    def approve(self, days: int = 120, roles: tuple[str, ...] = tuple(PEOPLE)) -> None:
        """Every role of the gate approves the present subject."""
        assert self.status.candidate
        assert self.status.candidate.gate
        for role in roles:
            self.decided(
                "Approve",
                PEOPLE[role],
                gate="Deployment",
                role=role,
                subject=self.status.candidate.gate.subject,
                expiresAt=(self.now + timedelta(days=days)).isoformat(),
            )

    def weight(self) -> int:
        """The candidate's thousandths in the route."""
        candidate = self.status.candidate
        return self.route.weights.get(candidate.revision, 0) if candidate else 0

    def without(self, **changes: Any) -> Snapshot:
        return replace(self.snapshot(), **changes)


def live(version: str = "1.0.0", *, served: dict[str, Any] | None = None, **fields: Any) -> World:
    """A world in which `version` is live. `served`: what its spec says beside the usual."""
    world = World(spec(version, **(served or {})), **fields)
    world.settle()
    world.approve()
    world.settle()
    world.step(40 * 86_400)
    world.settle()
    assert world.status.phase == "Live", (world.status.phase, world.status.conditions)
    return world


def in_canary(version: str = "2.0.0", *, served: dict[str, Any] | None = None, **fields: Any) -> World:
    """A world in which `version` is in its first stage with users, and 1.0.0 is stable."""
    world = live(served=served, **fields)
    world.release(version, **(served or {}))
    world.enter_canary()
    return world


def condition(world: World, kind: ConditionType) -> tuple[str, str, str]:
    found = next(c for c in world.status.conditions if c.type is kind)
    return found.status, str(found.reason), found.message
