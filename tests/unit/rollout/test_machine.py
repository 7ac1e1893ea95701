"""Whatever happens in whatever order: the invariants of a rollout."""

from dataclasses import replace
from datetime import timedelta

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from tests.unit.rollout.world import PEOPLE, World, policy, spec

from headgate.api.aimodel import Classification, Fallback
from headgate.api.status import AttemptKind
from headgate.api.vocabulary import StandIn, Tier, Verdict
from headgate.rollout.snapshot import RouteState, WorkloadState
from headgate.rollout.stages import steps_of


class Rollout(RuleBasedStateMachine):
    """Random events against decide; after each, what was decided comes true or does not."""

    world: World

    @initialize()
    def begin(self) -> None:
        self.world = World(spec("1.0.0"))
        self.before: dict[str, int] = {}
        self.blocked_at: dict[str, int] = {}

    # -- events --

    @rule(version=st.sampled_from(["1.0.0", "2.0.0", "3.0.0"]), memory=st.sampled_from(["1Gi", "2Gi"]))
    def release(self, version: str, memory: str) -> None:
        self.world.release(version, memory=memory)

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

    @precondition(lambda self: len(self.world.route.weights) == 2)
    @rule(share=st.integers(0, 1000))
    def edit_route(self, share: int) -> None:
        first, second = self.world.route.weights
        self.world.route = replace(self.world.route, weights={first: 1000 - share, second: share})
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
    @rule(decision=st.sampled_from(["Halt", "Rollback", "Pause", "Resume", "Promote", "Retry"]))
    def intervene(self, decision: str) -> None:
        self.world.decided(decision)

    @rule(share=st.sampled_from([0, 1, 2, 99]))
    def pods(self, share: int) -> None:
        self.world.workloads = {
            name: WorkloadState(exists=True, wanted=w.wanted, ready=min(w.wanted, share), present=w.wanted)
            for name, w in self.world.workloads.items()
        }

    @rule(accepted=st.sampled_from([True, False, None]))
    def gateway(self, accepted: bool | None) -> None:
        route = self.world.route
        self.world.route = RouteState(route.exists, route.weights, route.mirrored, accepted)

    @rule(effective=st.booleans())
    def route_lag(self, effective: bool) -> None:
        self.world.route_takes_effect = effective

    @rule(seconds=st.integers(0, 20 * 86_400))
    def wait(self, seconds: int) -> None:
        self.world.now += timedelta(seconds=seconds)

    @rule()
    def reconcile(self) -> None:
        world = self.world
        before, status, ready = _weights(world), world.status, {r: w.ready for r, w in world.workloads.items()}
        measured = world.evidence()
        decision = world.step()
        after = {slot.revision: slot.weight for slot in decision.status.traffic.slots}
        self._rises_only_when_allowed(before, after, status, measured, ready)
        self._blocked_stays_off(after)

    def _rises_only_when_allowed(self, before, after, status, measured, ready) -> None:  # type: ignore[no-untyped-def]
        candidate = self.world.status.candidate
        for revision, weight in after.items():
            if weight <= before.get(revision, 0):
                continue
            assert ready.get(revision, 0) > 0 or before.get(revision, 0) > 0 or revision == _stable(status), "no traffic without ready pods"
            if candidate is None or revision != candidate.revision:
                continue
            if self.world.status.failover is not None:
                assert self.world.status.failover.to is StandIn.CANDIDATE
                assert not ready.get(_stable(status)), "a candidate stands in only for a version without ready pods"
                continue
            if candidate.kind in (AttemptKind.ROLLOUT, AttemptKind.FIRST):
                assert candidate.gate, "the gate was read"
                assert candidate.gate.open, "a weight rises only through an open gate"
            first = before.get(revision, 0) == 0
            promoted = any("ends without proof" in event for event in self.world.events)
            assert first or promoted or measured.verdict is Verdict.PASS, "a weight rises only on Pass"
            steps = [step.weight for step in steps_of(self.world.pinned or policy(), candidate.kind) if step.weight]
            earlier = [0, *steps][steps.index(weight)] if weight in steps else 0
            assert before.get(revision, 0) == earlier, "no stage is skipped"

    def _blocked_stays_off(self, after: dict[str, int]) -> None:
        for blocked in self.world.status.blocked:
            assert after.get(blocked.revision, 0) == 0, "a blocked revision has no traffic"

    # -- always --

    @invariant()
    def weights_sum_to_all(self) -> None:
        shares = self.world.status.traffic.shares if hasattr(self, "world") else {}
        assert not shares or sum(shares.values()) == 1000

    @invariant()
    def status_is_bounded(self) -> None:
        if hasattr(self, "world"):
            assert len(self.world.status.model_dump_json(by_alias=True, exclude_none=True)) < 16_000


def _weights(world: World) -> dict[str, int]:
    return {slot.revision: slot.weight for slot in world.status.traffic.slots}


def _stable(status) -> str:  # type: ignore[no-untyped-def]
    return status.stable.revision if status.stable else ""


TestRollout = Rollout.TestCase
TestRollout.settings = settings(max_examples=150, stateful_step_count=40, deadline=None)
