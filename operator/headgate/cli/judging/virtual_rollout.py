"""A rollout on a virtual clock: what is decided comes true at once, and what is measured is made from traffic that was recorded.

Everything between samples and decisions is the operator's own: blocks, judge, guards, stages, deadlines. Left out is what has no record:
pods that fail or start slowly, the gateway's delay, people and windows. Gates are open.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np

from headgate.api.aimodel import AIModelSpec
from headgate.api.gates import Gates, RequiredRole, TieredRoles
from headgate.api.policy import RolloutPolicySpec
from headgate.api.status import AIModelStatus, StableStatus
from headgate.api.traffic_status import SlotStatus, TrafficStatus
from headgate.api.vocabulary import Metric, Phase, Role
from headgate.cli.judging.injection import Injection, harmed
from headgate.cli.judging.shared_traffic import Counters, shared
from headgate.evidence import attempt
from headgate.evidence.attempt import Observation
from headgate.evidence.attempt_state import AttemptEvidence
from headgate.evidence.counting.series import Arm, TargetSamples
from headgate.evidence.pods.arms import PodBlock
from headgate.evidence.pods.history import History
from headgate.evidence.view import Evidence
from headgate.rollout.decide import decide
from headgate.rollout.decision import Decision
from headgate.rollout.questions import exposure_of, is_judged, question_of
from headgate.rollout.revisions import revision_of
from headgate.rollout.snapshot import PolicyState, RouteState, Snapshot, WorkloadState

_START = 1_800_000_000
_MOST_DECISIONS = 8
_PODS = 3
_OPEN = Gates(deployment=TieredRoles(low=(RequiredRole(role=Role.AUTOMATED_CHECKS),)))
"""People have approved; what is computed is computed."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What all rollouts have in common. `since`: the stage in which the regressions begin; empty: with the first request."""

    policy: RolloutPolicySpec
    injections: tuple[Injection, ...] = ()
    since: str = ""
    usual: Mapping[Metric, float] | None = None

    @property
    def interval(self) -> float:
        return float(self.policy.analysis.interval)


@dataclass(frozen=True, slots=True)
class Ending:
    """How a rollout ended. `outcome`: rollback, live, or none within the time it was followed.

    `seconds` since the regression began (without one, since the rollout did); `requests` of the candidate in this time, `of_users` without
    the copies. `cause` and `message` are those of a rollback.
    """

    outcome: str
    seconds: float
    requests: int
    of_users: int
    stage: str
    cause: str = ""
    message: str = ""


@dataclass(frozen=True, slots=True)
class Recording:
    """What pods of one version counted, block by block; after the last one the first follows. `begin`: the block to begin with; `pods` play
    the candidate in this order; `past`: what is known of the noise before."""

    blocks: Sequence[PodBlock]
    begin: int
    pods: Sequence[str]
    past: History


