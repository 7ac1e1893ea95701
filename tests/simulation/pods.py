"""Deployment controller, scheduler, kubelet and endpoints in one: pods of each Deployment, and all that befalls them."""

from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random
from typing import Any

from tests.simulation.versions import Behaviour

from headgate.kube.labels import MODEL, REVISION
from headgate.kube.resources import DEPLOYMENTS, PODS

Object = dict[str, Any]


@dataclass(slots=True)
class Pod:
    """`ready` makes it an endpoint. `room`: a node was found for it. `began`: when its container last started, `turned`: when it became
    ready or ceased to be, true time."""

    name: str
    revision: str
    labels: dict[str, str]
    room: bool = True
    ready: bool = False
    restarts: int = 0
    began: float = 0.0
    exited: float | None = None
    turned: float = 0.0


@dataclass(slots=True)
class Fleet:
    """Pods of one revision, and until when at least one was an endpoint (now, as long as one is)."""

    pods: dict[str, Pod] = field(default_factory=dict)
    serial: int = 0
    served_until: float = float("-inf")

    @property
    def ready(self) -> int:
        return sum(pod.ready for pod in self.pods.values())


class Pods:
    """`later(seconds, work)` calls back; `stamp` spells a true time; `before_change` is called before endpoints change."""

    def __init__(
        self,
        server: Any,
        rng: Random,
        now: Callable[[], float],
        later: Callable[..., Any],
        stamp: Callable[[float], str],
        behaviour: Callable[[str], Behaviour],
        before_change: Callable[[], None],
    ) -> None:
        self._server, self._rng, self._now, self._later = server, rng, now, later
        self._stamp, self._behaviour, self._before_change = stamp, behaviour, before_change
        self.fleets: dict[str, Fleet] = {}
        self.no_room = False

    def ready(self, revision: str) -> int:
        fleet = self.fleets.get(revision)
        return fleet.ready if fleet else 0

    def served_within(self, revision: str, seconds: float) -> bool:
        """Whether some pod was an endpoint during the last `seconds`."""
        fleet = self.fleets.get(revision)
        return fleet is not None and (fleet.ready > 0 or self._now() - fleet.served_until <= seconds)

    def follow(self, name: str, namespace: str) -> None:
        """A Deployment was written or deleted: make what is missing, remove what is too much, those that are not ready and the youngest
        first."""
        found = self._server.find(DEPLOYMENTS, name, namespace)
        revision = name.rpartition("-")[2]
        fleet = self.fleets.setdefault(revision, Fleet())
        wanted = int(found["spec"].get("replicas", 1)) if found else 0
        for pod in sorted(fleet.pods.values(), key=lambda pod: not pod.ready)[wanted:]:
            self._remove(fleet, pod, namespace)
        while found is not None and len(fleet.pods) < wanted:
            self._make(fleet, found, namespace)

    def adopt(self, body: Object) -> None:
        """A pod that was there before the trace began."""
        labels = body["metadata"]["labels"]
        revision = labels[REVISION]
        fleet = self.fleets.setdefault(revision, Fleet())
        fleet.serial += 1
        ready = any(c["type"] == "Ready" and c["status"] == "True" for c in body["status"]["conditions"])
        pod = Pod(body["metadata"]["name"], revision, labels, ready=ready)
        fleet.pods[pod.name] = pod

    def live_a_second(self, namespace: str, exposed: Callable[[str], bool]) -> None:
        """Pods that crash under load do; pods that found no room look again."""
        for revision, fleet in self.fleets.items():
            acts = self._behaviour(revision)
            for pod in list(fleet.pods.values()):
                if pod.ready and acts.crashes and exposed(revision) and self._rng.random() < 1 / acts.crashes:
                    self.crash(pod, namespace)
                elif not pod.room and not self.no_room:
                    self._start(pod, namespace)

    def some(self, *, ready: bool = True) -> Pod | None:
        """Any pod, drawn."""
        known = [pod for fleet in self.fleets.values() for pod in fleet.pods.values() if pod.ready == ready]
        return self._rng.choice(known) if known else None

    def crash(self, pod: Pod, namespace: str) -> None:
        pod.restarts += 1
        pod.exited = self._now()
        self._set_ready(pod, False, namespace)
        self._later(self._rng.uniform(0.5, 1.5), self._become_ready, pod, namespace)

    def lose_readiness(self, pod: Pod, namespace: str) -> None:
        self._set_ready(pod, False, namespace)
        self._later(self._rng.uniform(0.5, 6.0), self._become_ready, pod, namespace)

    def evict(self, pod: Pod, namespace: str) -> None:
        """Gone, and the Deployment makes another one."""
        self._remove(self.fleets[pod.revision], pod, namespace)
        self.follow(f"{pod.labels[MODEL]}-{pod.revision}", namespace)

    def _make(self, fleet: Fleet, deployment: Object, namespace: str) -> None:
        fleet.serial += 1
        labels = dict(deployment["spec"]["template"]["metadata"]["labels"])
        revision = labels[REVISION]
        name = f"{deployment['metadata']['name']}-5b6f-{fleet.serial}"
        pod = Pod(name, revision, labels, room=not self.no_room, began=self._now())
        fleet.pods[pod.name] = pod
        self._write(pod, namespace)
        if pod.room:
            self._start(pod, namespace)

    def _start(self, pod: Pod, namespace: str) -> None:
        pod.room, pod.began = True, self._now()
        starts = self._behaviour(pod.revision).starts
        if starts is not None:
            self._later(self._rng.uniform(*starts), self._become_ready, pod, namespace)

    def _become_ready(self, pod: Pod, namespace: str) -> None:
        fleet = self.fleets[pod.revision]
        if fleet.pods.get(pod.name) is pod and not pod.ready:
            pod.began = self._now()
            self._set_ready(pod, True, namespace)

    def _set_ready(self, pod: Pod, ready: bool, namespace: str) -> None:
        self._before_change()
        pod.ready, pod.turned = ready, self._now()
        self._seen(pod.revision)
        self._write(pod, namespace)

    def _remove(self, fleet: Fleet, pod: Pod, namespace: str) -> None:
        self._before_change()
        served = pod.ready
        del fleet.pods[pod.name]
        if served:
            self._seen(pod.revision)
        self._server.remove(PODS, pod.name, namespace)

    def _seen(self, revision: str) -> None:
        self.fleets[revision].served_until = self._now()

    def _write(self, pod: Pod, namespace: str) -> None:
        turned = self._stamp(pod.turned or pod.began)
        conditions = [{"type": "Ready", "status": "True" if pod.ready else "False", "lastTransitionTime": turned}]
        if not pod.room:
            words = "0/3 nodes are available: 3 Insufficient nvidia.com/gpu."
            conditions.append({"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": words})
        container: Object = {"name": "model", "image": "registry.example/credit", "restartCount": pod.restarts, "ready": pod.ready}
        if pod.exited is not None:
            ended = {"exitCode": 139, "reason": "Error", "finishedAt": self._stamp(pod.exited)}
            container["lastState"] = {"terminated": ended}
            if not pod.ready:
                container["state"] = {"waiting": {"reason": "CrashLoopBackOff", "message": "back-off 1s restarting failed container"}}
        if pod.room and "state" not in container:
            container["state"] = {"running": {"startedAt": self._stamp(pod.began)}}
        body = {
            "metadata": {"name": pod.name, "namespace": namespace, "labels": pod.labels},
            "status": {"conditions": conditions, "containerStatuses": [container] if pod.room else []},
        }
        self._server.put(PODS, body)
