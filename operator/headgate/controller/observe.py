"""Cache and evidence -> Snapshot: everything known about one model at one instant. Reads memory only, writes nothing, waits for nothing."""

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import lru_cache
from zoneinfo import ZoneInfo

from pydantic import ValidationError

from headgate.api.aimodel import AIModelSpec, DeletionPolicy
from headgate.api.approval import ApprovalState, GovernanceApprovalSpec
from headgate.api.conditions import WATCHED
from headgate.api.policy import RolloutPolicySpec
from headgate.api.reasons import Reason
from headgate.api.remembering import latest_per_key
from headgate.api.status import AIModelStatus
from headgate.controller.cache import Cache
from headgate.controller.facts import ApprovalFacts, ModelFacts, ModelKey, PolicyFacts
from headgate.controller.freeze import FreezeState
from headgate.controller.health import workload_state
from headgate.controller.inventory import Owned
from headgate.controller.proof import Authorship, Proof
from headgate.controller.replay_facts import replay_runs
from headgate.controller.routing import route_state
from headgate.evidence.guards import WINDOW
from headgate.evidence.view import Evidence, LiveReading
from headgate.governance.approvals import Approval
from headgate.governance.classification import BY_DEFAULT, TableState
from headgate.governance.literacy import Literacy
from headgate.governance.trust import Trust
from headgate.kube.interface import Object
from headgate.kube.labels import Owner, revision_name
from headgate.kube.resources import AIMODELS, GATEWAYS, GOVERNANCE_APPROVALS
from headgate.prometheus.profiles import PROFILES, Target
from headgate.rollout.alerts import AlertsSeen
from headgate.rollout.bypass import WaysAround, bypass_words
from headgate.rollout.calendar import Calendar
from headgate.rollout.decision import Decision
from headgate.rollout.people import UNQUESTIONED
from headgate.rollout.questions import is_judged
from headgate.rollout.rebuild import is_lost
from headgate.rollout.snapshot import AuditState, ClockStep, ConfigurationState, PolicyState, Problem, Snapshot, WorkloadState

_MOST_MODELS = 1024
"""Whose spec and status are kept as objects, 50 kB together: as many as are in rollout at a time. Others are seldom looked at."""