class VirtualRollout:
    """One rollout over traffic that was recorded."""

    def __init__(self, plan: Plan, recording: Recording, rng: np.random.Generator) -> None:
        self._plan, self._recording, self._rng = plan, recording, rng
        self._policy = plan.policy.model_copy(update={"gates": _OPEN, "triggers": None})
        self._begun = _START - _START % int(plan.interval)
        self._number = 0
        self._counters = Counters()
        self._state: AttemptEvidence | None = None
        self._evidence: Evidence | None = None
        self._requests = self._of_users = 0
        self._worse_since: float | None = None
        self._spec, self._status = _beginning(datetime.fromtimestamp(self._begun, UTC))
        assert self._status.stable is not None
        live = self._status.stable.revision
        self._workloads = {live: WorkloadState(exists=True, wanted=_PODS, ready=_PODS, present=_PODS, role="stable")}
        self._route = RouteState(exists=True, weights=self._status.traffic.shares, accepted=True)
        self._stage = ""
        self.ending: Ending | None = None
        self._decide()

    @property
    def now(self) -> float:
        """Unix seconds of the virtual clock: the same for all rollouts that have come equally far."""
        return self._begun + self._number * self._plan.interval

    def observation(self) -> Observation | None:
        """Let one more block pass, and give what is observed at its end; None while no candidate is compared."""
        arm = self._pass_block()
        if not is_judged(self._status):
            return None
        exposure = exposure_of(self._status, self._policy, sees_missing=False)
        question = question_of(self._status, self._policy)
        if self._state is None:
            begun = attempt.begin(question, exposure)
            self._state = attempt.observe_history(begun, question, self._recording.past, same_source=True)
        pods = TargetSamples(self.now, self._counters.of_pods(self.now))
        self._state = attempt.observe_pods(self._state, question, pods, self.now)
        assert exposure.candidate is arm
        return Observation(self._state, question, exposure, TargetSamples(self.now, self._counters.of_gateway(self.now)))

    def take(self, observed: Observation | None, state: AttemptEvidence | None) -> None:
        """Decide on what was observed; `state` is what became of the observation."""
        if observed is not None and state is not None:
            self._state = state
            self._evidence = attempt.read(state, observed.question, observed.exposure, self.now)
        self._decide()

    def stop(self) -> None:
        """The time in which it is followed is over."""
        if self.ending is None:
            self.ending = self._ended("none")

    def _pass_block(self) -> Arm:
        candidate = self._status.candidate
        revision = candidate.revision if candidate else ""
        traffic = self._status.traffic
        copied = traffic.mirror is not None
        share = (traffic.mirror.permille if traffic.mirror else traffic.weight_of(revision)) / 1000
        blocks = self._recording.blocks
        recorded = blocks[(self._recording.begin + self._number) % len(blocks)].pods
        order = [pod for pod in self._recording.pods if pod in recorded]
        block = shared(recorded, order, share, self._rng, copied=copied)
        if self._harms():
            if self._worse_since is None:
                self._worse_since, self._requests, self._of_users = self.now, 0, 0
            block = replace(block, candidate=harmed(block.candidate, self._plan.injections, self._plan.usual or {}, self._rng))
        arm = Arm.MIRROR if copied else Arm.CANDIDATE
        self._counters.count(block, arm)
        sent = block.candidate.get("requests", 0)
        self._requests += sent
        self._of_users += 0 if copied else sent
        self._number += 1
        return arm

    def _harms(self) -> bool:
        """Whether the candidate is in the stage in which the regression begins, or in a later one."""
        since, names = self._plan.since, [stage.name for stage in self._policy.stages]
        return not since or (self._stage in names and names.index(self._stage) >= names.index(since))

    def _decide(self) -> None:
        """Until nothing changes any more: what is decided takes effect at once."""
        for _ in range(_MOST_DECISIONS):
            before, decision = self._status, decide(self._snapshot())
            self._come_true(decision)
            if self.ending is not None or self._status == before:
                return

    def _snapshot(self) -> Snapshot:
        return Snapshot(
            now=datetime.fromtimestamp(self.now, UTC),
            environment="simulation",
            namespace="simulation",
            name="model",
            generation=1,
            spec=self._spec,
            status=self._status,
            policy=PolicyState(self._policy),
            pinned=self._policy if self._status.candidate else None,
            workloads=self._workloads,
            route=self._route,
            evidence=self._evidence,
        )

    def _come_true(self, decision: Decision) -> None:
        self._status = status = decision.status
        self._workloads = {
            wanted.revision: WorkloadState(
                exists=True,
                wanted=wanted.replicas,
                ready=wanted.replicas,
                present=wanted.replicas,
                role=wanted.role,
                attempt=wanted.attempt,
            )
            for wanted in decision.workloads
        }
        if decision.traffic is not None:
            mirror = decision.traffic.mirror
            mirrored = {mirror.revision: mirror.permille} if mirror else {}
            self._route = RouteState(exists=True, weights=decision.traffic.shares, mirrored=mirrored, accepted=True)
        if status.candidate is not None:
            self._stage = status.candidate.stage.name if status.candidate.stage else self._stage
        elif status.blocked:
            last = status.blocked[-1]
            self.ending = replace(self._ended("rollback"), stage=last.stage, cause=str(last.cause), message=last.message)
        elif status.phase is Phase.LIVE and status.live == self._spec.version:
            self.ending = self._ended("live")

    def _ended(self, outcome: str) -> Ending:
        since = self._begun if self._worse_since is None else self._worse_since
        return Ending(outcome, self.now - since, self._requests, self._of_users, self._stage)


def follow(rollouts: Sequence[VirtualRollout], blocks: int) -> Iterator[int]:
    """Let the rollouts pass, side by side, for as many blocks at most. Yields how many are under way after each block."""
    for _ in range(blocks):
        going = [one for one in rollouts if one.ending is None]
        if not going:
            return
        seen = [one.observation() for one in going]
        asked = [one for one in seen if one is not None]
        states = iter(attempt.observe_all(asked, going[0].now) if asked else ())
        for rollout, observed in zip(going, seen, strict=True):
            rollout.take(observed, next(states) if observed is not None else None)
        yield len(going)
    for rollout in rollouts:
        rollout.stop()


def _beginning(now: datetime) -> tuple[AIModelSpec, AIModelStatus]:
    """The first version is live, and the spec asks for the second."""
    before, after = (_spec(version) for version in ("1", "2"))
    live = revision_of(before, {})
    since = now - timedelta(days=1)
    stable = StableStatus(revision=live.revision, version=live.version, content=live.content, live_since=since, replicas=_PODS)
    slots = (SlotStatus(revision=live.revision, weight=1000, since=since),)
    return after, AIModelStatus(phase=Phase.LIVE, stable=stable, traffic=TrafficStatus(slots=slots), attempts=1)


def _spec(version: str) -> AIModelSpec:
    written: dict[str, Any] = {
        "version": version,
        "policy": {"name": "policy"},
        "artifact": {"uri": f"simulation/{version}", "digest": "sha256:" + version * 64},
        "serving": {"deployment": {"replicas": _PODS, "template": {"spec": {"containers": []}}}, "sideEffects": "None"},
        "traffic": {"parentRefs": [{"name": "gateway"}]},
        "owners": {"technical": {"user": "simulation"}},
        "classification": {"declaredTier": "Low"},
    }
    return AIModelSpec.model_validate(written)
