"""HorizontalPodAutoscaler of one revision, as a complete intent for server-side apply."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from headgate.kube.interface import Object
from headgate.kube.labels import MODEL, PREFIX, REVISION, Owner, object_metadata, revision_name
from headgate.kube.resources import DEPLOYMENTS, HORIZONTAL_POD_AUTOSCALERS

METRICS_DIGEST = PREFIX + "metrics"
"""Annotation: digest of the metrics as they were written. The API server stores them in a form of its own."""

_DEFAULT_METRICS = ({"type": "Resource", "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 80}}},)


@dataclass(frozen=True, slots=True)
class Autoscaler:
    """What sets the size of one revision. `metrics` are the user's, opaque; none: 80 % of the requested CPU.

    The autoscaler controller keeps `least` and `most` by itself, also when it can read no metric.
    """

    model: str
    namespace: str
    revision: str
    least: int
    most: int
    metrics: Sequence[Mapping[str, Any]] = ()
    digest: str = ""
    owner: Owner | None = None

    @property
    def name(self) -> str:
        return revision_name(self.model, self.revision)


def autoscaler(wanted: Autoscaler) -> Object:
    """Named and labelled like the Deployment that it scales."""
    metadata = object_metadata(wanted.name, wanted.namespace, wanted.owner, {MODEL: wanted.model, REVISION: wanted.revision})
    metadata["annotations"] = {METRICS_DIGEST: wanted.digest}
    return {
        "apiVersion": HORIZONTAL_POD_AUTOSCALERS.api_version,
        "kind": HORIZONTAL_POD_AUTOSCALERS.kind,
        "metadata": metadata,
        "spec": {
            "scaleTargetRef": {"apiVersion": DEPLOYMENTS.api_version, "kind": DEPLOYMENTS.kind, "name": wanted.name},
            "minReplicas": wanted.least,
            "maxReplicas": wanted.most,
            "metrics": [dict(metric) for metric in wanted.metrics or _DEFAULT_METRICS],
        },
    }
