"""Whatever happens in whatever order: the invariants of a rollout."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from tests.unit.rollout.world import PEOPLE, World, in_canary, live, policy, spec

from headgate.api.aimodel import Classification, Fallback
from headgate.api.status import AttemptKind
from headgate.api.vocabulary import Leave, Mode, RollbackCause, StandIn, Tier, Verdict
from headgate.rollout.decision import Decision
from headgate.rollout.proportional import need
from headgate.rollout.rebuild import is_blank
from headgate.rollout.stages import steps_of

SERVED: tuple[dict[str, Any], ...] = (
    {},
    {"size": {"autoscaling": {"minReplicas": 2, "maxReplicas": 6}}},
    {"size": {"replicas": 4}, "mode": "Proportional"},
)


def unborn(served: dict[str, Any], **fields: Any) -> World:
    """Nothing was ever decided."""
    return World(spec("1.0.0", **served), **fields)


BEGINNINGS = (unborn, live, in_canary)
BY_JUDGE = (
    RollbackCause.EVIDENCE_ERRORS,
    RollbackCause.EVIDENCE_LATENCY,
    RollbackCause.EVIDENCE_REJECTIONS,
    RollbackCause.FAIRNESS,
    RollbackCause.DEADLINE,
)


class Rollout(RuleBasedStateMachine):
    """Random events against decide; after each, what was decided comes true or does not."""

    world: World

    @initialize(
        at=st.sampled_from(BEGINNINGS),
        served=st.sampled_from(SERVED),
        leave=st.sampled_from(["Allowed", "Forbidden"]),
        mode=st.sampled_from(Mode),
    )
    def begin(self, at: Callable[..., World], served: dict[str, Any], leave: str, mode: Mode) -> None:
        self.served = {**served, "judge": mode.value}
        governing = policy(analysis={"observe": leave})
        self.world = at(served=self.served, policy=governing)
        self.before: dict[str, int] = {}
        self.blocked_at: dict[str, int] = {}
        self.remembered: set[str] = set()
        self.adopted: set[int] = set()

    # -- events --

    @rule(version=st.sampled_from(["1.0.0", "2.0.0", "3.0.0"]), memory=st.sampled_from(["1Gi", "2Gi"]))
    def release(self, version: str, memory: str) -> None:
        self.world.release(version, memory=memory, **self.served)

    @rule(verdict=st.sampled_from(Verdict), fresh=st.floats(0, 40 * 86_400), requests=st.integers(0, 10**6))
    def measure(self, verdict: Verdict, fresh: float, requests: int) -> None:
        if verdict is Verdict.FAIL:
            self.world.bad()
        else:
            self.world.measured = {"verdict": verdict, "stage_fresh_seconds": fresh, "stage_requests": requests}

    @rule(candidate=st.booleans(), stable=st.booleans())
    def guards(self, candidate: bool, stable: bool) -> None:
        self.world.guard(candidate=candidate, stable=stable)

    @precondition(lambda self: self.world.status.stable)
    @rule(fired=st.booleans())
    def live_guard(self, fired: bool) -> None:
        self.world.live_guard(fired=fired)

    @rule(given=st.booleans())
    def fallback(self, given: bool) -> None:
        rules = Fallback(service="credit-rules") if given else None
        self.world.spec = self.world.spec.model_copy(update={"serving": self.world.spec.serving.model_copy(update={"fallback": rules})})

    @rule(tier=st.sampled_from(Tier))
    def tier(self, tier: Tier) -> None:
        self.world.spec = self.world.spec.model_copy(update={"classification": Classification(declared_tier=tier)})

    @rule(mode=st.sampled_from(Mode))
    def mode(self, mode: Mode) -> None:
        self.world.spec = self.world.spec.model_copy(update={"mode": mode})

    @precondition(lambda self: len(self.world.route.weights) == 2)
    @rule(share=st.integers(0, 1000))
    def edit_route(self, share: int) -> None:
        first, second = self.world.route.weights
        self.world.route = replace(self.world.route, weights={first: 1000 - share, second: share})
        # Nobody knows any more what it should be: it is taken as it is.
        self.adopted = {share, 1000 - share} if is_blank(self.world.status) else self.adopted
        self.world.edited_by = ("kubectl-edit",)

    @precondition(lambda self: self.world.status.stable and self.world.status.stable.subject)
    @rule()
    def revoke(self) -> None:
        assert self.world.status.stable
        self.world.decided("Revoke", "dana@bank", gate="Deployment", role="fairness-audit", subject=self.world.status.stable.subject)

    @precondition(lambda self: self.world.status.candidate and self.world.status.candidate.gate)
    @rule(roles=st.sets(st.sampled_from(sorted(PEOPLE)), min_size=1), days=st.integers(1, 90))
    def approve(self, roles: set[str], days: int) -> None:
        self.world.approve(days, tuple(sorted(roles)))

    @precondition(lambda self: self.world.approvals)
    @rule(which=st.integers(0, 10**6))
    def delete_approval(self, which: int) -> None:
        self.world.approvals.pop(which % len(self.world.approvals))

    @precondition(lambda self: self.world.status.candidate or self.world.status.blocked or self.world.status.stable)
    @rule(decision=st.sampled_from(["Halt", "Rollback", "Pause", "Resume", "Promote", "Retry", "AATest"]))
    def intervene(self, decision: str) -> None:
        self.world.decided(decision)

    @rule(share=st.sampled_from([0, 1, 2, 99]))
    def pods(self, share: int) -> None:
        self.world.workloads = {
            name: replace(w, exists=True, ready=min(w.wanted, share), present=w.wanted, problem=None)
            for name, w in self.world.workloads.items()
        }

    @rule(accepted=st.sampled_from([True, False, None]))
    def gateway(self, accepted: bool | None) -> None:
        self.world.route = replace(self.world.route, accepted=accepted)

    @rule(effective=st.booleans())
    def route_lag(self, effective: bool) -> None:
        self.world.route_takes_effect = effective

    @rule(copies=st.booleans())
    def lose_status(self, copies: bool) -> None:
        self.adopted = set(self.world.route.weights.values()) if self.world.edited_by else self.adopted
        self.world.lose_status(copies=copies)
        self.remembered = {entry.revision for entry in self.world.route.blocked}

    @rule(seconds=st.integers(0, 20 * 86_400))
    def wait(self, seconds: int) -> None:
        self.world.now += timedelta(seconds=seconds)

    @rule()
    def reconcile(self) -> None:
        world = self.world
        before, stable, ready = _weights(world), _stable(world), {r: w.ready for r, w in world.workloads.items()}
        stage, measured, self.sizes = _stage(world.status), world.evidence(), dict(world.workloads)
        known, observing = world.status.blocked, _observing(world)
        decision = world.step()
        by_judge = [entry for entry in world.status.blocked if entry not in known and entry.cause in BY_JUDGE]
        assert not (observing and by_judge), "what is observed only is not taken back by evidence"
        after = {slot.revision: slot.weight for slot in decision.status.traffic.slots}
        promoted = any("ends without proof" in announced.note for announced in decision.announcements)
        self._rises_only_when_allowed(before, after, stable, stage, measured, ready, promoted)
        self._blocked_stays_off(after)
        retried = {one.spec.target.revision for one in world.approvals if one.spec.decision == "Retry" and one.spec.target}
        taken_back = {entry.revision for entry in decision.status.blocked}
        assert self.remembered <= taken_back | retried, "what was taken back is known after a loss"
        self.remembered = set()
        self._fits(decision)

    def _rises_only_when_allowed(  # type: ignore[no-untyped-def]
        self, before, after, stable, stage, measured, ready, promoted
    ) -> None:
        candidate = self.world.status.candidate
        for revision, weight in after.items():
            if weight <= before.get(revision, 0):
                continue
            assert ready.get(revision, 0) > 0 or before.get(revision, 0) > 0 or revision == stable, "no traffic without ready pods"
            if candidate is None or revision != candidate.revision:
                continue
            if self.world.status.failover is not None:
                assert self.world.status.failover.to is StandIn.CANDIDATE
                assert not ready.get(stable), "a candidate stands in only for a version without ready pods"
                continue
            if candidate.kind in (AttemptKind.ROLLOUT, AttemptKind.FIRST):
                assert candidate.gate, "the gate was read"
                assert candidate.gate.open, "a weight rises only through an open gate"
            first = before.get(revision, 0) == 0
            entering = stage != _stage(self.world.status)
            by_time = candidate.mode is Mode.OBSERVE
            assert first or promoted or not entering or by_time or measured.verdict is Verdict.PASS, "a stage is entered only on Pass"
            if self._shares_room():
                self._has_pods_for(revision, weight, ready)
                continue
            assert entering, "a stage has one weight"
            steps = [step.weight for step in steps_of(self.world.pinned or policy(), candidate.kind) if step.weight]
            earlier = [0, *steps][steps.index(weight)] if weight in steps else 0
            assert before.get(revision, 0) in {earlier, *self.adopted}, "no stage is skipped"

    def _shares_room(self) -> bool:
        return self.served.get("mode") == "Proportional" and self.world.status.stable is not None

    def _has_pods_for(self, revision: str, weight: int, ready: dict[str, int]) -> None:
        stable, candidate = self.world.status.stable, self.world.status.candidate
        assert stable
        assert candidate
        assert ready.get(revision, 0) >= min(candidate.replicas, need(stable.replicas, weight)), "a weight rises only on pods that carry it"
        assert weight <= next(
            s.weight for s in steps_of(self.world.pinned or policy(), candidate.kind) if s.name == _stage(self.world.status)
        )

    def _fits(self, decision: Decision) -> None:
        """The two versions of a rollout that share the room of one need at most one pod more. What was is not undone by a decision."""
        stable, candidate = decision.status.stable, decision.status.candidate
        if self.served.get("mode") != "Proportional" or stable is None or candidate is None:
            return
        before = {revision: state.wanted for revision, state in self.sizes.items()}
        sizes = {w.revision: w.replicas for w in decision.workloads}
        if sum(before.get(name, 0) for name in (stable.revision, candidate.revision)) <= stable.replicas + 1:
            assert sizes[stable.revision] + sizes[candidate.revision] <= stable.replicas + 1
        weight = decision.status.traffic.weight_of(candidate.revision)
        assert sizes[stable.revision] >= need(stable.replicas, 1000 - weight), "the stable version keeps what its weight needs"

    def _blocked_stays_off(self, after: dict[str, int]) -> None:
        for blocked in self.world.status.blocked:
            assert after.get(blocked.revision, 0) == 0, "a blocked revision has no traffic"

    # -- always --

    @invariant()
    def weights_sum_to_all(self) -> None:
        shares = self.world.status.traffic.shares if hasattr(self, "world") else {}
        assert not shares or sum(shares.values()) == 1000

    @invariant()
    def the_judge_has_its_say_unless_the_policy_gives_leave(self) -> None:
        candidate = self.world.status.candidate if hasattr(self, "world") else None
        assert candidate is None or candidate.mode is Mode.ENFORCE or self.world.policy.analysis.observe is Leave.ALLOWED

    @invariant()
    def status_is_bounded(self) -> None:
        if hasattr(self, "world"):
            assert len(self.world.status.model_dump_json(by_alias=True, exclude_none=True)) < 16_000


def _weights(world: World) -> dict[str, int]:
    """As decided last, or as the route has them when nobody remembers that."""
    if is_blank(world.status):
        return world.route.weights
    return {slot.revision: slot.weight for slot in world.status.traffic.slots}


def _observing(world: World) -> bool:
    """Whether the candidate is under Observe, and still to be."""
    candidate = world.status.candidate
    return candidate is not None and candidate.mode is Mode.OBSERVE and world.spec.mode is Mode.OBSERVE


def _stage(status) -> str:  # type: ignore[no-untyped-def]
    return status.candidate.stage.name if status.candidate and status.candidate.stage else ""


def _stable(world: World) -> str:
    if is_blank(world.status):
        return next((revision for revision, workload in world.workloads.items() if workload.role == "stable"), "")
    return world.status.stable.revision if world.status.stable else ""


TestRollout = Rollout.TestCase
TestRollout.settings = settings(max_examples=150, stateful_step_count=40)
