"""Wrong builds of the operator: each forgets one thing that keeps users safe. The simulation must find every one of them."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from typing import Any
from unittest.mock import patch

from tests.simulation.faults import API_FAULTS, FAIR
from tests.simulation.governed import Governed
from tests.simulation.people import Habits
from tests.simulation.policies import CASED
from tests.simulation.trace import Script

from headgate.api.status import AIModelStatus, CandidateStatus, StableStatus
from headgate.api.vocabulary import Verdict
from headgate.controller.audit import AuditTrail
from headgate.controller.capacity import CapacityWriter
from headgate.controller.facts import ModelKey
from headgate.controller.observe import Observation
from headgate.controller.proof import Proof
from headgate.controller.routing import RoutePlan
from headgate.controller.traffic import TrafficWriter
from headgate.evidence.view import Evidence
from headgate.governance.audit_chain import Append, Entry
from headgate.governance.trust import Trust
from headgate.kube.labels import Owner
from headgate.rollout import advance, enter, failover
from headgate.rollout.approval_gate import gate_open
from headgate.rollout.decision import WantedWorkload
from headgate.rollout.draft import Draft
from headgate.rollout.snapshot import Problem, RouteState, Snapshot
from headgate.rollout.stages import Step


def as_drawn(script: Script) -> Script:
    return script


def established(script: Script) -> Script:
    """A version is live from the beginning."""
    return replace(script, plan=replace(script.plan, fresh=False))


def meddled(script: Script) -> Script:
    """Somebody edits the route just before each raise is written."""
    return replace(script, plan=replace(script.plan, meddled=True))


def refusing(script: Script) -> Script:
    """The gateway refuses new routes again and again."""
    moments = tuple((float(at), "refuse-route") for at in range(3, 30, 3))
    return replace(script, weather=replace(script.weather, until=30.0, world=moments))


def insured(script: Script) -> Script:
    """There is a fallback, and the only pod of each version fails now and then."""
    moments = tuple((float(at), "lose-readiness") for at in range(3, 60, 4))
    plan = replace(script.plan, fresh=False, fallback=True, autoscaled=False, replicas=1)
    return replace(script, plan=plan, weather=replace(script.weather, until=60.0, api=(), watch=(), world=moments))


def scaled(script: Script) -> Script:
    """An autoscaler sets the size of each version, in fair weather."""
    return replace(script, plan=replace(script.plan, autoscaled=True), weather=FAIR)


def overtaken(script: Script) -> Script:
    """What is appended to the audit arrives after another process took over."""
    late = [fault for fault in API_FAULTS if fault.kind in ("crash-in-flight", "freeze-in-flight")]
    api = tuple(replace(fault, fits=lambda call: call.verb == "patch" and call.name.startswith("headgate-audit.")) for fault in late)
    return replace(script, weather=replace(script.weather, until=60.0, api=api, api_rate=0.3, watch=(), world=()))


def governed(policy: str, *acts: str, tier: str = "Medium") -> Callable[[Script], Script]:
    """A version is released in fair weather where there is a trust store, nobody approves of their own accord, and people do `acts`."""

    def changed(script: Script) -> Script:
        moments = tuple((4.0 + 4.0 * place, act) for place, act in enumerate(acts))
        plan = replace(
            script.plan,
            policy=policy,
            tier=tier,
            fresh=policy == CASED,
            habits=Habits(patience=None, lasts=86_400.0, rejects=False),
            governed=Governed(trusted=True),
            acts=((0.5, "release"), *moments) if policy != CASED else moments,
        )
        return replace(script, plan=plan, weather=FAIR)

    return changed


def acted(*acts: tuple[float, str]) -> Callable[[Script], Script]:
    """Nothing but what people do, in fair weather, beside a version that is live: two canary stages, approved soon and for long."""

    def changed(script: Script) -> Script:
        habits = Habits(patience=0.5, lasts=86_400.0, rejects=False)
        plan = replace(script.plan, policy="steps", fresh=False, rate=1000.0, fallback=False, habits=habits, governed=Governed(), acts=acts)
        return replace(script, plan=plan, weather=FAIR)

    return changed


lapsing = acted((0.5, "release"), *((float(at), "delete-approvals") for at in range(6, 24, 2)))
"""Approvals are deleted while the candidate has users."""


def unready(script: Script) -> Script:
    """Now and then, and the live version has no ready pod again and again."""
    changed = acted((0.5, "release"), *((float(at), "delete-approvals") for at in range(14, 60, 3)))(script)
    return replace(changed, weather=replace(FAIR, until=60.0, world=tuple((float(at), "empty-stable") for at in range(12, 60, 2))))


overripe = acted((8.0, "release"), (10.0, "freeze"), (16.5, "promote"), (40.0, "lift-freeze"))
"""A stage is promoted in a freeze, and proven before the freeze ends. Looked for each 15 s, it binds while the first stage lasts."""


Breakage = Callable[[], AbstractContextManager[Any]]


_served = advance._served
_write = TrafficWriter._write


async def _write_anyway(self: TrafficWriter, form: dict[str, Any], version: str = "", *, force: bool = True) -> None:
    await _write(self, form, "", force=force)


_grow_one = CapacityWriter._grow_one


def _as_at_rest(stable: StableStatus, status: AIModelStatus, snapshot: Snapshot) -> int:
    """What the stable version keeps for the return of users is recorded, and its autoscaler not told."""
    return stable.autoscale.min_replicas if stable.autoscale else stable.replicas


async def _resized_anyway(self: CapacityWriter, seen: Observation, wanted: WantedWorkload, owner: Owner | None) -> Problem | None:
    present = self.cache.owned(seen.key).deployments.get(wanted.revision)
    if present is not None and present.replicas and present.replicas != wanted.replicas and wanted.ceiling is not None:
        await self._resize(seen, wanted)
    return await _grow_one(self, seen, wanted, owner)


_stored = AuditTrail.stored


def _stored_or_not(self: AuditTrail, key: ModelKey, status: AIModelStatus) -> bool:
    _stored(self, key, status)
    return True


def _told_anew(entry: Entry) -> str:
    return str(entry["id"]["sequence"])


async def _patched_anyway(self: AuditTrail, key: ModelKey, version: str, write: Append, seed: bytes) -> dict[str, Any]:
    return await _append(self, key, "", write, seed)


def _open_or_opened(candidate: CandidateStatus) -> bool:
    return candidate.exposed is not None or gate_open(candidate)


_serves = failover._candidate_serves


def _serves_approved(draft: Draft, snapshot: Snapshot) -> bool:
    return _serves(draft, snapshot) and gate_open(draft.candidate)


_append = AuditTrail._write
_of = Proof.of


def _first_pass(draft: Draft, snapshot: Snapshot, step: Step, evidence: Evidence | None) -> bool:
    if not step.compares:
        return _served(draft, snapshot, step, evidence)
    return evidence is not None and evidence.verdict is Verdict.PASS


@contextmanager
def _ascending(**wrong: Any) -> Iterator[None]:
    """Wherever a candidate rises: into a stage, and on from it."""
    with patch.multiple(enter, **wrong), patch.multiple(advance, **wrong):
        yield


@contextmanager
def _promoted_for_good() -> Iterator[None]:
    with patch.multiple(advance, only_of_this_stage=lambda draft, orders: (draft, orders), used_up=lambda draft, *_: draft):
        yield


@contextmanager
def _uncased() -> Iterator[None]:
    nothing = {"unmet": lambda draft, policy: ""}
    with patch.multiple("headgate.rollout.begin", **nothing), patch.multiple("headgate.rollout.approval_gate", **nothing):
        yield


BREAKAGES: Mapping[str, tuple[Breakage, frozenset[str], Callable[[Script], Script]]] = {
    "the status is recorded after a weight was raised": (
        lambda: patch.object(RoutePlan, "lowers", property(lambda plan: True)),
        frozenset({"recorded-ahead", "audited-ahead"}),
        as_drawn,
    ),
    "users leave after the status was recorded": (
        lambda: patch.object(RoutePlan, "lowers", property(lambda plan: False)),
        frozenset({"users-leave-first"}),
        as_drawn,
    ),
    "a raising write rests on no resourceVersion": (
        lambda: patch.object(TrafficWriter, "_write", _write_anyway),
        frozenset({"orders-obeyed", "blocked-stays-off", "recorded-ahead", "approved-only"}),
        meddled,
    ),
    "no lease is asked for before writes": (
        lambda: patch("headgate.controller.parts.fenced", lambda api, leading: api),
        frozenset({"no-write-without-lease", "one-leader"}),
        as_drawn,
    ),
    "the gate is not read": (
        lambda: _ascending(gate_open=lambda candidate: True),
        frozenset({"approved-only"}),
        as_drawn,
    ),
    "the gate is read once": (
        lambda: _ascending(gate_open=_open_or_opened),
        frozenset({"approved-only"}),
        lapsing,
    ),
    "a version stands in no longer than it is approved": (
        lambda: patch("headgate.rollout.failover._candidate_serves", _serves_approved),
        frozenset({"endpoints-first"}),
        unready,
    ),
    "a promote is never used up": (
        _promoted_for_good,
        frozenset({"stage-time"}),
        overripe,
    ),
    "rejections are not remembered": (
        lambda: patch("headgate.rollout.decide.latch_negatives", lambda draft, snapshot: draft),
        frozenset({"negatives-latched"}),
        as_drawn,
    ),
    "guards and evidence are not looked at": (
        lambda: patch("headgate.rollout.stop._present_harm", lambda snapshot: (None, None)),
        frozenset({"harm-leaves", "harm-never-live"}),
        as_drawn,
    ),
    "a stage ends with its first Pass": (
        lambda: patch(
            "headgate.rollout.advance._served", lambda draft, snapshot, step, evidence: bool(evidence and evidence.verdict == "Pass")
        ),
        frozenset({"stage-time"}),
        established,
    ),
    "weights rise without pods": (
        lambda: _ascending(reachable=lambda step, *_: step.weight, floor_of=lambda *_: 0),
        # Beside a young stable version one that lost its pods is not blamed, and starts again at once.
        frozenset({"endpoints-first", "stage-once"}),
        as_drawn,
    ),
    "pods go before the gateway lets go of them": (
        lambda: patch.object(RouteState, "may_serve", lambda self, revision: bool(self.weights.get(revision))),
        frozenset({"serving-kept"}),
        refusing,
    ),
    "the fallback answers before the approved candidate is asked": (
        lambda: patch("headgate.rollout.failover._candidate_can", lambda draft, snapshot: False),
        frozenset({"fallback-last"}),
        insured,
    ),
    "nobody comes back from the fallback": (
        lambda: patch("headgate.rollout.failover._while_fallback_answers", lambda draft, *_: draft),
        frozenset({"ends"}),
        insured,
    ),
    "users come before the audit knows": (
        lambda: patch.object(AuditTrail, "stored", _stored_or_not),
        frozenset({"audited-ahead"}),
        as_drawn,
    ),
    "what is stored already is stored again after a death": (
        lambda: patch("headgate.controller.audit.identity", _told_anew),
        frozenset({"audited-once"}),
        as_drawn,
    ),
    "an append rests on no resourceVersion": (
        lambda: patch.object(AuditTrail, "_write", _patched_anyway),
        frozenset({"audit-only-grows", "audit-whole", "audited-once", "audited-all"}),
        overtaken,
    ),
    "decisions do not wait in status": (
        lambda: patch("headgate.rollout.auditing._room", lambda waiting, fresh: 0),
        frozenset({"audited-ahead", "audited-all"}),
        as_drawn,
    ),
    "signatures are not verified": (
        lambda: patch.object(Trust, "unverified", lambda self, spec, namespace, created: ""),
        frozenset({"approved-only"}),
        governed("brief", "forge", "forge"),
    ),
    "nobody has to be of the trust store": (
        lambda: patch.object(Trust, "not_entitled", lambda self, spec, **_: ""),
        frozenset({"approved-only"}),
        governed("brief", "approve-as-strangers", "approve-as-strangers"),
    ),
    "decisions count before a look that began after them": (
        lambda: patch.object(Proof, "of", lambda self, created, arrived: _of(self, created, 0)),
        frozenset({"proven-only", "approved-only"}),
        governed("brief", "forge-unguarded", "forge-unguarded"),
    ),
    "a policy that is another one than at the last look goes unnoticed": (
        lambda: patch("headgate.kube.admission._seal", lambda thing: ("", 0)),
        frozenset({"proven-only", "approved-only"}),
        governed("brief", "forge-unguarded", "forge-unguarded"),
    ),
    "one person breaks the glass": (
        lambda: patch("headgate.rollout.break_glass._PERSONS", 1),
        frozenset({"approved-only"}),
        governed("brief", "break-glass-alone", "break-glass-alone"),
    ),
    "broken glass stands in for measurements": (
        lambda: patch("headgate.rollout.approval_gate._beyond_approvals", lambda *_: ""),
        frozenset({"approved-only"}),
        governed("shadow", "promote", "promote", "break-glass", "break-glass", tier="Low"),
    ),
    "the use case is not asked for": (
        _uncased,
        frozenset({"approved-only"}),
        governed(CASED, "approve", "approve"),
    ),
    "users leave before the stable version keeps pods for their return": (
        lambda: patch("headgate.rollout.workloads._stable_size", _as_at_rest),
        frozenset({"room-kept"}),
        scaled,
    ),
    "the size of an autoscaled version is written": (
        lambda: patch("headgate.controller.capacity.CapacityWriter._grow_one", _resized_anyway),
        frozenset({"sizes-left-alone"}),
        scaled,
    ),
}
"""What is broken, how, which invariants may be the ones to find it, and under which conditions that takes few traces."""
