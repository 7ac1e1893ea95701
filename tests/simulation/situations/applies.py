"""Situations of server-side apply: who owns what, who loses it, and when."""

from copy import deepcopy
from dataclasses import replace
from typing import Any

from tests.resources import ABSENT, AIMODEL, APPROVE, HALT, POLICY, changed
from tests.simulation.situations.objects import config_map
from tests.simulation.situations.talk import Talk

from headgate.kube.labels import Owner, TrafficRole
from headgate.kube.resources import (
    AIMODELS,
    CONFIG_MAPS,
    DEPLOYMENTS,
    GATEWAYS,
    GOVERNANCE_APPROVALS,
    HTTP_ROUTES,
    ROLLOUT_POLICIES,
    SERVICES,
)
from headgate.kube.routes import Mirror, Slot, WantedRoute, gateway
from headgate.kube.workloads import Workload, deployment, service

Object = dict[str, Any]

_STABLE, _CANDIDATE = "0a1b2c3d", "ffee0011"


async def maps(talk: Talk) -> None:
    made = await talk.apply(CONFIG_MAPS, config_map("one", {"a": "1", "b": "2"}, labels={"x": "y"}))
    await talk.apply(CONFIG_MAPS, config_map("one", {"a": "1", "b": "2"}, labels={"x": "y"}))
    await talk.apply(CONFIG_MAPS, config_map("one", {"c": "3"}), manager="other", force=False)
    await talk.apply(CONFIG_MAPS, config_map("one", {"a": "9"}), manager="other", force=False)
    await talk.apply(CONFIG_MAPS, config_map("one", {"a": "9", "b": "9", "c": "3"}), manager="other", force=False)
    await talk.apply(CONFIG_MAPS, config_map("one", {"b": "2", "c": "3"}), manager="other", force=False)
    await talk.apply(CONFIG_MAPS, config_map("one", {"a": "1"}))
    await talk.apply(CONFIG_MAPS, config_map("one", {"c": "3"}), manager="other")
    await talk.merge(CONFIG_MAPS, "one", {"data": {"a": "7", "d": "4"}}, manager="kubectl-edit")
    await talk.apply(CONFIG_MAPS, config_map("one", {"a": "1"}), force=False)
    await talk.merge(CONFIG_MAPS, "one", {"metadata": {"labels": {"seen": "yes"}}}, manager="kubectl-edit")
    both = config_map("one", {"a": "1", "d": "5"}, labels={"seen": "no"})
    await talk.apply(CONFIG_MAPS, both, force=False)
    await talk.apply(CONFIG_MAPS, both, dryRun="All")
    await talk.apply(CONFIG_MAPS, both)
    await talk.apply(CONFIG_MAPS, config_map("one"))
    await talk.apply(CONFIG_MAPS, config_map("one", {"z": "1"}, resourceVersion=made["metadata"]["resourceVersion"]))
    await talk.apply(CONFIG_MAPS, config_map("absent", {"z": "1"}, uid="00000000-0000-4000-a000-000000000000"))
    await talk.apply(CONFIG_MAPS, config_map("absent", {"z": "1"}, resourceVersion="1"))
    await talk.apply(CONFIG_MAPS, config_map("one", {"z": "1"}, uid="00000000-0000-4000-a000-000000000000"))
    await talk.apply(CONFIG_MAPS, config_map("absent", {"z": "1"}), dryRun="All")
    await talk.apply(CONFIG_MAPS, config_map("absent", {"z": "1"}), manager="")
    await talk.apply(CONFIG_MAPS, config_map("absent", {"z": "1"}, managedFields=[{"manager": "x"}]))
    await talk.apply(CONFIG_MAPS, {**config_map("absent"), "dta": {"z": "1"}})


