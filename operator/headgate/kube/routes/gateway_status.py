"""What an HTTPRoute in the cluster says: shares by revision, and the answers of its gateways, whichever controllers they belong to."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from headgate.kube.labels import FIELD_MANAGER, revision_of
from headgate.kube.routes import FULL_WEIGHT, ObservedRoute

REVISION_HEADER = "x-headgate-revision"
_GATEWAY_GROUP = "gateway.networking.k8s.io"
_ANSWERS = ("Accepted", "ResolvedRefs", "Programmed")

Fields = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class _Answer:
    """One condition of one parent. `status` is None if it was not given for the current generation."""

    condition: str
    status: bool | None
    reason: str = ""
    message: str = ""


def read(observed: Fields | None) -> ObservedRoute:
    """See Router.read: all fields as ObservedRoute describes them."""
    if observed is None:
        return ObservedRoute()
    metadata = observed["metadata"]
    rules = (observed.get("spec") or {}).get("rules") or []
    shares = [_shares(metadata["name"], rule) for rule in rules]
    mirror_service, mirror_percent = _mirror(metadata["name"], rules)
    answers = _answers(observed)
    worst = _worst([answer for answer in answers if answer.condition != "Programmed" or answer.status is not None])
    return ObservedRoute(
        exists=True,
        resource_version=metadata.get("resourceVersion") or "",
        weights=_greatest(shares),
        uniform=all(share == shares[0] for share in shares),
        order=tuple(shares[0]) if shares else (),
        mirror_service=mirror_service,
        mirror_percent=mirror_percent,
        accepted=_joined(answers, "Accepted"),
        resolved=_joined(answers, "ResolvedRefs"),
        programmed=_joined(answers, "Programmed"),
        reason=worst.reason,
        message=worst.message,
        generation_current=all(answer.status is not None for answer in answers if answer.condition == "Accepted"),
        foreign_managers=_foreign_managers(metadata),
    )


@dataclass(frozen=True, slots=True)
class ObservedGateway:
    """Whether a Gateway is there and has configured its proxies for its current generation; None: it has not said yet."""

    exists: bool = False
    programmed: bool | None = None
    reason: str = ""
    message: str = ""


def read_gateway(observed: Fields | None) -> ObservedGateway:
    """Of a Gateway object, None if there is none. Routes rarely carry Programmed themselves."""
    if observed is None:
        return ObservedGateway()
    metadata, status = observed["metadata"], observed.get("status") or {}
    parent = _parent_key({"name": metadata["name"]}, metadata["namespace"])
    answer = _answer("Programmed", status, parent, metadata.get("generation"))
    return ObservedGateway(True, answer.status, answer.reason, answer.message)


def _shares(model: str, rule: Fields) -> dict[str, int]:
    """Share in 0..1000 by revision, in the order of the references. Foreign writers need not keep our sum."""
    backends = rule.get("backendRefs") or []
    total = sum(_weight(backend) for backend in backends)
    shares: dict[str, int] = {}
    for backend in backends:
        revision = _revision(model, backend)
        shares[revision] = shares.get(revision, 0) + (round(_weight(backend) * FULL_WEIGHT / total) if total else 0)
    return shares


def _weight(backend: Fields) -> int:
    weight = backend.get("weight")
    return 1 if weight is None else int(weight)


def _revision(model: str, backend: Fields) -> str:
    """By the name of the Service. Only what is no revision of ours is known by the header we set for it, else by its own name."""
    by_name = revision_of(model, backend["name"])
    if by_name is not None:
        return by_name
    for route_filter in backend.get("filters") or ():
        for header in (route_filter.get("responseHeaderModifier") or {}).get("set") or ():
            if header.get("name", "").lower() == REVISION_HEADER:
                return str(header["value"])
    return str(backend["name"])


def _greatest(shares: Iterable[Mapping[str, int]]) -> dict[str, int]:
    greatest: dict[str, int] = {}
    for share in shares:
        for revision, weight in share.items():
            greatest[revision] = max(weight, greatest.get(revision, 0))
    return greatest


def _mirror(model: str, rules: Sequence[Fields]) -> tuple[str, float]:
    """Service and percent of the mirror to one of our revisions, the greatest over all rules; ("", 0) without one."""
    found = ("", 0.0)
    for rule in rules:
        for route_filter in rule.get("filters") or ():
            mirror = route_filter.get("requestMirror") or {}
            service = (mirror.get("backendRef") or {}).get("name") or ""
            if revision_of(model, service) is not None and _percent(mirror) > found[1]:
                found = (service, _percent(mirror))
    return found


def _percent(mirror: Fields) -> float:
    """Without a number the API mirrors everything."""
    fraction = mirror.get("fraction")
    if fraction:
        return float(100 * fraction["numerator"] / (fraction.get("denominator") or 100))
    percent = mirror.get("percent")
    return 100.0 if percent is None else float(percent)


def _answers(route: Fields) -> list[_Answer]:
    """Of every parent that the spec names, every condition of interest, from whichever controllers answered."""
    metadata = route["metadata"]
    reports = (route.get("status") or {}).get("parents") or []
    answers: list[_Answer] = []
    for ref in (route.get("spec") or {}).get("parentRefs") or []:
        parent = _parent_key(ref, metadata["namespace"])
        mine = [report for report in reports if _parent_key(report["parentRef"], metadata["namespace"]) == parent]
        for report in mine or [{}]:
            answers += [_answer(condition, report, parent, metadata.get("generation")) for condition in _ANSWERS]
    return answers


def _parent_key(ref: Fields, namespace: str) -> tuple[Any, ...]:
    kind = (ref.get("group", _GATEWAY_GROUP), ref.get("kind") or "Gateway")
    return (*kind, ref.get("namespace") or namespace, ref["name"], ref.get("sectionName") or "", ref.get("port"))


def _answer(condition: str, report: Fields, parent: tuple[Any, ...], generation: int | None) -> _Answer:
    given = next((item for item in report.get("conditions") or () if item["type"] == condition), None)
    if given is None or given.get("observedGeneration", generation) != generation:
        _, kind, namespace, name, *_ = parent
        return _Answer(condition, None, "Unanswered", f"{kind} {namespace}/{name} has not answered for generation {generation} yet")
    status = {"True": True, "False": False}.get(given["status"])
    return _Answer(condition, status, given.get("reason") or "", given.get("message") or "")


def _joined(answers: Sequence[_Answer], condition: str) -> bool | None:
    """False as soon as one parent says so, True if all do."""
    statuses = [answer.status for answer in answers if answer.condition == condition]
    if False in statuses:
        return False
    return True if statuses and None not in statuses else None


def _worst(answers: Sequence[_Answer]) -> _Answer:
    for status in (False, None, True):
        for answer in answers:
            if answer.status is status:
                return answer
    return _Answer("Accepted", None, "NoParent", "the route names no parentRefs: no gateway will serve it")


def _foreign_managers(metadata: Fields) -> tuple[str, ...]:
    """Managers other than Headgate that own fields of the spec, each once. Empty if the object came without managedFields."""
    entries = metadata.get("managedFields") or ()
    names = {entry.get("manager", "") for entry in entries if not entry.get("subresource") and "f:spec" in (entry.get("fieldsV1") or {})}
    return tuple(sorted(names - {FIELD_MANAGER}))
