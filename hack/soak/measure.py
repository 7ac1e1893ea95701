"""Measuring the operator from outside: kubelet, Prometheus, and the API server's own counters."""

import json
import re
from collections import Counter
from contextlib import suppress
from typing import Any

import httpx

from demo.kubectl import CommandError, kubectl
from soak.figures import Process

OPERATOR = "headgate-system"
_POD = f'namespace="{OPERATOR}"'
_WRITES = re.compile(r"^apiserver_request_total\{(.*)\} (\S+)$", re.MULTILINE)
_LABEL = re.compile(r'(\w+)="([^"]*)"')
# What the operator writes. Status of Deployments and routes belongs to others; events of the old group are the kubelet's.
_WRITTEN = {
    ("headgate.dev", "aimodels"),
    ("headgate.dev", "governanceapprovals"),
    ("gateway.networking.k8s.io", "httproutes"),
    ("apps", "deployments"),
    ("", "services"),
    ("", "configmaps"),
    ("events.k8s.io", "events"),
}
_ASKED_AGAIN = 4
_FOREIGN = {"deployments/status", "httproutes/status"}


class Meter:
    """Prometheus at `prometheus_url` must scrape the operator's pods."""

    def __init__(self, prometheus_url: str) -> None:
        self._prometheus = httpx.Client(base_url=prometheus_url, timeout=20, trust_env=False)
        self._seconds_of_cpu: dict[str, tuple[float, float]] = {}

    def processes(self, now: float) -> dict[str, Process]:
        """Every running process, by pod and start: one that was restarted is another. `now` in seconds; `cores` since the call before."""
        # The greatest of a minute: a scrape that failed counts no samples at all.
        series = self._by_pod(f"max by (pod) (max_over_time(scrape_samples_scraped{{{_POD}}}[1m]))")
        lag = self._by_pod(f"max by (pod) (max_over_time(headgate_loop_lag_seconds{{{_POD}}}[1m]))")
        leads = self._by_pod(f"headgate_leader{{{_POD}}}")
        return {
            f"{pod} of {started}": Process(
                rss_mib=memory / 2**20,
                series=int(series.get(pod, 0)),
                cores=self._cores(f"{pod} of {started}", now, cpu),
                loop_lag_ms=lag.get(pod, 0) * 1000,
                leads=bool(leads.get(pod)),
            )
            for pod, started, memory, cpu in self._usage()
        }

    def _usage(self) -> list[tuple[str, str, float, float]]:
        """Pod, start of its container, resident bytes, seconds of processor time."""
        found = []
        for node in json.loads(kubectl("get", "nodes", "-o", "json"))["items"]:
            for pod in _summary(node["metadata"]["name"])["pods"]:
                for container in pod.get("containers", ()):
                    if pod["podRef"]["namespace"] == OPERATOR and "rssBytes" in container.get("memory", {}):
                        name, started = pod["podRef"]["name"], container["startTime"]
                        cpu = container["cpu"]["usageCoreNanoSeconds"] / 1e9
                        found.append((name, started, float(container["memory"]["rssBytes"]), cpu))
        return found

    def _cores(self, process: str, now: float, cpu: float) -> float:
        before = self._seconds_of_cpu.get(process)
        self._seconds_of_cpu[process] = (now, cpu)
        return (cpu - before[1]) / (now - before[0]) if before and now > before[0] else 0.0

    def _by_pod(self, query: str) -> dict[str, float]:
        answer = self._prometheus.get("/api/v1/query", params={"query": query})
        answer.raise_for_status()
        return {entry["metric"]["pod"]: float(entry["value"][1]) for entry in answer.json()["data"]["result"]}


def _summary(node: str) -> Any:
    """The kubelet's figures of all pods. It gives none at all while one of their containers goes: so it is asked again."""
    path = f"/api/v1/nodes/{node}/proxy/stats/summary"
    for _ in range(_ASKED_AGAIN):
        with suppress(CommandError):
            return json.loads(kubectl("get", "--raw", path))
    return json.loads(kubectl("get", "--raw", path))


def writes() -> Counter[str]:
    """Requests that the API server carried out so far, by `resource VERB`: of the kinds that the operator writes, by anybody."""
    found: Counter[str] = Counter()
    for labels, count in _WRITES.findall(kubectl("get", "--raw", "/metrics")):
        label = dict(_LABEL.findall(labels))
        resource = f"{label['resource']}/{label['subresource']}".rstrip("/")
        written = label["verb"] in ("APPLY", "PATCH", "POST", "PUT", "DELETE") and label["code"].startswith("2")
        if written and not label["dry_run"] and (label["group"], label["resource"]) in _WRITTEN and resource not in _FOREIGN:
            found[f"{resource} {label['verb']}"] += int(float(count))
    return found


def traces(namespace: str) -> dict[str, Any]:
    """What the operator's writes leave behind in a namespace: when it wrote each object, by each of its field managers."""
    kinds = "aimodels,httproutes,deployments,services,configmaps,events.events.k8s.io"
    listed = json.loads(kubectl("get", kinds, "-n", namespace, "-o", "json", "--show-managed-fields"))
    found: dict[str, Any] = {}
    for item in listed["items"]:
        metadata = item["metadata"]
        managers = [
            (entry["manager"], entry.get("subresource", ""), entry.get("time", ""))
            for entry in metadata.get("managedFields", ())
            if entry["manager"].startswith("headgate")
        ]
        if managers:
            found[f"{item['kind']} {metadata['name']}"] = managers
    return found