async def owner_lists(talk: Talk) -> None:
    owner = await talk.create(CONFIG_MAPS, config_map("owner"))
    other = await talk.create(CONFIG_MAPS, config_map("other"))
    references = [Owner("v1", "ConfigMap", made["metadata"]["name"], made["metadata"]["uid"]).reference() for made in (owner, other)]
    second = {key: value for key, value in references[1].items() if key not in ("controller", "blockOwnerDeletion")}
    await talk.apply(CONFIG_MAPS, config_map("owned", ownerReferences=[references[0]]))
    await talk.apply(CONFIG_MAPS, config_map("owned", ownerReferences=[second]), manager="other")
    await talk.apply(CONFIG_MAPS, config_map("owned", ownerReferences=references))
    await talk.apply(CONFIG_MAPS, config_map("owned"))
    await talk.apply(CONFIG_MAPS, config_map("owned", finalizers=["example.test/a"]), manager="one")
    await talk.apply(CONFIG_MAPS, config_map("owned", finalizers=["example.test/b"]), manager="two")
    await talk.apply(CONFIG_MAPS, config_map("owned"), manager="one")
    await talk.apply(CONFIG_MAPS, config_map("owned"), manager="two")


def _workload(namespace: str) -> Workload:
    template = AIMODEL["spec"]["serving"]["deployment"]["template"]
    return Workload("credit", namespace, _STABLE, template, 8080, 0, 30, TrafficRole.STABLE, "1")


async def workloads(talk: Talk) -> None:
    workload = _workload(talk.namespace)
    intent, name = deployment(workload), workload.name
    await talk.apply(DEPLOYMENTS, intent, dryRun="All")
    await talk.apply(DEPLOYMENTS, intent)
    await talk.apply(DEPLOYMENTS, intent)
    await talk.apply(DEPLOYMENTS, deployment(replace(workload, role=TrafficRole.PREVIOUS)))
    await talk.merge(DEPLOYMENTS, name, {"metadata": {"annotations": {"note": "x"}}}, manager="kubectl-annotate")
    await talk.merge(DEPLOYMENTS, name, {"spec": {"paused": True}}, manager="kubectl-edit")
    await talk.apply(DEPLOYMENTS, deployment(replace(workload, replicas=1)), manager="other", force=False)
    await talk.apply(DEPLOYMENTS, deployment(replace(workload, replicas=None)))
    side = {"metadata": {"name": name}, "spec": {"template": {"spec": {"containers": [{"name": "side", "image": "side"}]}}}}
    await talk.apply(DEPLOYMENTS, side, manager="injector")
    await talk.apply(DEPLOYMENTS, intent)
    await talk.apply(DEPLOYMENTS, {"metadata": {"name": name}}, manager="injector")
    edited = deepcopy(intent)
    container = edited["spec"]["template"]["spec"]["containers"][0]
    container["env"] = [{"name": "A", "value": "1"}, {"name": "EMPTY", "value": ""}]
    container["ports"] = [{"containerPort": 8080}, {"containerPort": 9090, "name": "metrics"}]
    await talk.apply(DEPLOYMENTS, edited)
    container["env"] = [{"name": "B", "value": "2"}, {"name": "A", "value": "1"}]
    await talk.apply(DEPLOYMENTS, edited)
    await talk.apply(DEPLOYMENTS, {**intent, "spec": {**intent["spec"], "selector": {"matchLabels": {"a": "b"}}}})
    for container in ({"name": "m"}, {"name": "m", "image": "a", "redinessProbe": {}}):
        broken = deployment(replace(workload, template={"spec": {"containers": [container]}}))
        await talk.apply(DEPLOYMENTS, broken, dryRun="All")
    await talk.merge(DEPLOYMENTS, name, {"spec": {"replicas": 0}, "status": {"replicas": 7}}, manager="headgate")
    await talk.delete(DEPLOYMENTS, name)


async def services(talk: Talk) -> None:
    intent = service(_workload(talk.namespace))
    name = intent["metadata"]["name"]
    await talk.apply(SERVICES, intent)
    await talk.apply(SERVICES, intent)
    await talk.apply(SERVICES, {"metadata": {"name": name}, "spec": {"ports": [{"name": "more", "port": 9090}]}}, manager="other")
    await talk.apply(SERVICES, intent)
    await talk.apply(SERVICES, {**intent, "spec": {**intent["spec"], "ports": [{"port": 70000}]}})
    await talk.delete(SERVICES, name)


