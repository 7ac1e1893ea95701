"""The autoscaler controller: keeps each Deployment within its bounds, and changes its mind as the load does."""

from random import Random
from typing import Any

from headgate.kube.resources import DEPLOYMENTS, HORIZONTAL_POD_AUTOSCALERS

_MOODS = (0, 0, 0, 0, 0, 0, 0, 0, 1, 1, -1)
"""Pods more or less that the load of a second asks for."""


class Autoscalers:
    """`live_a_second` is one round over all of them. One whose Deployment has no pods is disabled, as in the real controller."""

    def __init__(self, server: Any, rng: Random) -> None:
        self._server, self._rng = server, rng

    def live_a_second(self) -> None:
        for body in self._server.of(HORIZONTAL_POD_AUTOSCALERS):
            metadata, spec = body["metadata"], body["spec"]
            found = self._server.find(DEPLOYMENTS, spec["scaleTargetRef"]["name"], metadata["namespace"])
            present = int(found["spec"].get("replicas", 1)) if found else 0
            if not present:
                continue
            wanted = min(spec["maxReplicas"], max(spec.get("minReplicas", 1), present + self._rng.choice(_MOODS)))
            if wanted != present:
                self._server.put(DEPLOYMENTS, {**found, "spec": {**found["spec"], "replicas": wanted}})
                self._server.put(HORIZONTAL_POD_AUTOSCALERS, {**body, "status": {"currentReplicas": present, "desiredReplicas": wanted}})
