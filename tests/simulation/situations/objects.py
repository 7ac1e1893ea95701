"""Situations of every kind of object: create, read, change, list, watch, delete."""

import base64
import json
from typing import Any

from tests.simulation.situations.talk import Talk

from headgate.kube.resources import CONFIG_MAPS, EVENTS, LEASES, NAMESPACES

Object = dict[str, Any]

_WITHOUT = "recording-without-such-a-namespace"


def config_map(name: str, data: Object | None = None, **metadata: Any) -> Object:
    return {"metadata": {"name": name, **metadata}, **({"data": data} if data is not None else {})}


async def verbs(talk: Talk) -> None:
    made = await talk.create(CONFIG_MAPS, config_map("one", {"a": "1"}, labels={"app": "x"}))
    await talk.create(CONFIG_MAPS, config_map("one"))
    await talk.get(CONFIG_MAPS, "one")
    await talk.get(CONFIG_MAPS, "absent")
    await talk.create(CONFIG_MAPS, {"metadata": {"generateName": "made-"}})
    await talk.create(CONFIG_MAPS, {"metadata": {}})
    await talk.create(CONFIG_MAPS, config_map("dry", {"a": "1"}), dryRun="All")
    await talk.get(CONFIG_MAPS, "dry")
    await talk.create(CONFIG_MAPS, config_map("versioned", resourceVersion="1"))
    await talk.create(CONFIG_MAPS, {**config_map("misspelt"), "dta": {}}, fieldValidation="Strict")
    await talk.create(CONFIG_MAPS, {**config_map("pruned"), "dta": {}})
    await talk.send("GET", "/apis/apps/v1/gizmos")
    await talk.send("GET", "/apis/example.test/v1/gizmos")
    changed = await talk.merge(CONFIG_MAPS, "one", {"data": {"a": "2", "b": "3"}})
    await talk.merge(CONFIG_MAPS, "one", {"data": {"a": "2", "b": "3"}})
    await talk.merge(CONFIG_MAPS, "one", {"data": {"b": None}}, manager="other")
    await talk.merge(CONFIG_MAPS, "one", {"metadata": {"resourceVersion": made["metadata"]["resourceVersion"]}, "data": {"a": "9"}})
    await talk.merge(CONFIG_MAPS, "one", {"data": {"a": "4"}}, dryRun="All")
    await talk.merge(CONFIG_MAPS, "absent", {"data": {}})
    await talk.replace(CONFIG_MAPS, changed)
    current = await talk.get(CONFIG_MAPS, "one")
    await talk.replace(CONFIG_MAPS, {**current, "data": {"c": "5"}}, manager="replacer")
    await talk.delete(CONFIG_MAPS, "one", uid="00000000-0000-4000-a000-000000000000")
    await talk.delete(CONFIG_MAPS, "one", uid=made["metadata"]["uid"])
    await talk.delete(CONFIG_MAPS, "one")


async def immutable(talk: Talk) -> None:
    await talk.create(CONFIG_MAPS, {**config_map("fixed", {"a": "1"}), "immutable": True})
    await talk.merge(CONFIG_MAPS, "fixed", {"data": {"a": "2"}})
    await talk.merge(CONFIG_MAPS, "fixed", {"immutable": False})
    await talk.merge(CONFIG_MAPS, "fixed", {"metadata": {"labels": {"seen": "yes"}}})


async def lists(talk: Talk) -> None:
    for number in range(5):
        await talk.create(CONFIG_MAPS, config_map(f"cm-{number}", labels={"n": str(number), **({"odd": ""} if number % 2 else {})}))
    for selector in ("odd", "!odd,n", "n=3", "n!=3,n", "n in (1,2)", "n notin (1,2),odd", "n==0,!odd"):
        await talk.list(CONFIG_MAPS, labelSelector=selector)
    await talk.list(CONFIG_MAPS, fieldSelector="metadata.name=cm-2")
    await talk.list(CONFIG_MAPS, labelSelector="n in")
    await talk.send("GET", "/api/v1/configmaps", query={"labelSelector": "n in (1,2)"})
    first = await talk.list(CONFIG_MAPS, limit="2", labelSelector="n")
    await talk.delete(CONFIG_MAPS, "cm-3")
    await talk.create(CONFIG_MAPS, config_map("cm-9", labels={"n": "9"}))
    second = await talk.list(CONFIG_MAPS, limit="2", labelSelector="n", **{"continue": first["metadata"]["continue"]})
    await talk.list(CONFIG_MAPS, limit="2", labelSelector="n", **{"continue": second["metadata"]["continue"]})
    old = (
        base64.urlsafe_b64encode(json.dumps({"v": "meta.k8s.io/v1", "rv": 2, "start": "a\0"}, separators=(",", ":")).encode())
        .decode()
        .rstrip("=")
    )
    await talk.list(CONFIG_MAPS, limit="2", **{"continue": old})


