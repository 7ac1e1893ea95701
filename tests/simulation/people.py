"""People: they release versions, approve, change their minds, intervene, and now and then touch what is not theirs."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from random import Random
from typing import Any, TypeVar

from tests.simulation import governed
from tests.simulation.governed import FORGED, Governed, sign
from tests.simulation.policies import MODEL, NAMESPACE, PEOPLE, PLATFORM, USE_CASE_PEOPLE, model_spec
from tests.simulation.versions import BEHAVIOURS, GOOD, Behaviour

from headgate.api.aimodel import AIModelSpec
from headgate.controller.freeze import NAME as FREEZE
from headgate.kube.resources import AIMODELS, CONFIG_MAPS, GOVERNANCE_APPROVALS, HTTP_ROUTES, Resource
from headgate.rollout.revisions import revision_of

Object = dict[str, Any]
Choice = TypeVar("Choice")

TIERS = ("Low", "Medium")
REPLICAS = (1, 2, 3)


@dataclass(frozen=True, slots=True)
class Habits:
    """How approvers act in this trace. `patience`: seconds until they answer; None: they never do."""

    patience: float | None
    lasts: float
    """Seconds until an approval expires."""
    rejects: bool


@dataclass(frozen=True, slots=True)
class Plan:
    """What people do, and when."""

    policy: str
    tier: str
    fresh: bool
    """Nothing is live at first."""
    replicas: int
    rate: float
    """Requests per second."""
    processes: int
    """Replicas of the operator."""
    meddled: bool
    """Somebody edits the route by hand in the worst moments."""
    fallback: bool
    """A Service that is no version answers when none can."""
    autoscaled: bool
    """An autoscaler sets the size of each version."""
    habits: Habits
    governed: Governed
    acts: tuple[tuple[float, str], ...]

    def __str__(self) -> str:
        acts = ", ".join(f"{name} at {at:.1f} s" for at, name in self.acts)
        meddled = ", meddled with" if self.meddled else ""
        meddled += ", with fallback" if self.fallback else ""
        meddled += ", autoscaled" if self.autoscaled else ""
        return (
            f"policy {self.policy}, tier {self.tier}, {self.rate:g} requests/s, {self.replicas} pods, {self.processes} operators{meddled}, "
            f"{self.habits}, {self.governed}; {acts}"
        )


def draw(rng: Random, policies: list[str]) -> Plan:
    others = rng.choice((0, 0, 0, 1, 1, 2, 4))
    acts = [(rng.uniform(0.2, 1.0), "release"), *((rng.uniform(1.0, 30.0), rng.choice(sorted(ACTS))) for _ in range(others))]
    return Plan(
        policy=rng.choice(policies),
        tier=rng.choice(TIERS),
        fresh=rng.random() < 0.12,
        replicas=rng.choice(REPLICAS),
        rate=rng.choice((200.0, 400.0, 1000.0)),
        processes=rng.choice((1, 1, 2)),
        meddled=rng.random() < 0.05,
        fallback=False,
        autoscaled=False,
        habits=Habits(
            patience=rng.choice((0.0, 0.5, 2.0, 5.0, None)) if rng.random() < 0.5 else 0.5,
            lasts=rng.choice((86_400.0, 86_400.0, 86_400.0, 25.0)),
            rejects=rng.random() < 0.05,
        ),
        governed=Governed(),
        acts=tuple(sorted(acts)),
    )


class People:
    """`wall` is the true time in Unix seconds. `released` knows every revision that was ever asked for."""

    def __init__(
        self,
        server: Any,
        plan: Plan,
        rng: Random,
        now: Callable[[], float],
        later: Callable[..., Any],
        stamp: Callable[[float], str],
    ) -> None:
        self._server, self.plan, self._rng, self._now, self._later, self._stamp = server, plan, rng, now, later, stamp
        self.behaviours: dict[str, Behaviour] = {}
        self._released: list[Object] = []
        self._asked: dict[str, float] = {}
        self._serial = 0
        self.done: list[str] = []

    # -- what is seen --

    @property
    def status(self) -> Object:
        found = self._server.find(AIMODELS, MODEL, NAMESPACE)
        return (found or {}).get("status") or {}

    def behaviour(self, revision: str) -> Behaviour:
        return self.behaviours.get(revision, GOOD)

    # -- what is done --

    def act(self, name: str) -> None:
        (ACTS | ACTS_ON_ORDER)[name](self)

    def live_a_second(self) -> None:
        """Approvers see what waits for them."""
        self._answer("UseCase", self.status.get("useCase"), USE_CASE_PEOPLE)
        self._answer("Deployment", (self.status.get("candidate") or {}).get("gate"), PEOPLE)

    def _answer(self, name: str, gate: Object | None, persons: Mapping[str, str]) -> None:
        habits = self.plan.habits
        if not gate or gate.get("open") or habits.patience is None:
            return
        subject = gate["subject"]
        asked = self._asked.setdefault(subject, self._now())
        if self._now() - asked < habits.patience:
            return
        self._asked[subject] = float("inf")
        for role in gate["required"]:
            if role in persons:
                negative = habits.rejects and role == "fairness-audit"
                self.decide("Reject" if negative else "Approve", persons[role], gate=name, role=role, subject=subject)

    def will_answer(self, subject: str) -> bool:
        """Whether approvers still mean to decide on `subject`."""
        return self.plan.habits.patience is not None and self._asked.get(subject, 0.0) < float("inf")

    def leave_it_at_that(self, status: Object) -> bool:
        """Nothing starts without an approved use case, and nobody means to approve it any more."""
        case = status.get("useCase")
        return status.get("phase") == "AwaitingUseCase" and bool(case) and not self.will_answer(case["subject"])

    def decide(self, decision: str, by: str, how: str = "", **fields: Any) -> None:
        """`how`: FORGED, UNSEEN, or nothing."""
        if decision in ("Approve", "BreakGlass"):
            fields["expiresAt"] = self._stamp(self._now() + self.plan.habits.lasts)
        self._serial += 1
        spec = {"model": MODEL, "decision": decision, "approver": by, "rationale": "because", **fields}
        if how == FORGED or (not how and self.plan.governed.signs and "gate" in fields):
            spec = sign(spec, datetime.fromisoformat(self._stamp(self._now())), forged=how == FORGED)
        metadata = {"name": f"{MODEL}-{decision.lower()}-{how}{self._serial}", "namespace": NAMESPACE}
        self._server.put(GOVERNANCE_APPROVALS, {"metadata": metadata, "spec": spec})

    def find(self, resource: Resource, name: str) -> Object | None:
        """Of a kind without namespaces."""
        found: Object | None = self._server.find(resource, name)
        return found

    def put(self, resource: Resource, body: Object) -> None:
        self._server.put(resource, body)

    def remove(self, resource: Resource, name: str) -> None:
        """Of a kind without namespaces."""
        self._server.remove(resource, name)

    def choice(self, among: Sequence[Choice]) -> Choice:
        return self._rng.choice(among)

    def after(self, seconds: tuple[float, float], work: Callable[[], None]) -> None:
        self._later(self._rng.uniform(*seconds), work)

    def release(self, version: str, behaviour: Behaviour, **changes: Any) -> None:
        plan = self.plan
        size = {"replicas": plan.replicas, "autoscaled": plan.autoscaled, "fallback": plan.fallback}
        spec = model_spec(plan.policy, plan.tier, version, **size, **changes)
        self.behaviours.setdefault(revision_of(AIModelSpec.model_validate(spec), {}).revision, behaviour)
        self._released.append(spec)
        self._ask_for(spec)

    def take_over(self) -> None:
        """A trace begins with a version that is live: from now on it has the size and the fallback that the plan says."""
        serving = model_spec(
            self.plan.policy, self.plan.tier, "", replicas=self.plan.replicas, autoscaled=self.plan.autoscaled, fallback=self.plan.fallback
        )["serving"]
        spec = self._released[-1]
        before = spec["serving"]["deployment"]
        deployment = {**serving["deployment"], "template": before["template"]}
        self._released[-1] = {**spec, "serving": {**serving, "deployment": deployment}}
        self._ask_for(self._released[-1])

    def release_another(self) -> None:
        weights, rows = zip(*BEHAVIOURS, strict=True)
        behaviour = self._rng.choices(rows, weights)[0]
        self.release(f"{behaviour.name}-{len(self._released)}", behaviour)

    def release_unchanged(self) -> None:
        """The present content with another memory limit."""
        version = self._released[-1]["version"]
        self.release(version, self._behaviour_of(self._released[-1]), memory=f"{self._rng.randrange(2, 6)}Gi")

    def back_to(self, version: str) -> None:
        """Ask for a version that was released before, by its revision."""
        for spec in self._released:
            if revision_of(AIModelSpec.model_validate(spec), {}).revision == version:
                self._ask_for(spec)

    def back_to_stable(self) -> None:
        self.back_to((self.status.get("stable") or {}).get("revision", ""))

    def back_to_earlier(self) -> None:
        past = [entry["revision"] for entry in self.status.get("past") or () if entry.get("wasLive")]
        if past:
            self.back_to(self._rng.choice(past))

    def intervene(self, decision: str) -> None:
        """About the candidate, else what was taken back last, else what is live."""
        status = self.status
        stable = status.get("stable")
        present = status.get("candidate") or (status.get("blocked") or [None])[-1]
        if present is not None and (decision != "Rollback" or self._rng.random() < 0.7):
            target = {"revision": present["revision"], "attempt": present["attempt"]}
        elif stable is not None:
            target = {"revision": stable["revision"], "attempt": max(status.get("attempts", 1), 1)}
        else:
            return
        self.decide(decision, "oncall@bank", target=target)

    def oppose(self, decision: str) -> None:
        gate = (self.status.get("candidate") or {}).get("gate")
        if gate:
            role = "technical-validation"
            self.decide(decision, PEOPLE[role], gate="Deployment", role=role, subject=gate["subject"])

    def delete_approvals(self) -> None:
        """One of them, or all."""
        names = [body["metadata"]["name"] for body in self._server.of(GOVERNANCE_APPROVALS)]
        for name in names if self._rng.random() < 0.3 else self._rng.sample(names, min(1, len(names))):
            self._server.remove(GOVERNANCE_APPROVALS, name, NAMESPACE)

    def edit_route(self, *, lowered: bool = False) -> None:
        """Somebody else moves weights by hand, between versions that have users already."""
        route = self._server.find(HTTP_ROUTES, MODEL, NAMESPACE)
        backends = (route["spec"]["rules"][0].get("backendRefs") or []) if route else []
        if len(backends) != 2:
            return
        weight = 1 if lowered else self._rng.choice((1, 100, 500, 900, 999))
        rule = {**route["spec"]["rules"][0], "backendRefs": [{**backends[0], "weight": 1000 - weight}, {**backends[1], "weight": weight}]}
        self._server.put(HTTP_ROUTES, {**route, "spec": {**route["spec"], "rules": [rule]}})

    def edit_hostnames(self) -> None:
        spec = self._released[-1]
        changed = {**spec, "traffic": {**spec["traffic"], "hostnames": ["credit.example", f"credit-{self._serial}.example"]}}
        self._released.append(changed)
        self._ask_for(changed)

    def wipe_status(self) -> None:
        """A cluster restored from its manifests: all that was decided is forgotten."""
        present = self._server.find(AIMODELS, MODEL, NAMESPACE)
        if present is not None:
            self._server.put(AIMODELS, {key: value for key, value in present.items() if key != "status"})

    def delete_model(self) -> None:
        """By mistake: it is applied again soon."""
        self._server.remove(AIMODELS, MODEL, NAMESPACE)
        self._later(self._rng.uniform(0.1, 15.0), self.apply_again)

    def apply_again(self) -> None:
        self._ask_for(self._released[-1])

    def freeze(self, **fields: str) -> None:
        """The whole cluster: no weight rises. With a `to` that is over: from the next look on they rise again."""
        metadata = {"name": FREEZE, "namespace": PLATFORM}
        self._server.put(CONFIG_MAPS, {"metadata": metadata, "data": {"by": "oncall@bank", "reason": "audit", **fields}})

    def _behaviour_of(self, spec: Object) -> Behaviour:
        return self.behaviour(revision_of(AIModelSpec.model_validate(spec), {}).revision)

    def _ask_for(self, spec: Object) -> None:
        present = self._server.find(AIMODELS, MODEL, NAMESPACE)
        metadata = present["metadata"] if present else {"name": MODEL, "namespace": NAMESPACE}
        self._server.put(AIMODELS, {**(present or {}), "metadata": metadata, "spec": spec})


ACTS: dict[str, Callable[[People], None]] = {
    "release": People.release_another,
    "release-again": People.release_another,
    "release-unchanged": People.release_unchanged,
    "back-to-stable": People.back_to_stable,
    "back-to-earlier": People.back_to_earlier,
    "halt": lambda people: people.intervene("Halt"),
    "rollback": lambda people: people.intervene("Rollback"),
    "pause": lambda people: people.intervene("Pause"),
    "resume": lambda people: people.intervene("Resume"),
    "retry": lambda people: people.intervene("Retry"),
    "promote": lambda people: people.intervene("Promote"),
    "reject": lambda people: people.oppose("Reject"),
    "revoke": lambda people: people.oppose("Revoke"),
    "delete-approvals": People.delete_approvals,
    "edit-route": People.edit_route,
    "edit-hostnames": People.edit_hostnames,
    "wipe-status": People.wipe_status,
    "delete-model": People.delete_model,
    **governed.ACTS,
}
ACTS_ON_ORDER: dict[str, Callable[[People], None]] = {
    "freeze": People.freeze,
    "lift-freeze": lambda people: people.freeze(to="2020-01-01T00:00:00Z"),
}
"""What is never drawn, because a trace in which nobody ends it would not end."""
