"""The model's HTTPRoute: what was observed, what is wanted, and in which way the two differ. Pure."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import TypeAdapter, ValidationError

from headgate.api.aimodel import AIModelSpec, ParentRef, RouteRule
from headgate.api.digests import sha256
from headgate.api.reasons import Reason
from headgate.api.remembering import per_object
from headgate.api.status import AIModelStatus, AttemptKind, Blocked
from headgate.api.traffic_status import FALLBACK, TrafficStatus
from headgate.controller.facts import ModelKey
from headgate.kube.interface import Object
from headgate.kube.labels import ATTEMPT, BLOCKED, SHARES, Owner, revision_name, revision_of
from headgate.kube.routes import FULL_WEIGHT, Mirror, Slot, WantedRoute, gateway
from headgate.rollout.snapshot import Problem, RouteState

_BLOCKED = TypeAdapter(tuple[Blocked, ...])
_SHARES = TypeAdapter(dict[str, int])


_read = per_object(512)(gateway.read)


def route_state(
    observed: Object | None, spec: AIModelSpec | None, gateways: Mapping[ModelKey, Object] | None, namespace: str
) -> RouteState:
    """`observed` is read once for as long as it is the same object: nobody may change it.

    `gateways`: all that exist, None if that is not known. Accepted means: by every parent, for the present generation, with all
    references resolved and, where gateways tell, programmed."""
    missing = _gateway_problem(spec, gateways, namespace) if spec is not None and gateways is not None else None
    if observed is None:
        return RouteState(problem=missing)
    seen = _read(observed)
    answers = (seen.accepted, seen.resolved, seen.programmed)
    if seen.accepted is False or seen.resolved is False or seen.programmed is False:
        accepted: bool | None = False
    else:
        accepted = True if answers[:2] == (True, True) else None
    problem = missing
    if problem is None and accepted is False:
        words = f"the gateway does not take route {namespace}/{observed['metadata']['name']}: {seen.reason}: {seen.message}"
        problem = Problem(Reason.ROUTE_NOT_ACCEPTED, f"{words}. Check spec.traffic: parentRefs, hostnames, rules"[:1000])
    mirror = revision_of(observed["metadata"]["name"], seen.mirror_service)
    return RouteState(
        exists=True,
        weights=dict(seen.weights),
        written=_written(observed),
        mirrored={mirror: round(seen.mirror_percent * 10)} if mirror else {},
        accepted=accepted,
        problem=problem,
        attempt=_attempt(observed),
        blocked=_remembered(observed),
        edited_by=seen.foreign_managers,
    )


def _attempt(observed: Object) -> int:
    label = (observed["metadata"].get("labels") or {}).get(ATTEMPT) or ""
    return int(label) if label.isdigit() else 0


def _remembered(observed: Object) -> tuple[Blocked, ...]:
    """Empty for what cannot be read: the annotation is a help, and nobody but the operator writes it."""
    text = (observed["metadata"].get("annotations") or {}).get(BLOCKED)
    try:
        return _BLOCKED.validate_json(text) if text else ()
    except ValidationError:
        return ()


def _memory(blocked: tuple[Blocked, ...]) -> dict[str, str]:
    """What a route keeps of the versions that were taken back, so that none of them returns because a status was lost."""
    if not blocked:
        return {}
    entries = [entry.model_dump(mode="json", by_alias=True, exclude={"message", "evidence"}) for entry in blocked]
    return {BLOCKED: json.dumps(entries, separators=(",", ":"))}


def _written(observed: Object) -> dict[str, int]:
    """Empty for what cannot be read, as above."""
    text = (observed["metadata"].get("annotations") or {}).get(SHARES)
    try:
        return _SHARES.validate_json(text) if text else {}
    except ValidationError:
        return {}


def _signature(traffic: TrafficStatus) -> dict[str, str]:
    """What a route says of the shares that were written with it, so that a share that somebody lowered by hand is known from one that
    was not raised yet. A version that is alone has nobody to be compared with: models at rest need no write."""
    if len(traffic.slots) < 2:
        return {}
    return {SHARES: json.dumps({slot.revision: slot.weight for slot in traffic.slots}, separators=(",", ":"))}


def _gateway_problem(spec: AIModelSpec, gateways: Mapping[ModelKey, Object], namespace: str) -> Problem | None:
    for ref in spec.traffic.parent_refs:
        name = ModelKey(ref.namespace or namespace, ref.name)
        if name not in gateways:
            where = f"Gateway {name.namespace}/{name.name}"
            return Problem(Reason.ROUTE_NOT_ACCEPTED, f"{where} does not exist: create it, or correct spec.traffic.parentRefs")
        seen = gateway.read_gateway(gateways[name])
        if seen.programmed is False:
            words = f"Gateway {name.namespace}/{name.name} is not programmed: {seen.reason}: {seen.message}"
            return Problem(Reason.ROUTE_NOT_ACCEPTED, words[:1000])
    return None


@dataclass(frozen=True, slots=True)
class RoutePlan:
    """How the route in the cluster becomes the wanted one.

    `full` is the whole intent. `edited`: it also changes what users wrote (hosts, rules, parents), not only destinations; then
    `kept` is the last accepted route with the wanted destinations. `raises`: a version that is still to prove itself gets more than
    it has, so the write must rest on `seen_version`. `moves`: destinations or their shares change.
    """

    full: Object
    kept: Object | None
    edited: bool
    edit: str
    """Digest of what users wrote, for remembering refusals."""
    moves: bool
    raises: bool
    seen_version: str

    @property
    def lowers(self) -> bool:
        """Users are moved away from a version that must not have them: this must happen whatever else goes wrong."""
        return self.moves and not self.raises


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the route is made from. Without a readable `spec` only the destinations of an existing route can be changed."""

    key: ModelKey
    owner: Owner | None
    spec: AIModelSpec | None
    traffic: TrafficStatus
    attempt: str
    blocked: tuple[Blocked, ...]
    ports: Mapping[str, int]


