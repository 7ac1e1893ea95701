"""HTTPRoute of Gateway API v1: what is written. What comes back is read in `gateway_status`.

Lists of rules and backendRefs are atomic in the API, so a weight cannot be owned alone: the whole route is Headgate's.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from headgate.kube import containment
from headgate.kube.interface import Object
from headgate.kube.labels import ATTEMPT, CANDIDATE, MODEL, PREFIX, STABLE, object_metadata, revision_of
from headgate.kube.resources import HTTP_ROUTES
from headgate.kube.routes import Mirror, Slot, WantedRoute
from headgate.kube.routes.gateway_defaults import defaulted_spec, same_spec
from headgate.kube.routes.gateway_status import REVISION_HEADER, ObservedGateway, read, read_gateway

__all__ = ["RESOURCE", "REVISION_HEADER", "ObservedGateway", "differs", "read", "read_gateway", "render", "with_weights"]

RESOURCE = HTTP_ROUTES


def render(wanted: WantedRoute) -> Object:
    """See Router.render. Versions at weight 0 have no backendRef; a route without any version has none at all and answers 500."""
    backends = [_backend(slot) for slot in _places(wanted.slots)]
    rules = [_rule(rule, wanted.mirror, backends) for rule in wanted.rules or ({},)]
    spec: dict[str, Any] = {"parentRefs": [dict(ref) for ref in wanted.parent_refs], "rules": rules}
    if wanted.hostnames:
        spec["hostnames"] = list(wanted.hostnames)
    metadata = object_metadata(wanted.name, wanted.namespace, wanted.owner, _labels(wanted))
    if wanted.annotations:
        metadata["annotations"] = dict(wanted.annotations)
    return {"apiVersion": RESOURCE.api_version, "kind": RESOURCE.kind, "metadata": metadata, "spec": spec}


def with_weights(last_accepted: Mapping[str, Any], wanted: WantedRoute) -> Object:
    """See Router.with_weights."""
    spec = last_accepted["spec"]
    accepted = replace(
        wanted,
        parent_refs=tuple(spec.get("parentRefs") or ()),
        hostnames=tuple(spec.get("hostnames") or ()),
        rules=tuple(_users_rule(wanted.name, rule) for rule in spec.get("rules") or ()),
    )
    return render(accepted)


def differs(intent: Mapping[str, Any], observed: Mapping[str, Any] | None) -> bool:
    """See Router.differs. The spec must be equal but for defaults, in both directions: an added filter is traffic led elsewhere."""
    if observed is None:
        return True
    mine, theirs = intent["metadata"], observed["metadata"]
    if containment.differs(mine, theirs) or any(_own(mine, marks) != _own(theirs, marks) for marks in ("labels", "annotations")):
        return True
    wanted, present = defaulted_spec(intent["spec"]), defaulted_spec(observed.get("spec") or {})
    # Equality is the usual case, and costs a tenth.
    return wanted != present and not same_spec(wanted, present)


def _labels(wanted: WantedRoute) -> dict[str, str]:
    """Enough to rebuild a lost status: which revision is which, and in which attempt. A fallback is no revision and has no label."""
    roles = zip((STABLE, CANDIDATE), wanted.slots, strict=False)
    revisions = {label: slot.revision for label, slot in roles if revision_of(wanted.name, slot.service)}
    return {MODEL: wanted.name, ATTEMPT: wanted.attempt, **revisions}


def _own(metadata: Mapping[str, Any], marks: str) -> dict[str, str]:
    """Compared as a whole: the label of a candidate that is no more must go."""
    return {key: value for key, value in (metadata.get(marks) or {}).items() if key.startswith(PREFIX)}


def _places(slots: tuple[Slot, ...]) -> tuple[Slot, ...]:
    """Always two places in use, or none. A version that is alone holds both, 999 to 1.

    Envoy Gateway makes one cluster for each place, drops a place without weight, and Envoy removes a cluster before the routes that
    still name it: requests in between are answered 500 (measured: up to 4 in 6 switches at 300 requests/s). Where places only change
    hands, none was (30 switches). Removing a candidate then also means that even requests under the old weights reach the stable version.
    """
    used = tuple(slot for slot in slots if slot.weight > 0)
    if len(used) != 1:
        return used
    alone = used[0]
    return (replace(alone, weight=alone.weight - 1), replace(alone, weight=1))


def _backend(slot: Slot) -> dict[str, Any]:
    # Group, kind and weight are defaulted by the server: written out, GitOps tools and we ourselves see no difference.
    # The filter makes Envoy Gateway count each backend apart, and tells clients which version answered.
    return {
        "group": "",
        "kind": "Service",
        "name": slot.service,
        "port": slot.port,
        "weight": slot.weight,
        "filters": [
            {
                "type": "ResponseHeaderModifier",
                "responseHeaderModifier": {"set": [{"name": REVISION_HEADER, "value": slot.revision}]},
            }
        ],
    }


def _rule(users: Mapping[str, Any], mirror: Mirror | None, backends: list[dict[str, Any]]) -> dict[str, Any]:
    rule = {key: value for key, value in users.items() if key not in ("backendRefs", "filters")}
    # Ours comes before the user's filters: gateways number mirrors by position, and ours must keep the number 0.
    filters = users.get("filters") or []
    if mirror and isinstance(filters, list | tuple):
        filters = [_mirror_filter(mirror), *filters]
    if filters:
        rule["filters"] = filters
    if backends:
        rule["backendRefs"] = backends
    return rule


def _mirror_filter(mirror: Mirror) -> dict[str, Any]:
    backend = {"group": "", "kind": "Service", "name": mirror.service, "port": mirror.port}
    whole = round(mirror.percent)
    # `percent` is an integer in the API.
    exact = abs(mirror.percent - whole) < 0.05
    share = {"percent": whole} if exact else {"fraction": {"numerator": round(mirror.percent * 10), "denominator": 1000}}
    return {"type": "RequestMirror", "requestMirror": {"backendRef": backend, **share}}


def _users_rule(model: str, rule: Mapping[str, Any]) -> dict[str, Any]:
    """A rendered rule without what Headgate put into it."""
    filters = list(rule.get("filters") or ())
    if filters and _is_own_mirror(model, filters[0]):
        del filters[0]
    kept = {key: value for key, value in rule.items() if key not in ("backendRefs", "filters")}
    return {**kept, "filters": filters} if filters else kept


def _is_own_mirror(model: str, route_filter: Mapping[str, Any]) -> bool:
    backend = (route_filter.get("requestMirror") or {}).get("backendRef") or {}
    return revision_of(model, backend.get("name") or "") is not None
