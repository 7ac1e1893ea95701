"""Checks of the way that users take: Gateway API, Gateways, and whether copies of requests work. Pure."""

from collections.abc import Iterator, Mapping
from typing import Any

from headgate.cli.doctor.check import Check, fail, ok, some, unseen, warn
from headgate.cli.doctor.facts import Facts
from headgate.rollout.copying import plainly_off, tells

_BUNDLE = "gateway.networking.k8s.io/bundle-version"
_INSTALL = "install Gateway API v1 and a gateway that implements it"
_MIRROR = "HTTPRouteRequestMirror"
_PARTIAL = "HTTPRouteRequestPercentageMirror"


def routing(facts: Facts) -> Iterator[Check]:
    topic, asked = "Gateway API", facts.gateway_definition
    if asked.value is None:
        yield fail(topic, "the cluster does not know HTTPRoutes", _INSTALL) if asked.missing else unseen(topic, asked)
        return
    bundle = (asked.value["metadata"].get("annotations") or {}).get(_BUNDLE) or "of an unknown release"
    served = {one["name"] for one in asked.value["spec"]["versions"] if one.get("served")}
    if "v1" not in served:
        yield fail(topic, f"HTTPRoutes are served in {', '.join(sorted(served)) or 'no version'}, not in v1", _INSTALL)
        return
    yield ok(topic, f"{bundle}, with HTTPRoutes in v1")
    yield from _gateways(facts)
    yield from _mirrors(facts)


def _gateways(facts: Facts) -> Iterator[Check]:
    topic = "gateways"
    if facts.gateways.value is None:
        yield unseen(topic, facts.gateways)
        return
    there = {_place(one): one for one in facts.gateways.value}
    wanted = sorted({parent for model in facts.models.value or () for parent in model.parents})
    lacking = ["/".join(parent) for parent in wanted if parent not in there]
    if lacking:
        yield fail(
            topic, f"models attach to {', '.join(lacking)}, which is not there", "make the Gateway, or repair spec.traffic.parentRefs"
        )
    unready = ["/".join(parent) for parent in wanted if parent in there and not _programmed(there[parent])]
    if unready:
        todo = "kubectl describe gateway says why; its controller must be running"
        yield fail(topic, f"{', '.join(unready)} is not programmed: no proxy takes its routes", todo)
    if not lacking and not unready:
        yield ok(topic, f"all {len(wanted)} that models attach to are programmed" if wanted else "no model attaches to any yet")


def _mirrors(facts: Facts) -> Iterator[Check]:
    policies = facts.policies.value
    shadowed, partial = (policies.mirrors, policies.partial_mirrors) if policies else ((), ())
    for form, asked in facts.mirror_refused.items():
        topic, refusal = f"copies by {form}", asked.value
        if refusal is None:
            yield unseen(topic, asked)
        elif refusal:
            needed = f"; {', '.join(shadowed)} shadow by copies" if shadowed else ""
            judge = fail if shadowed else warn
            yield judge(topic, f"the API server does not take them: {refusal}{needed}", "install Gateway API v1.2 or newer")
        else:
            yield ok(topic, "the API server takes them (tried without storing)")
    yield from _features(facts, shadowed, partial)
    yield _arrived(facts)


def _arrived(facts: Facts) -> Check:
    """What gateways did with copies: they may take a share and not heed it. Known of candidates that are or were in shadow."""
    topic = "copies that arrived"
    if facts.models.value is None:
        return unseen(topic, facts.models)
    known = [(model, model.copies) for model in facts.models.value if model.copies is not None and tells(model.copies)]
    off = [f"{model.namespace}/{model.name} got {c.arrived:,} of {c.expected:,}" for model, c in known if plainly_off(c)]
    if off:
        said = f"not as many copies as were asked for reached candidates in shadow: {some(off)}"
        todo = "if the gateway heeds no share, set mirrorPercent: 100; if it copies nothing, use another one, or a policy without shadow"
        return warn(topic, said, todo)
    if not known:
        return ok(topic, "no candidate in shadow had enough requests yet, so nothing is known")
    return ok(topic, f"as many as were asked for, of all {len(known)} candidates that are or were in shadow")


def _features(facts: Facts, shadowed: tuple[str, ...], partial: tuple[str, ...]) -> Iterator[Check]:
    topic = "gateway features"
    if facts.gateway_classes.value is None or facts.gateways.value is None:
        yield unseen(topic, facts.gateway_classes if facts.gateway_classes.value is None else facts.gateways)
        return
    parents = {parent for model in facts.models.value or () for parent in model.parents}
    used = {(one.get("spec") or {}).get("gatewayClassName") for one in facts.gateways.value if not parents or _place(one) in parents}
    for gateway_class in facts.gateway_classes.value:
        name = gateway_class["metadata"]["name"]
        if name not in used:
            continue
        features = _supported(gateway_class)
        if not features:
            said = f"GatewayClass {name} does not say what it supports: whether copies are made shows only in shadow"
            yield warn(
                topic, said, "the operator compares the copies that arrive with those that were asked for; watch the first shadow stage"
            )
        elif _MIRROR not in features:
            needed = f"{', '.join(shadowed)} shadow by copies" if shadowed else "no policy shadows yet"
            todo = "use a policy without shadow, or a gateway that copies requests"
            yield (fail if shadowed else warn)(topic, f"GatewayClass {name} does not copy requests ({_MIRROR}); {needed}", todo)
        elif partial and _PARTIAL not in features:
            said = f"GatewayClass {name} copies all requests or none ({_PARTIAL}); {', '.join(partial)} ask for a part"
            yield warn(topic, said, "set mirrorPercent: 100, and give the candidate room for all of it")
        else:
            yield ok(topic, f"GatewayClass {name} copies requests{', also a part of them' if _PARTIAL in features else ''}")


def _supported(gateway_class: Mapping[str, Any]) -> set[str]:
    """Names alone in Gateway API up to v1.2, objects with a name since."""
    listed = (gateway_class.get("status") or {}).get("supportedFeatures") or ()
    return {str(one.get("name")) if isinstance(one, dict) else str(one) for one in listed}


def _programmed(gateway: Mapping[str, Any]) -> bool:
    conditions = (gateway.get("status") or {}).get("conditions") or ()
    return any(one.get("type") == "Programmed" and one.get("status") == "True" for one in conditions)


def _place(thing: Mapping[str, Any]) -> tuple[str, str]:
    return str(thing["metadata"].get("namespace") or ""), str(thing["metadata"]["name"])