def plan_route(wanted: Wanted, observed: Object | None, before: AIModelStatus, after: AIModelStatus) -> RoutePlan | None:
    """None if the route already says what is wanted, or nothing can be said. `before` and `after`: the status decided on, and decided."""
    spec = wanted.spec
    full = gateway.render(_target(wanted, spec)) if spec is not None else _kept(wanted, observed)
    if full is None or not gateway.differs(full, observed):
        return None
    kept = _kept(wanted, observed) if spec is not None else full
    seen = route_state(observed, None, None, wanted.key.namespace)
    moves = _moves(wanted.traffic, seen)
    return RoutePlan(
        full=full,
        kept=kept,
        edited=kept is not None and gateway.differs(full, kept),
        edit=sha256(spec.traffic.model_dump(mode="json", by_alias=True)) if spec is not None else "",
        moves=moves,
        raises=moves and _raises(wanted.traffic, seen, before, after),
        seen_version=observed["metadata"].get("resourceVersion", "") if observed is not None else "",
    )


def _kept(wanted: Wanted, observed: Object | None) -> Object | None:
    """The last accepted route with the wanted destinations."""
    return gateway.with_weights(observed, _target(wanted, None)) if observed is not None else None


def _moves(traffic: TrafficStatus, seen: RouteState) -> bool:
    mirrored = {traffic.mirror.revision: traffic.mirror.permille} if traffic.mirror else {}
    return traffic.shares != {revision: weight for revision, weight in seen.weights.items() if weight} or mirrored != seen.mirrored


def _raises(traffic: TrafficStatus, seen: RouteState, before: AIModelStatus, after: AIModelStatus) -> bool:
    """A restored version has proven itself earlier: the way back to it is a rollback."""
    unproven = {c.revision for c in (before.candidate, after.candidate) if c is not None and c.kind is not AttemptKind.RESTORE}
    mirrored = {traffic.mirror.revision: traffic.mirror.permille} if traffic.mirror else {}
    return any(
        traffic.weight_of(revision) > seen.weights.get(revision, 0) or mirrored.get(revision, 0) > seen.mirrored.get(revision, 0)
        for revision in unproven
    )


def _target(wanted: Wanted, spec: AIModelSpec | None) -> WantedRoute:
    """Without `spec` only the part that is Headgate's."""
    traffic, model = wanted.traffic, wanted.key.name
    usual = wanted.spec.serving.deployment.port if wanted.spec is not None else 0
    ports = {revision: port or usual for revision, port in wanted.ports.items()}
    slots = tuple(
        Slot(revision_name(model, slot.revision), ports.get(slot.revision, usual), slot.weight, slot.revision) for slot in traffic.slots
    )
    if traffic.fallback is not None:
        slots = (*slots, Slot(traffic.fallback.service, traffic.fallback.port, traffic.fallback.weight, FALLBACK))
    mirror = None
    if traffic.mirror is not None:
        copied = traffic.mirror.revision
        mirror = Mirror(revision_name(model, copied), ports.get(copied, usual), traffic.mirror.permille * 100 / FULL_WEIGHT)
    return WantedRoute(
        name=model,
        namespace=wanted.key.namespace,
        owner=wanted.owner,
        parent_refs=tuple(_parent(ref) for ref in spec.traffic.parent_refs) if spec else (),
        hostnames=spec.traffic.hostnames if spec else (),
        rules=tuple(_rule(rule) for rule in spec.traffic.rules) if spec else (),
        slots=slots,
        mirror=mirror,
        attempt=wanted.attempt,
        annotations={**_memory(wanted.blocked), **_signature(traffic)},
    )


def _parent(ref: ParentRef) -> dict[str, Any]:
    return ref.model_dump(mode="json", by_alias=True, exclude_none=True)


def _rule(rule: RouteRule) -> dict[str, Any]:
    """Lists that the user left out stay out: an empty list of matches is not the default one."""
    return {key: value for key, value in rule.model_dump(mode="json", by_alias=True, exclude_none=True).items() if value}