def _route(namespace: str, weight: int, **changes: Any) -> Object:
    slots = (Slot(f"credit-{_STABLE}", 8080, 1000 - weight, _STABLE), Slot(f"credit-{_CANDIDATE}", 8080, weight, _CANDIDATE))
    rules: tuple[Object, ...] = ({"matches": [{"path": {"value": "/v1"}, "headers": [{"name": "x-t", "value": "a"}]}]}, {})
    parents = ({"name": "public", "namespace": "gateways"},)
    mirror = Mirror(f"credit-{_CANDIDATE}", 8080, 0.5)
    wanted = WantedRoute("credit", namespace, None, parents, (f"{namespace}.models.example",), rules, slots, mirror, "1")
    return gateway.render(replace(wanted, **changes))


async def routes(talk: Talk) -> None:
    intent = _route(talk.namespace, 50)
    made = await talk.apply(HTTP_ROUTES, intent, force=False)
    await talk.apply(HTTP_ROUTES, intent)
    rules = deepcopy(made["spec"]["rules"])
    rules[0]["backendRefs"][1]["weight"] = 950
    await talk.merge(HTTP_ROUTES, "credit", {"spec": {"rules": rules}}, manager="kubectl-edit")
    await talk.apply(HTTP_ROUTES, intent, force=False)
    stale = {**intent, "metadata": {**intent["metadata"], "resourceVersion": made["metadata"]["resourceVersion"]}}
    await talk.apply(HTTP_ROUTES, stale)
    await talk.apply(HTTP_ROUTES, _route(talk.namespace, 250), dryRun="All")
    await talk.apply(HTTP_ROUTES, intent)
    await talk.apply(HTTP_ROUTES, _route(talk.namespace, 0, mirror=None))
    await talk.apply(HTTP_ROUTES, _route(talk.namespace, 0, mirror=None, attempt="2"))
    await talk.apply(HTTP_ROUTES, {**intent, "spec": {**intent["spec"], "rools": []}})
    await talk.apply(HTTP_ROUTES, _route(talk.namespace, 50, hostnames=("no spaces please",)))
    await talk.get(GATEWAYS, "public")
    await talk.delete(HTTP_ROUTES, "credit")


_REFUSED: tuple[tuple[tuple[str | int, ...], Any], ...] = (
    (("version",), ""),
    (("version",), "1" * 64),
    (("serving", "deployment", "replicas"), 1001),
    (("serving", "deployment", "replicas"), "two"),
    (("artifact", "digest"), "md5:0123"),
    (("classification", "declaredTier"), "Moderate"),
    (("classification", "declaredTier"), ABSENT),
    (("traffic", "parentRefs"), []),
    (("policy",), ABSENT),
)


async def models(talk: Talk) -> None:
    document = {**AIMODEL, "metadata": {"name": "credit"}}
    for place, value in _REFUSED:
        await talk.create(AIMODELS, {**changed(AIMODEL, (place, value)), "metadata": {"name": "credit"}}, dryRun="All")
    await talk.create(AIMODELS, {**changed(document, (("trafic",), {})), "metadata": {"name": "credit"}}, fieldValidation="Strict")
    await talk.create(AIMODELS, {**changed(document, (("trafic",), {})), "metadata": {"name": "credit"}, "status": {"phase": "Live"}})
    await talk.merge(AIMODELS, "credit", {"spec": {"version": "2"}, "status": {"phase": "Live"}}, manager="kubectl-edit")
    await talk.merge(AIMODELS, "credit", {"metadata": {"labels": {"a": "b"}}}, manager="kubectl-label")
    await talk.merge(AIMODELS, "credit", {"spec": {"version": None}})
    await talk.apply(AIMODELS, {**AIMODEL, "metadata": {"name": "credit"}}, manager="gitops", force=False)
    await talk.apply(AIMODELS, {**AIMODEL, "metadata": {"name": "credit"}}, manager="gitops")
    await talk.apply(AIMODELS, {"metadata": {"name": "credit"}}, manager="other")
    await talk.apply(AIMODELS, {"metadata": {"name": "credit"}, "spec": {"versoin": "3"}}, manager="other")


