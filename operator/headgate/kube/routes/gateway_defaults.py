"""What the Gateway API v1.6 CRD of HTTPRoute adds to a spec by default, so that a written route can be compared with a stored one.

Source: the `default` entries of the CRD's schema (both channels).
"""

from collections.abc import Callable, Mapping
from typing import Any

Fields = dict[str, Any]

_ROOT_PATH = {"type": "PathPrefix", "value": "/"}
_GATEWAY = {"group": "gateway.networking.k8s.io", "kind": "Gateway"}
_SERVICE = {"group": "", "kind": "Service"}

_KNOWN = frozenset(
    {
        *("parentRefs", "hostnames", "rules"),
        *("name", "matches", "filters", "backendRefs", "timeouts", "retry", "sessionPersistence"),
        *("group", "kind", "namespace", "sectionName", "port", "weight"),
        *("path", "headers", "queryParams", "method", "type", "value"),
        *("requestHeaderModifier", "responseHeaderModifier", "requestMirror", "requestRedirect", "urlRewrite", "extensionRef"),
        *("cors", "externalAuth", "set", "add", "remove", "backendRef", "percent", "fraction", "numerator", "denominator"),
        *("request", "backendRequest", "codes", "attempts", "backoff", "scheme", "hostname", "statusCode"),
    }
)


def same_spec(intent: Any, observed: Any) -> bool:
    """Equality of defaulted specs. A field that v1.6 does not know is tolerated in `observed`: the default of a later version."""
    if isinstance(intent, Mapping) and isinstance(observed, Mapping):
        extra = {key for key, value in observed.items() if key not in intent and key in _KNOWN and value not in ([], {}, None)}
        return not extra and all(_same_field(value, observed.get(key)) for key, value in intent.items())
    if isinstance(intent, list | tuple) and isinstance(observed, list | tuple):
        return len(intent) == len(observed) and all(map(same_spec, intent, observed))
    return bool(intent == observed)


def _same_field(intent: Any, observed: Any) -> bool:
    return intent is None or (observed is None and intent in ([], {})) or same_spec(intent, observed)


def defaulted_spec(spec: Mapping[str, Any]) -> Fields:
    """A copy of an HTTPRoute spec as the API server would store it. Doing it twice changes nothing more."""
    result = _each({**spec}, "parentRefs", lambda ref: {**_GATEWAY, **ref})
    return _each({"rules": [{}], **result}, "rules", _rule)


def _rule(rule: Fields) -> Fields:
    result = _each({"matches": [{}], **rule}, "matches", _match)
    result = _each(_each(result, "filters", _filter), "backendRefs", _backend)
    persistence = result.get("sessionPersistence")
    if isinstance(persistence, Mapping):
        result["sessionPersistence"] = _persistence(dict(persistence))
    return result


def _match(match: Fields) -> Fields:
    result = {**match, "path": _over(_ROOT_PATH, match.get("path"))}
    for conditions in ("headers", "queryParams"):
        result = _each(result, conditions, lambda condition: {"type": "Exact", **condition})
    return result


def _backend(backend: Fields) -> Fields:
    return _each({**_SERVICE, "weight": 1, **backend}, "filters", _filter)


def _filter(route_filter: Fields) -> Fields:
    result = dict(route_filter)
    for key, default in _FILTER_DEFAULTS.items():
        if isinstance(result.get(key), Mapping):
            result[key] = default(dict(result[key]))
    return result


def _mirror(mirror: Fields) -> Fields:
    result = _with_service(mirror)
    if isinstance(result.get("fraction"), Mapping):
        result["fraction"] = {"denominator": 100, **result["fraction"]}
    return result


def _with_service(fields: Fields) -> Fields:
    return {**fields, "backendRef": _over(_SERVICE, fields.get("backendRef"))}


def _persistence(persistence: Fields) -> Fields:
    result = {"type": "Cookie", **persistence}
    if isinstance(result.get("cookieConfig"), Mapping):
        result["cookieConfig"] = {"lifetimeType": "Session", **result["cookieConfig"]}
    return result


_FILTER_DEFAULTS: Mapping[str, Callable[[Fields], Fields]] = {
    "requestMirror": _mirror,
    "externalAuth": _with_service,
    "requestRedirect": lambda redirect: {"statusCode": 302, **redirect},
    "cors": lambda cors: {"maxAge": 5, **cors},
}


def _over(defaults: Fields, value: Any) -> Any:
    """`value` with `defaults` behind it. Anything that is no object stays: the server refuses it."""
    return {**defaults, **(value or {})} if value is None or isinstance(value, Mapping) else value


def _each(fields: Fields, key: str, change: Callable[[Fields], Fields]) -> Fields:
    """`fields` with `change` done to each object in the list under `key`. Anything of another shape stays: the server refuses it."""
    items = fields.get(key)
    if not isinstance(items, list | tuple):
        return fields
    return {**fields, key: [change(dict(item)) if isinstance(item, Mapping) else item for item in items]}