async def watches(talk: Talk) -> None:
    start = (await talk.list(CONFIG_MAPS, labelSelector="app"))["metadata"]["resourceVersion"]
    await talk.create(CONFIG_MAPS, config_map("in", labels={"app": "x"}))
    await talk.create(CONFIG_MAPS, config_map("out"))
    await talk.merge(CONFIG_MAPS, "in", {"data": {"a": "1"}})
    await talk.merge(CONFIG_MAPS, "out", {"metadata": {"labels": {"app": "x"}}})
    await talk.merge(CONFIG_MAPS, "out", {"metadata": {"labels": {"app": "y"}}})
    await talk.delete(CONFIG_MAPS, "in")
    await talk.watch(CONFIG_MAPS, resourceVersion=start, labelSelector="app=x")
    await talk.watch(CONFIG_MAPS, resourceVersion=start, fieldSelector="metadata.name=out")
    await talk.watch(CONFIG_MAPS, labelSelector="app=y")
    await talk.watch(CONFIG_MAPS, resourceVersion="2")


async def finalizers(talk: Talk) -> None:
    await talk.create(CONFIG_MAPS, config_map("held", {"a": "1"}, finalizers=["example.test/hold"]))
    await talk.delete(CONFIG_MAPS, "held")
    await talk.delete(CONFIG_MAPS, "held")
    await talk.create(CONFIG_MAPS, config_map("held"))
    await talk.merge(CONFIG_MAPS, "held", {"data": {"a": "2"}})
    await talk.merge(CONFIG_MAPS, "held", {"metadata": {"finalizers": None}})
    await talk.get(CONFIG_MAPS, "held")


async def owners(talk: Talk) -> None:
    """Deletions of dependents are the garbage collector's, and come when it gets to them."""
    for propagation in ("Background", "Foreground", "Orphan"):
        name = propagation.lower()
        owner = await talk.create(CONFIG_MAPS, config_map(name))
        reference = {"apiVersion": "v1", "kind": "ConfigMap", "name": name, "uid": owner["metadata"]["uid"], "blockOwnerDeletion": True}
        await talk.create(CONFIG_MAPS, config_map(f"{name}-owned", ownerReferences=[reference], finalizers=["example.test/hold"]))
        await talk.delete(CONFIG_MAPS, name, propagation)
        await talk.merge(CONFIG_MAPS, f"{name}-owned", {"metadata": {"finalizers": None}})


async def namespaces(talk: Talk) -> None:
    await talk.send("POST", f"/api/v1/namespaces/{_WITHOUT}/configmaps", {"metadata": {"name": "lost"}}, {"fieldManager": "test"})
    body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "lost"}, "data": {"a": "1"}}
    query = {"fieldManager": "test", "force": "true"}
    await talk.send("PATCH", f"/api/v1/namespaces/{_WITHOUT}/configmaps/lost", body, query, content="application/apply-patch+yaml")
    await talk.get(NAMESPACES, talk.namespace)
    await talk.create(CONFIG_MAPS, config_map("held", finalizers=["example.test/hold"]))
    await talk.delete(NAMESPACES, talk.namespace)
    await talk.create(CONFIG_MAPS, config_map("late"))
    await talk.apply(CONFIG_MAPS, config_map("late"))
    await talk.merge(CONFIG_MAPS, "held", {"metadata": {"finalizers": None}})


async def leases(talk: Talk) -> None:
    spec = {"holderIdentity": "a", "leaseDurationSeconds": 15, "leaseTransitions": 0, "renewTime": "2026-03-01T00:00:00.000000Z"}
    made = await talk.create(LEASES, {"metadata": {"name": "headgate"}, "spec": {**spec, "acquireTime": spec["renewTime"]}})
    version = made["metadata"]["resourceVersion"]
    renewed = {"metadata": {"resourceVersion": version}, "spec": {**spec, "renewTime": "2026-03-01T00:00:02.000000Z"}}
    await talk.merge(LEASES, "headgate", renewed)
    await talk.merge(LEASES, "headgate", renewed)
    await talk.merge(LEASES, "headgate", {"spec": {"holderIdentity": "", "leaseDurationSeconds": 1}})
    await talk.create(LEASES, {"metadata": {"name": "headgate"}, "spec": spec})


async def events(talk: Talk) -> None:
    happening = {"reportingController": "headgate.dev/operator", "reportingInstance": "headgate-0", "action": "RollBack", "reason": "Guard"}
    when = "2026-03-01T00:00:00.000000Z"
    regarding = {"kind": "ConfigMap", "namespace": talk.namespace, "name": "one"}
    body = {"metadata": {"name": "one.17"}, "eventTime": when, "regarding": regarding, "note": "n", "type": "Warning", **happening}
    await talk.create(EVENTS, body)
    await talk.merge(EVENTS, "one.17", {"series": {"count": 2, "lastObservedTime": when}}, manager="headgate")
    await talk.get(EVENTS, "one.17")


SITUATIONS = (verbs, immutable, lists, watches, finalizers, owners, namespaces, leases, events)