def _condition(kind: str, status: str) -> Object:
    when = "2026-03-01T00:00:00Z"
    return {"type": kind, "status": status, "reason": "Live", "message": "m", "lastTransitionTime": when, "observedGeneration": 1}


async def statuses(talk: Talk) -> None:
    made = await talk.create(AIMODELS, {**AIMODEL, "metadata": {"name": "credit"}})
    status = {"phase": "Preparing", "attempts": 1, "conditions": [_condition("Ready", "False"), _condition("Serving", "True")]}
    body = {"metadata": {"name": "credit"}, "status": status}
    first = await talk.apply(AIMODELS, body, manager="headgate-status", status=True)
    await talk.apply(AIMODELS, body, manager="headgate-status", status=True)
    stale = {"metadata": {"name": "credit", "resourceVersion": made["metadata"]["resourceVersion"]}, "status": {"phase": "Live"}}
    await talk.apply(AIMODELS, stale, manager="headgate-status", status=True)
    current = {"name": "credit", "resourceVersion": first["metadata"]["resourceVersion"]}
    fewer = {"metadata": current, "status": {"phase": "Live", "conditions": [_condition("Ready", "True")]}}
    await talk.apply(AIMODELS, fewer, manager="headgate-status", status=True)
    meddling = {"metadata": {"name": "credit", "labels": {"a": "b"}}, "spec": {"version": "x"}, "status": {"phase": "Live"}}
    await talk.apply(AIMODELS, meddling, manager="headgate-status", status=True)
    await talk.apply(AIMODELS, {"metadata": {"name": "credit"}, "status": {"phase": "Flying"}}, manager="headgate-status", status=True)
    await talk.merge(AIMODELS, "credit", {"status": {"attempts": 3}}, manager="test", status=True)
    await talk.apply(AIMODELS, {"metadata": {"name": "credit"}, "status": {"attempts": 4}}, manager="other", force=False, status=True)
    await talk.apply(AIMODELS, {"metadata": {"name": "absent"}, "status": {"phase": "Live"}}, manager="headgate-status", status=True)
    await talk.merge(AIMODELS, "credit", {"metadata": {"finalizers": ["headgate.dev/hold"]}}, manager="test")
    await talk.delete(AIMODELS, "credit")
    await talk.merge(AIMODELS, "credit", {"metadata": {"finalizers": None}}, manager="test")


async def decisions(talk: Talk) -> None:
    await talk.create(ROLLOUT_POLICIES, {"metadata": {"name": "bare"}, "spec": {"stages": POLICY["spec"]["stages"]}})
    person = {"user": "dana@bank.example"}
    approval = {**changed(APPROVE, (("approver",), person["user"])), "metadata": {"name": "approval"}}
    await talk.create(GOVERNANCE_APPROVALS, approval, **person)
    await talk.create(GOVERNANCE_APPROVALS, {**approval, "metadata": {"name": "forged"}}, user="eve@bank.example")
    halt = {**changed(HALT, (("approver",), person["user"])), "metadata": {"name": "halt"}}
    await talk.create(GOVERNANCE_APPROVALS, halt, **person)
    await talk.create(GOVERNANCE_APPROVALS, {**changed(halt, (("target", "attempt"), 0)), "metadata": {"name": "none"}}, **person)
    note = {"metadata": {"name": "approval"}, "status": {"state": "Counted", "message": "x"}}
    await talk.apply(GOVERNANCE_APPROVALS, note, manager="headgate-status", status=True)


SITUATIONS = (maps, owner_lists, workloads, services, routes, models, statuses, decisions)