class UnreadableStatus(Exception):  # noqa: N818  named for what it says about the object
    """A stored status that this version does not understand. Deciding without it would reset weights, so nothing is decided."""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a decision needs beside the cache. `governance_problem` and `proof` come from the enforcement check, `refusal` is what the
    API server said to the last apply."""

    now: datetime
    environment: str
    policy_namespace: str
    configuration: ConfigurationState = field(default_factory=ConfigurationState)
    freeze: FreezeState = field(default_factory=FreezeState)
    table: TableState = BY_DEFAULT
    trust: Trust = field(default_factory=Trust)
    literacy: Literacy = field(default_factory=Literacy)
    clock_step: ClockStep | None = None
    governance_problem: str = ""
    ways: WaysAround = field(default_factory=WaysAround)
    proof: Proof = field(default_factory=Proof)
    evidence: Evidence | None = None
    live: LiveReading | None = None
    audit: AuditState = field(default_factory=AuditState)
    alerts: AlertsSeen = field(default_factory=AlertsSeen)
    refusal: Problem | None = None
    replay_refusal: str = ""
    sees_gateways: bool = True
    """Whether all namespaces are watched, so that an unknown Gateway is one that does not exist."""


@dataclass(frozen=True, slots=True)
class Observation:
    """A Snapshot, and what apply needs to write back: the versions that were seen. `policy` is the name of the policy that the stored spec
    names, even where the rest of that cannot be read."""

    key: ModelKey
    snapshot: Snapshot
    policy: str
    owner: Owner
    resource_version: str
    route: Object | None

    def owning(self, decision: Decision) -> Owner | None:
        """The owner of what is made for the model: none while that is to outlive it."""
        return self.owner if decision.deletion is DeletionPolicy.DELETE else None


def observe(cache: Cache, key: ModelKey, around: Surroundings) -> Observation | None:
    """None if there is no such model, or it is being deleted. Raises UnreadableStatus."""
    model = cache.models.get(key)
    if model is None or model.leaving:
        return None
    owned = cache.owned(key)
    spec, invalid = parse_spec(key, model.spec)
    status = parse_status(key, model.status)
    route, workloads = route_of(owned), workloads_of(owned, around.now)
    serving = route_state(route, spec, _gateways(cache, around), key.namespace)
    policy, pinned = _policy(cache.policies.get(model.policy), model, around), _pinned(owned.copies, status)
    approvals, awaiting = _approvals(cache, key, around.proof)
    snapshot = Snapshot(
        now=around.now,
        environment=around.environment,
        namespace=key.namespace,
        name=key.name,
        generation=model.generation,
        spec=spec,
        status=status,
        configuration=around.configuration,
        policy=policy,
        pinned=pinned,
        copies=_copies(owned.copies) if is_lost(status, serving, workloads) else {},
        established=model.established,
        table=around.table,
        calendar=_calendar(policy, pinned, around.freeze),
        clock_step=around.clock_step,
        approvals=approvals,
        awaiting=awaiting,
        admission_unseen=around.proof.unanswered,
        unreadable=_unreadable(cache, key),
        trust=around.trust,
        literacy=around.literacy,
        approvals_known=GOVERNANCE_APPROVALS.plural in cache.complete,
        workloads=workloads,
        route=serving,
        evidence=around.evidence,
        replays=replay_runs(owned.replays, owned.runners.values()) if owned.replays else {},
        replay_refusal=around.replay_refusal,
        live=_live(around, status),
        governance_problem=around.governance_problem,
        bypass=_bypass(around.ways, spec, key, owned),
        audit=around.audit,
        alerts=around.alerts,
        query=_query(key, pinned) if around.evidence is not None else "",
        refusal=around.refusal,
        invalid=invalid,
    )
    owner = Owner(AIMODELS.api_version, AIMODELS.kind, key.name, model.uid)
    return Observation(key, snapshot, model.policy, owner, model.resource_version, route)


def workloads_of(owned: Owned, now: datetime) -> dict[str, WorkloadState]:
    """By revision: of each there is a Deployment, a Service or a pod."""
    pods = tuple(owned.pods.values())
    return {
        revision: workload_state(
            owned.deployments.get(revision),
            owned.autoscalers.get(revision),
            tuple(pod for pod in pods if pod.revision == revision),
            tuple(owned.restarts.get(revision, ())),
            now,
        )
        for revision in {*owned.deployments, *owned.autoscalers, *owned.ports, *(pod.revision for pod in pods)}
    }


def route_of(owned: Owned) -> Object | None:
    """The HTTPRoute as the cluster has it. Nobody may change it: it is shared by all who ask as long as it stays the same."""
    return _decoded(owned.route) if owned.route else None


@lru_cache(maxsize=512)
def _decoded(record: bytes) -> Object:
    decoded: Object = json.loads(record)
    return decoded


@latest_per_key(_MOST_MODELS)
def parse_spec(raw: bytes) -> tuple[AIModelSpec | None, str]:
    """The spec, or None and what is wrong with it, field by field."""
    try:
        return AIModelSpec.model_validate_json(raw), ""
    except ValidationError as error:
        return None, _words(error, "spec")


@latest_per_key(_MOST_MODELS)
def parse_status(raw: bytes) -> AIModelStatus:
    """What the operator wrote: conditions of `headgate monitor` are left out, so that they are neither a change nor written again.

    Raises UnreadableStatus.
    """
    try:
        status = AIModelStatus.model_validate_json(raw)
    except ValidationError as error:
        raise UnreadableStatus(_words(error, "status")) from error
    own = tuple(condition for condition in status.conditions if condition.type not in WATCHED)
    return status if len(own) == len(status.conditions) else status.model_copy(update={"conditions": own})


@lru_cache(maxsize=1024)
def parse_policy(raw: str | bytes) -> tuple[RolloutPolicySpec | None, str]:
    """The policy, or None and what is wrong with it."""
    try:
        return RolloutPolicySpec.model_validate_json(raw), ""
    except ValidationError as error:
        return None, _words(error, "spec")


def _words(error: ValidationError, root: str) -> str:
    """`spec.serving.deployment.port: Input should be less than or equal to 65535`, at most five of them."""
    found = [f"{'.'.join([root, *map(str, one['loc'])])}: {one['msg']}" for one in error.errors(include_url=False)]
    return "; ".join(found[:5])[:1000]


def _policy(policy: PolicyFacts | None, model: ModelFacts, around: Surroundings) -> PolicyState:
    where = f"RolloutPolicy {around.policy_namespace}/{model.policy}"
    if policy is None:
        message = f"{where} does not exist: create it there, or name another one in spec.policy.name"
        return PolicyState(problem=Problem(Reason.POLICY_NOT_FOUND, message))
    spec, wrong = parse_policy(policy.spec)
    if spec is not None and spec.windows is not None and zone_of(spec.windows.time_zone) is None:
        wrong = f"spec.windows.timeZone: {spec.windows.time_zone} is no time zone; write an IANA name like Europe/Berlin"
        spec = None
    return PolicyState(spec=spec, problem=Problem(Reason.POLICY_INVALID, f"{where} cannot be used: {wrong}") if wrong else None)


@lru_cache(maxsize=64)
def zone_of(name: str) -> ZoneInfo | None:
    """None for a name that the IANA database does not know."""
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        return None


def _calendar(policy: PolicyState, pinned: RolloutPolicySpec | None, freeze: FreezeState) -> Calendar:
    """Of the policy as it is now: a freeze that is added must bind what is under way. Of the copy where the policy is gone."""
    spec = policy.spec or pinned
    windows = spec.windows if spec is not None else None
    if windows is None:
        return Calendar(freezes=freeze.freezes, held=freeze.held)
    zone = zone_of(windows.time_zone)
    unknown = "" if zone is not None else f"{windows.time_zone} is no time zone"
    return Calendar(windows, zone or UTC, freeze.freezes, freeze.held or unknown)


def _bypass(ways: WaysAround, spec: AIModelSpec | None, key: ModelKey, owned: Owned) -> str:
    if spec is None or not (ways.by_host or ways.by_service or ways.by_namespace):
        return ""
    services = [revision_name(key.name, revision) for revision in owned.ports]
    pods = {(pod.revision, pod.labels) for pod in owned.pods.values()} if key.namespace in ways.by_namespace else ()
    return bypass_words(ways, spec.traffic, key.namespace, services, pods)


def _query(key: ModelKey, policy: RolloutPolicySpec | None) -> str:
    profile = PROFILES.get(policy.metrics.profile) if policy is not None else None
    return profile.selector([Target(key.namespace, key.name)]) if profile is not None else ""


def pinned_policy(cache: Cache, key: ModelKey, status: AIModelStatus) -> RolloutPolicySpec | None:
    """The copy that the present attempt runs on; None without an attempt, or until the copy is there."""
    return _pinned(cache.owned(key).copies, status)


def _pinned(copies: dict[str, str], status: AIModelStatus) -> RolloutPolicySpec | None:
    text = copies.get(status.candidate.policy_copy) if status.candidate else None
    return parse_policy(text)[0] if text is not None else None


def _copies(copies: dict[str, str]) -> dict[str, RolloutPolicySpec]:
    found = {name: parse_policy(text)[0] for name, text in sorted(copies.items())}
    return {name: policy for name, policy in found.items() if policy is not None}


def _live(around: Surroundings, status: AIModelStatus) -> LiveReading | None:
    """The reading, if it is of the version that is live now, not older than its window, and nobody else measures that version."""
    reading = around.live
    if reading is None or reading.as_of is None or status.stable is None or is_judged(status):
        return None
    fits = reading.revision == status.stable.revision and around.now.timestamp() - reading.as_of <= WINDOW
    return reading if fits else None


def _approvals(cache: Cache, key: ModelKey, proof: Proof) -> tuple[tuple[Approval, ...], tuple[Approval, ...]]:
    """Those to decide by, and those whose author a look at the admission policies has to prove first."""
    deciding: list[Approval] = []
    awaiting: list[Approval] = []
    for one in sorted(cache.approvals.get(key, {}).values(), key=lambda one: one.name):
        if one.spec is None:
            continue
        # Told once, it stays so: this process may not have seen what another one saw.
        author = Authorship.UNPROVEN if one.status.state is ApprovalState.UNPROVEN else proof.of(one.created, one.arrived)
        waits = author is Authorship.AWAITED and one.spec.signature is None and one.spec.decision not in UNQUESTIONED
        (awaiting if waits else deciding).append(_approval(one, one.spec, key, enforced=author is Authorship.PROVEN))
    return tuple(deciding), tuple(awaiting)


def _approval(one: ApprovalFacts, spec: GovernanceApprovalSpec, key: ModelKey, *, enforced: bool) -> Approval:
    return Approval(one.name, key.namespace, one.uid, one.created, spec, enforced=enforced, state=one.status.state)


def _unreadable(cache: Cache, key: ModelKey) -> dict[str, str]:
    return {one.name: one.problem for one in cache.approvals.get(key, {}).values() if one.spec is None}


def _gateways(cache: Cache, around: Surroundings) -> dict[ModelKey, Object] | None:
    if not around.sees_gateways or GATEWAYS.plural not in cache.complete:
        return None
    return {name: _decoded(record) for name, record in cache.gateways.items()}
